//! The archive: rows of old segments, as they were stored, a blob for each segment. It is written before the batch
//! that names it and deletes the rows, so a sweep that is cut off anywhere loses nothing and is done again.
//!
//! Nothing is decided by what a blob says. What is shown of one is that segment's and no other's: its leaves must have
//! the root of the header in the database, and each row that is shown its leaf.

use super::{Refusal, access::Caller, access::permitted, audit::Stored};
use crate::{
    database::{Answer, Statement, Value},
    host::Host,
    log::{Event, Level},
};
use protocol::{AccountId, Digest, body::Segment};
use serde::{Deserialize, Serialize};

/// Segments that one sweep archives, and archives that one deletes: KV has 1,000 writes a day on Cloudflare's free
/// plan, and as many deletions.
const SWEPT: u64 = 20;
/// Rows that one sweep reads for it, unless a single segment has more: what fits into a Worker's time and memory.
const ROWS: u64 = 2000;

fn key(account: AccountId, n: u64) -> String {
    format!("audit/{account}/{n}")
}

/// A segment whose rows are as old as the plan keeps them in the database.
#[derive(Serialize, Deserialize)]
struct Due {
    account: AccountId,
    n: u64,
    first: u64,
    last: u64,
    /// Until when it is to be archived; 0 if it is not.
    until: u64,
}

/// Some of a segment's rows, each a line.
#[derive(Deserialize)]
struct Lines {
    account: AccountId,
    n: u64,
    lines: String,
}

#[derive(Serialize, Deserialize)]
struct Named {
    account: AccountId,
    n: u64,
}

/// Archives the rows of segments that were closed before the plan's `audit_days`, the oldest of each account first, and
/// deletes them from the log; and deletes archives that have had their time. The headers stay.
///
/// # Errors
/// When the database or the blob store fails; another sweep goes on.
pub(super) async fn sweep(host: &Host) -> Result<(), Refusal> {
    archive(host).await?;
    expire(host).await
}

async fn archive(host: &Host) -> Result<(), Refusal> {
    let due = Statement::new(
        "SELECT s.account, s.n, s.first, s.last,
             CASE WHEN o.archive_days > o.audit_days THEN s.closed_at + o.archive_days * 86400 ELSE 0 END AS until
         FROM (
             SELECT o.account, o.n, p.audit_days, p.archive_days FROM usage u CROSS JOIN plans p ON p.name = u.plan
             CROSS JOIN segments o ON o.account = u.account AND o.last = (
                 SELECT last FROM segments WHERE account = u.account
                     AND last >= (SELECT min(seq) FROM audit WHERE account = u.account) ORDER BY last LIMIT 1)
             WHERE o.closed_at <= ?1 - p.audit_days * 86400 LIMIT ?2
         ) o CROSS JOIN segments s ON s.account = o.account AND s.n BETWEEN o.n AND o.n + ?2
         WHERE s.closed_at <= ?1 - o.audit_days * 86400 ORDER BY s.n - o.n, s.account LIMIT ?2",
        [host.now().into(), SWEPT.into()],
    );
    let mut due: Vec<Due> = host.database.run(due).await?.rows()?;
    let mut rows = 0;
    let fit = due.iter().take_while(|one| {
        rows += one.last.saturating_sub(one.first) + 1;
        rows <= ROWS
    });
    due.truncate(fit.count().max(1));
    if due.is_empty() {
        return Ok(());
    }
    let listed = || json(&due).map(Value::from);
    // Made into text by the database, which leaves the Worker little to do; 50 rows at a time, because D1 has no text
    // of more than 2 MB, and a row that names the 500 secrets of a change has 24 KB.
    let lines = Statement::new(
        "SELECT d.value ->> 'account' AS account, d.value ->> 'n' AS n, group_concat(json_object('seq', a.seq, 'at', a.at,
             'cost', a.cost, 'request', a.request, 'entry', a.entry, 'leaf', a.leaf, 'credential', a.credential), char(10)) AS lines
         FROM json_each(?1) d
         CROSS JOIN audit a ON a.account = d.value ->> 'account' AND a.seq BETWEEN d.value ->> 'first' AND d.value ->> 'last'
         WHERE d.value ->> 'until' > 0 GROUP BY d.key, a.seq / 50 ORDER BY d.key, a.seq / 50",
        [listed()?],
    );
    let lines: Vec<Lines> = host.database.run(lines).await?.rows()?;
    let mut put = Vec::new();
    for one in due.iter().filter(|one| one.until > 0) {
        let own = lines.iter().filter(|lines| (lines.account, lines.n) == (one.account, one.n));
        let text: Vec<&str> = own.map(|lines| lines.lines.as_str()).collect();
        host.blobs.put(key(one.account, one.n), text.join("\n")).await?;
        put.push(Named { account: one.account, n: one.n });
    }
    let named = Statement::new(
        "INSERT INTO archives (account, n, closed_at, until)
         SELECT s.account, s.n, s.closed_at, d.value ->> 'until' FROM json_each(?1) d
         CROSS JOIN segments s ON s.account = d.value ->> 'account' AND s.n = d.value ->> 'n'
         WHERE d.value ->> 'until' > 0
         ON CONFLICT (account, n) DO UPDATE SET until = excluded.until RETURNING account, n",
        [listed()?],
    );
    let deleted = Statement::new(
        "DELETE FROM audit WHERE (account, seq) IN (
             SELECT a.account, a.seq FROM json_each(?1) d
             CROSS JOIN audit a ON a.account = d.value ->> 'account' AND a.seq BETWEEN d.value ->> 'first' AND d.value ->> 'last')",
        [listed()?],
    );
    let dropped = Statement::new(
        "UPDATE usage SET dropped = max(dropped, d.last) FROM (
             SELECT value ->> 'account' AS account, max(value ->> 'last') AS last FROM json_each(?1)
             WHERE value ->> 'until' = 0 GROUP BY 1) d WHERE usage.account = d.account",
        [listed()?],
    );
    let answers = host.database.batch(vec![named, deleted, dropped]).await?;
    let named: Vec<Named> = answers.first().map(Answer::rows).transpose()?.unwrap_or_default();
    // Of an account that was deleted meanwhile.
    for gone in put.iter().filter(|put| !named.iter().any(|one| (one.account, one.n) == (put.account, put.n)))
    {
        host.blobs.delete(key(gone.account, gone.n)).await?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| Refusal::Fault(error.to_string()))
}

/// Deletes archives that nobody reads any more: first the blob, then what names it.
async fn expire(host: &Host) -> Result<(), Refusal> {
    let old = Statement::new(
        "SELECT account, n FROM archives WHERE until <= ?1 ORDER BY until LIMIT ?2",
        [host.now().into(), SWEPT.into()],
    );
    let old: Vec<Named> = host.database.run(old).await?.rows()?;
    if old.is_empty() {
        return Ok(());
    }
    for one in &old {
        host.blobs.delete(key(one.account, one.n)).await?;
    }
    let listed = json(&old)?;
    let dropped = Statement::new(
        "UPDATE usage SET dropped = max(dropped, d.last) FROM (
             SELECT s.account, max(s.last) AS last FROM json_each(?1) d
             CROSS JOIN segments s ON s.account = d.value ->> 'account' AND s.n = d.value ->> 'n' GROUP BY 1
         ) d WHERE usage.account = d.account",
        [Value::from(listed.clone())],
    );
    let deleted = Statement::new(
        "DELETE FROM archives WHERE (account, n) IN
             (SELECT value ->> 'account', value ->> 'n' FROM json_each(?1))",
        [Value::from(listed)],
    );
    host.database.batch(vec![dropped, deleted]).await?;
    Ok(())
}

/// The statement that finds the oldest archived segment with rows from `from` on.
pub(super) fn find_from(host: &Host, caller: &Caller, from: u64) -> Statement {
    caller.guarded(
        concat!(
            "SELECT s.n, s.first, s.last, s.root, s.previous, s.closed_at, s.hash
             FROM archives r CROSS JOIN segments s ON s.account = r.account AND s.n = r.n
             WHERE r.account = (SELECT account FROM credentials WHERE id = ?1) AND r.n >= (
                     SELECT n FROM segments WHERE account = r.account AND last >= ?3 ORDER BY last LIMIT 1)
                 AND r.until > ?4 AND ",
            permitted!(),
            " ORDER BY r.n LIMIT 1"
        ),
        [from.into(), host.now().into()],
    )
}

/// The statement that finds the newest archived segment with rows from before `before`.
pub(super) fn find_before(host: &Host, caller: &Caller, before: u64) -> Statement {
    caller.guarded(
        concat!(
            "SELECT s.n, s.first, s.last, s.root, s.previous, s.closed_at, s.hash
             FROM archives r CROSS JOIN segments s ON s.account = r.account AND s.n = r.n
             WHERE r.account = (SELECT account FROM credentials WHERE id = ?1) AND r.n <= coalesce(
                     (SELECT n FROM segments WHERE account = r.account AND last >= ?3 - 1 ORDER BY last LIMIT 1), ?3)
                 AND r.until > ?4 AND ",
            permitted!(),
            " ORDER BY r.n DESC LIMIT 1"
        ),
        [before.into(), host.now().into()],
    )
}

/// The rows of an archived segment, in order; those that cannot be read as rows are left out, and the operator is told.
pub(super) struct Archived {
    /// The rows.
    pub(super) rows: Vec<Stored>,
    /// Whether they are those that the segment was closed over.
    pub(super) sound: bool,
}

/// Fetches an archived segment.
///
/// # Errors
/// When the blob store cannot be reached.
pub(super) async fn fetch(host: &Host, account: AccountId, segment: &Segment) -> Result<Archived, Refusal> {
    let text = host.blobs.get(key(account, segment.n)).await?.unwrap_or_default();
    let mut rows: Vec<Stored> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    rows.retain(|row| (segment.first..=segment.last).contains(&row.seq));
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);
    let complete = rows.len() as u64 == segment.last - segment.first + 1;
    let leaves: Result<Vec<Digest>, _> = rows.iter().map(|row| row.leaf(host)).collect();
    let sound = complete && leaves.is_ok_and(|leaves| audit_log::root(&leaves) == segment.root);
    if !sound {
        let cause = format!("account {account}: the archive of segment {}", segment.n);
        (host.log)(&Event {
            cause: Some(&cause),
            ..Event::new(Level::Alert, "the audit log is not as it was written")
        });
    }
    Ok(Archived { rows, sound })
}
