//! Checking an account's audit log, as `securecode audit verify` does, with what a browser remembers.

use crate::answers::LoggedRow;
use crate::{answer, input, output, thrown::Thrown};
use audit_log::{Finding, Pin, Retired, Verifier};
use protocol::{
    AccountId,
    body::{Page, Receipt, Segments},
};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface LogReport {
  /** What is wrong, in words; nothing, if nothing is. */
  findings: string[];
  rows: number;
  open: number;
  receipts: number;
  /** To be remembered, when there is no finding. */
  pin: { n: number; hash: string } | null;
  was_pinned: boolean;
}
"#;

/// Rows of a segment that was closed fewer days ago are not gone by any plan but one that keeps them for less.
const LONGEST_DOUBT: u64 = 30;

/// A check on its way.
#[wasm_bindgen]
pub struct LogCheck {
    verifier: Verifier,
    retired: Retired,
}

#[wasm_bindgen]
impl LogCheck {
    /// Begins with all pages of `GET /v1/audit/segments`, from the segment that was verified before on, if one was:
    /// `pin` in JSON. `receipts` are `Receipt[]` in JSON.
    ///
    /// # Errors
    /// When something is not of its form.
    #[wasm_bindgen(constructor)]
    pub fn new(
        account: &str,
        pages: Vec<String>,
        pin: Option<String>,
        receipts: &str,
    ) -> Result<Self, Thrown> {
        let account: AccountId = account.parse().map_err(|_| Thrown::mistake("that is no id"))?;
        let pin: Option<Pin> = pin.map(|pin| input(&pin)).transpose()?;
        let mut headers = Vec::new();
        let mut retired = Retired { last: 0, kept: 0 };
        for page in &pages {
            let page: Segments = answer(page)?;
            headers.extend(page.items);
            let kept = page.audit_days.min(LONGEST_DOUBT).saturating_mul(86_400);
            retired = Retired { last: page.dropped, kept };
        }
        let mut verifier = Verifier::new(account, pin.map_or(1, |pin| pin.n), headers);
        if let Some(pin) = &pin {
            verifier.compare_with_pin(pin);
        }
        verifier.receipts(input::<Vec<Receipt>>(receipts)?);
        Ok(Self { verifier, retired })
    }

    /// The vault itself finds its log damaged.
    #[wasm_bindgen(js_name = notClosed)]
    pub fn not_closed(&mut self) {
        self.verifier.finding(Finding::NotClosed);
    }

    /// The number of the first row to ask for.
    #[wasm_bindgen(js_name = firstRow)]
    pub fn first_row(&self) -> f64 {
        number(self.verifier.first_row())
    }

    /// Takes a page of `GET /v1/audit/rows?from=…`; the number that the next begins with, if there is one.
    ///
    /// # Errors
    /// When rows come in no order.
    pub fn rows(&mut self, from: f64, served: &str) -> Result<Option<f64>, Thrown> {
        let page: Page<LoggedRow> = answer(served)?;
        let mut expected = from;
        for row in page.items {
            let seq = number(row.seq);
            if seq < expected {
                return Err(Thrown::distrusted("rows of the audit log come in no order"));
            }
            expected = seq + 1.0;
            self.verifier.row(row.into());
        }
        let next = page.next.and_then(|next| next.parse::<u64>().ok()).map(number);
        Ok(next.filter(|next| *next >= expected && *next > from))
    }

    /// Compares everything: `LogReport` in JSON.
    ///
    /// # Errors
    /// Never.
    pub fn report(self, now: u32) -> Result<String, Thrown> {
        #[derive(Serialize)]
        struct View {
            findings: Vec<String>,
            rows: u64,
            open: u64,
            receipts: u64,
            pin: Option<Pin>,
            was_pinned: bool,
        }
        let report = self.verifier.report(&self.retired, u64::from(now));
        output(&View {
            pin: report.newest.map(|newest| Pin { n: newest.n, hash: newest.hash }),
            findings: report.findings.iter().map(ToString::to_string).collect(),
            rows: report.rows,
            open: report.open,
            receipts: report.receipts,
            was_pinned: report.was_pinned,
        })
    }
}

/// JavaScript's numbers hold every number of a row that will ever be.
#[allow(clippy::cast_precision_loss, reason = "2^53 rows are more than any log has")]
fn number(seq: u64) -> f64 {
    seq as f64
}
