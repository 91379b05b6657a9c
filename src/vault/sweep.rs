//! What is done by the clock and not by a request: deleting what has had its time.

use super::{Refusal, archive, large, segments, tries};
use crate::{
    database::{Statement, Value},
    host::Host,
    log::{Event, Level},
};

/// How long a deleted secret can be restored, in seconds: 30 days.
pub const BIN: u64 = 30 * 86400;

/// Runs each part, and the others also when one fails. To be called every hour; more often does no harm.
pub async fn run(host: &Host) {
    let parts = [
        ("bin", empty_bin(host).await),
        ("sessions", end_sessions(host).await),
        ("tries", forget_tries(host).await),
        ("pairings", end_pairings(host).await),
        ("approvals", end_approvals(host).await),
        ("blobs", large::sweep(host).await),
        ("audit log", segments::sweep(host).await),
        ("archive", archive::sweep(host).await),
    ];
    for (part, result) in parts {
        if let Err(refusal) = result {
            let cause = format!("{part}: {refusal:?}");
            (host.log)(&Event { cause: Some(&cause), ..Event::new(Level::Error, "a sweep failed") });
        }
    }
}

async fn empty_bin(host: &Host) -> Result<(), Refusal> {
    let statement = Statement::new(
        "DELETE FROM bin WHERE (environment, id) IN
             (SELECT environment, id FROM bin WHERE deleted_at > 0 AND deleted_at <= ?1 LIMIT 500)",
        [Value::from(host.now().saturating_sub(BIN))],
    );
    host.database.run(statement).await?;
    Ok(())
}

async fn end_sessions(host: &Host) -> Result<(), Refusal> {
    let statement = Statement::new(
        "DELETE FROM credentials WHERE id IN
             (SELECT id FROM credentials WHERE class = 'session' AND expires_at <= ?1 LIMIT 500)",
        [Value::from(host.now())],
    );
    host.database.run(statement).await?;
    Ok(())
}

async fn forget_tries(host: &Host) -> Result<(), Refusal> {
    let statement = Statement::new(
        "DELETE FROM tries WHERE subject IN (SELECT subject FROM tries WHERE since <= ?1 LIMIT 5000)",
        [Value::from(host.now().saturating_sub(tries::WINDOW))],
    );
    host.database.run(statement).await?;
    Ok(())
}

async fn end_pairings(host: &Host) -> Result<(), Refusal> {
    let statement = Statement::new(
        "DELETE FROM pairings WHERE id IN (SELECT id FROM pairings WHERE expires_at <= ?1 LIMIT 500)",
        [Value::from(host.now())],
    );
    host.database.run(statement).await?;
    Ok(())
}

async fn end_approvals(host: &Host) -> Result<(), Refusal> {
    let statement = Statement::new(
        "DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE expires_at <= ?1 LIMIT 500)",
        [Value::from(host.now())],
    );
    host.database.run(statement).await?;
    Ok(())
}
