//! Segments: rows of the audit log, closed over so that they cannot change unnoticed. The headers stay when the
//! rows go.

use super::{
    Refusal,
    access::{Ask, Caller, decide, permitted},
    audit::Stored,
};
use crate::{
    database::{DatabaseError, Statement, Value},
    host::Host,
    log::{Event, Level},
};
use audit_log::LONGEST_SEGMENT;
use protocol::{
    AccountId, Code, Permission,
    body::{Closed, Segment, Segments},
};
use serde::Deserialize;

/// Headers of one page.
const PAGE: u64 = 500;
/// How long the vault waits for somebody to close rows before it does, in seconds: a day.
const PATIENCE: u64 = 86400;
/// Segments that one sweep closes at most: D1's free plan allows 50 queries.
const SWEPT: u64 = 10;

/// Closes the oldest open rows, at most [`LONGEST_SEGMENT`], into a segment. The row of this request stays open.
///
/// # Errors
/// `log_damaged` when a row that must be there is not, or the newest segment is not what the vault wrote; or the
/// caller's refusal.
pub async fn close(host: &Host, caller: &Caller) -> Result<Closed, Refusal> {
    let ask = Ask { action: "close_segment", needs: &[Permission::Audit], ..Ask::default() };
    let permit = decide(host, caller, ask, vec![]).await?;
    let receipt = permit.receipt();
    let before_this = receipt.seq.saturating_sub(1);
    let (segment, open) = close_next(host, permit.credential().account, before_this).await?;
    Ok(Closed { segment, open, receipt })
}

/// Closes one segment of the account's open rows up to `end`, and says how many of them are left open. Closes
/// nothing when somebody else is closing, too.
async fn close_next(host: &Host, account: AccountId, end: u64) -> Result<(Option<Segment>, u64), Refusal> {
    let newest = Statement::new(
        "SELECT n, first, last, root, previous, closed_at, hash FROM segments WHERE account = ?1
         ORDER BY n DESC LIMIT 1",
        [Value::from(&account)],
    );
    let rows = Statement::new(
        "SELECT seq, at, cost, request, leaf, credential, CASE leaf WHEN '' THEN entry ELSE '' END AS entry FROM audit
         WHERE account = ?1 AND seq > coalesce((SELECT last FROM segments WHERE account = ?1 ORDER BY n DESC LIMIT 1), 0)
             AND seq <= ?2 ORDER BY seq LIMIT ?3",
        [Value::from(&account), end.into(), LONGEST_SEGMENT.into()],
    );
    let mut answers = host.database.batch(vec![newest, rows]).await?.into_iter();
    let mut answer = || answers.next().ok_or_else(|| Refusal::Fault("a batch answered too little".into()));
    let newest: Option<Segment> = answer()?.row()?;
    let rows: Vec<Stored> = answer()?.rows()?;

    let damaged = |what: &str| {
        (host.log)(&Event {
            cause: Some(&format!("account {account}: {what}")),
            ..Event::new(Level::Alert, "the audit log is not as it was written")
        });
        Refusal::Because(Code::LogDamaged)
    };
    if newest.as_ref().is_some_and(|newest| !audit_log::is_sound(account, newest)) {
        return Err(damaged("its newest segment"));
    }
    let last = newest.as_ref().map_or(0, |newest| newest.last);
    let open = end.saturating_sub(last);
    if rows.len() as u64 != open.min(LONGEST_SEGMENT)
        || rows.iter().zip(last + 1..).any(|(row, expected)| row.seq != expected)
    {
        return Err(damaged("rows are missing"));
    }
    let leaves = rows.iter().map(|row| row.leaf(host)).collect::<Result<Vec<_>, _>>();
    let leaves = leaves.map_err(|_| damaged("a row's leaf"))?;
    let Some(segment) = audit_log::close(account, newest.as_ref(), &leaves, host.now()) else {
        return Ok((None, open));
    };
    let inserted = Statement::new(
        "INSERT INTO segments (account, n, first, last, root, previous, closed_at, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        [
            Value::from(&account),
            segment.n.into(),
            segment.first.into(),
            segment.last.into(),
            Value::from(&segment.root),
            Value::from(&segment.previous),
            segment.closed_at.into(),
            Value::from(&segment.hash),
        ],
    );
    match host.database.run(inserted).await {
        Ok(_) => {
            let left = end.saturating_sub(segment.last);
            Ok((Some(segment), left))
        }
        // Somebody else closed in the meantime: what would have been the next segment is there already.
        Err(DatabaseError::Refused(_)) => Ok((None, open)),
        Err(fault) => Err(fault.into()),
    }
}

/// Closes rows that nobody closed for a day.
///
/// # Errors
/// When the database fails; another sweep goes on.
pub(super) async fn sweep(host: &Host) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Waiting {
        account: AccountId,
        seq: u64,
    }
    // CROSS: in this order. Without statistics SQLite would rather look at every row of every log.
    let waiting = Statement::new(
        "SELECT u.account, u.seq FROM usage u CROSS JOIN audit a ON a.account = u.account AND a.seq = 1
             + coalesce((SELECT last FROM segments WHERE account = u.account ORDER BY n DESC LIMIT 1), 0)
         WHERE a.at <= ?1 LIMIT ?2",
        [host.now().saturating_sub(PATIENCE).into(), SWEPT.into()],
    );
    for Waiting { account, seq } in host.database.run(waiting).await?.rows()? {
        match close_next(host, account, seq).await {
            // Said in the log, and no reason to leave the others.
            Ok(_) | Err(Refusal::Because(Code::LogDamaged)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Kept {
    audit_days: u64,
    dropped: u64,
}

/// Lists headers, oldest first, one page from after the segment `after`.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller, after: u64) -> Result<Segments, Refusal> {
    let ask = Ask { action: "segments", needs: &[Permission::Audit], ..Ask::default() };
    let headers = caller.guarded(
        concat!(
            "SELECT n, first, last, root, previous, closed_at, hash FROM segments
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND n > ?3 AND ",
            permitted!(),
            " ORDER BY n LIMIT ?4"
        ),
        [Value::from(after), Value::from(PAGE)],
    );
    let plan = caller.guarded(
        concat!(
            "SELECT p.audit_days, u.dropped FROM usage u JOIN plans p ON p.name = u.plan
             WHERE u.account = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![headers, plan]).await?;
    let items: Vec<Segment> = permit.answer()?.rows()?;
    let kept: Option<Kept> = permit.answer()?.row()?;
    let Kept { audit_days, dropped } =
        kept.ok_or_else(|| Refusal::Fault("an account has no usage row".into()))?;
    let full = items.len() as u64 == PAGE;
    let next = items.last().filter(|_| full).map(|last| last.n.to_string());
    Ok(Segments { items, next, audit_days, dropped })
}
