//! An account's audit log, as its owner or an API key with the permission sees it: listed, exported, and checked
//! against what this machine remembers of it.

pub mod memory;
mod witness;
pub mod words;

pub use audit_log::{Finding, Report};
pub use witness::Witness;

use crate::{
    config::{AccountFile, KeyConfig, VaultAddress},
    environment::Client,
    error::{Error, Kind, Result},
    owner::Owner,
    remote::Remote,
};
use audit_log::{Retired, Verifier};
use memory::Memory;
use protocol::{
    AccountId, Code,
    body::{AuditRows, Closed, LoggedRow, Page, Segment, Segments},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Requests that close, one after the other without any closing something, before this gives up: so many others
/// are not closing at once.
const MOST_IN_VAIN: u32 = 20;

/// Rows of a segment that was closed fewer days ago are not gone by any plan but one that keeps them for less; a plan may
/// have kept them for less before it was changed.
const LONGEST_DOUBT: u64 = 30;

/// A log that may be asked for.
pub struct Log {
    remote: Remote,
    account: AccountId,
}

impl Log {
    /// The log of an API key's account. Which account that is, the key itself proves.
    ///
    /// # Errors
    /// The refusal, or that the vault's answer is not trusted.
    pub fn of_key(config: &KeyConfig) -> Result<Self> {
        let account = Client::new(config, None).account()?;
        let token = config.key.derive_token(&config.vault.audience);
        Ok(Self { remote: Remote::new(config.vault.clone()).with(&token), account })
    }

    /// The log of this machine's account: with the session that is there, or by the passphrase.
    ///
    /// # Errors
    /// When nobody is logged in here, or as [`Owner::unlock`].
    pub fn of_owner(vault_url: Option<&str>) -> Result<Self> {
        if vault_url.is_none()
            && let Some(file) = AccountFile::read()?
            && let Some(session) = &file.session
        {
            let vault = VaultAddress::new(&file.vault_url, file.audience.as_deref())?;
            let remote = Remote::new(vault).with(session);
            match remote.get::<protocol::body::Account>("/v1/account") {
                Ok(_) => return Ok(Self { remote, account: file.account }),
                Err(error) if matches!(error.code, Some(Code::Unauthenticated | Code::KeyExpired)) => {}
                Err(error) => return Err(error),
            }
        }
        let owner = Owner::unlock(vault_url)?;
        let account = owner.account();
        Ok(Self { remote: owner.remote, account })
    }

    /// The newest rows that the caller may see, newest first, `most` of them or fewer; and those between that the vault
    /// cannot open.
    ///
    /// # Errors
    /// The refusal.
    pub fn newest(&self, most: usize) -> Result<AuditRows> {
        let mut rows = AuditRows { items: vec![], unreadable: vec![], next: None };
        let (mut cursor, mut before) = (String::new(), u64::MAX);
        loop {
            let page: AuditRows = self.remote.get(&format!("/v1/audit{cursor}"))?;
            rows.items.extend(page.items);
            rows.unreadable.extend(page.unreadable);
            match page.next.and_then(|next| next.parse().ok()) {
                Some(next) if rows.items.len() < most && next < before => {
                    (cursor, before) = (format!("?cursor={next}"), next);
                }
                _ => break,
            }
        }
        if rows.items.len() > most {
            rows.items.truncate(most);
            let oldest = rows.items.last().map_or(0, |row| row.seq);
            rows.unreadable.retain(|row| row.seq > oldest);
        }
        Ok(rows)
    }

    /// Hands `take` each row from `from` to `to`, oldest first, in pages; without `to`, to the log's end.
    ///
    /// # Errors
    /// The refusal, rows that are in no order, or what `take` says.
    pub fn rows(
        &self,
        from: u64,
        to: Option<u64>,
        mut take: impl FnMut(Vec<LoggedRow>) -> Result<()>,
    ) -> Result<()> {
        let mut next = Some(from);
        while let Some(from) = next {
            let to = to.map(|to| format!("&to={to}")).unwrap_or_default();
            let page: Page<LoggedRow> = self.remote.get(&format!("/v1/audit/rows?from={from}{to}"))?;
            let mut expected = from;
            for row in &page.items {
                if row.seq < expected {
                    return Err(distrusted("rows of the audit log come in no order"));
                }
                expected = row.seq.saturating_add(1);
            }
            next =
                page.next.and_then(|next| next.parse().ok()).filter(|next| *next >= expected && *next > from);
            take(page.items)?;
        }
        Ok(())
    }

    /// Closes what is open, recomputes everything from the pinned segment on (or from the beginning, with `all` or
    /// without a pin), and compares it with the pin and the receipts. Pins the newest segment when there is no
    /// finding. With a `witness`, of another machine, everything is also compared with what that one knows. `progress`
    /// is told, now and then, how many rows were read.
    ///
    /// # Errors
    /// The refusal, or that the witness is of another account. What is wrong with the log is in the report.
    pub fn verify(&self, all: bool, witness: Option<&Witness>, progress: impl Fn(u64)) -> Result<Report> {
        if witness.is_some_and(|witness| witness.account != self.account) {
            return Err(Error::local(
                "what is to be compared is of another account's log",
                "write it with a key of this account: securecode audit verify --json > FILE",
            ));
        }
        let all = all || witness.is_some();
        let memory = Memory::of(self.account)?;
        let pin = memory.pin()?;
        let closing = self.close()?;
        let (mut verifier, retired) = self.headers(pin.filter(|_| !all).map_or(1, |pin| pin.n))?;
        if let Some(pin) = pin {
            verifier.compare_with_pin(&pin);
        }
        verifier.receipts(memory.receipts()?);
        if let Some(witness) = witness {
            verifier.compare_with(witness.pin, &witness.receipts);
        }
        if closing.is_none() {
            verifier.finding(Finding::NotClosed);
        }
        let (mut read, first) = (0, verifier.first_row());
        self.rows(first, None, |rows| {
            read += rows.len() as u64;
            progress(read);
            rows.into_iter().for_each(|row| verifier.row(row));
            Ok(())
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let report = verifier.report(&retired, now);
        if report.findings.is_empty()
            && let Some(newest) = &report.newest
        {
            memory.set_pin(newest)?;
        }
        Ok(report)
    }

    /// What this machine knows of the log, for another to compare; nothing before it verified it once.
    ///
    /// # Errors
    /// When its memory cannot be read.
    pub fn witness(&self) -> Result<Option<Witness>> {
        let memory = Memory::of(self.account)?;
        let receipts = memory.receipts()?;
        Ok(memory.pin()?.map(|pin| Witness { account: self.account, pin, receipts }))
    }

    /// Closes all that is open. The row of the last of these requests is left, with a receipt of it here. Nothing,
    /// when the vault finds the log damaged.
    fn close(&self) -> Result<Option<()>> {
        let mut in_vain = 0;
        loop {
            let closed: Closed = match self.remote.post("/v1/audit/segments", &()) {
                Err(error) if error.code == Some(Code::LogDamaged) => return Ok(None),
                other => other?,
            };
            memory::keep(self.account, closed.receipt);
            if closed.open == 0 {
                return Ok(Some(()));
            }
            in_vain = if closed.segment.is_some() { 0 } else { in_vain + 1 };
            if in_vain > MOST_IN_VAIN {
                return Err(Error::new(
                    Kind::Refused,
                    "the audit log is being closed by others all the time",
                    "try again in a minute",
                ));
            }
            if in_vain > 0 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// The headers from the segment `from` on, and which rows are no longer kept.
    fn headers(&self, from: u64) -> Result<(Verifier, Retired)> {
        let mut headers: Vec<Segment> = Vec::new();
        let mut after = from.saturating_sub(1);
        loop {
            let page: Segments = self.remote.get(&format!("/v1/audit/segments?cursor={after}"))?;
            headers.extend(page.items);
            match page.next.and_then(|next| next.parse().ok()) {
                Some(next) if next > after => after = next,
                _ => {
                    let kept = page.audit_days.min(LONGEST_DOUBT).saturating_mul(86_400);
                    let retired = Retired { last: page.dropped, kept };
                    return Ok((Verifier::new(self.account, from, headers), retired));
                }
            }
        }
    }
}

fn distrusted(what: &str) -> Error {
    Error::new(
        Kind::Distrusted,
        format!("the vault's answer is not trusted: {what}"),
        "do not use this vault before its operator explains",
    )
}
