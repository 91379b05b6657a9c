//! What the plan allows, and what is used of it.

use super::{
    Refusal,
    access::{Ask, Caller, decide, permitted},
};
use crate::host::Host;
use protocol::{
    Resource,
    body::{Limit, Usage},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    plan: String,
    day: u64,
    projects: u64,
    keys: u64,
    secrets: u64,
    reads: u64,
    projects_allowed: u64,
    keys_allowed: u64,
    secrets_allowed: u64,
    value_bytes_allowed: u64,
    reads_allowed: u64,
}

/// Each limit and its use, for any credential of the account.
///
/// # Errors
/// The refusal.
pub async fn read(host: &Host, caller: &Caller) -> Result<Usage, Refusal> {
    let ask = Ask { action: "usage", ..Ask::default() };
    let row = caller.guarded(
        concat!(
            "SELECT u.plan, u.day, u.projects, u.keys, u.secrets, u.reads, p.projects AS projects_allowed, p.keys AS keys_allowed,
                 p.secrets AS secrets_allowed, p.value_bytes AS value_bytes_allowed, p.reads AS reads_allowed
             FROM usage u JOIN plans p ON p.name = u.plan
             WHERE u.account = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![row]).await?;
    let row: Row =
        permit.answer()?.row()?.ok_or_else(|| Refusal::Fault("an account has no usage row".into()))?;
    let today = if row.day == host.now() / 86400 { row.reads } else { 0 };
    let limit = |resource, used, allowed| Limit { resource, used, allowed };
    Ok(Usage {
        plan: row.plan,
        limits: vec![
            limit(Resource::Projects, Some(row.projects), row.projects_allowed),
            limit(Resource::Keys, Some(row.keys), row.keys_allowed),
            limit(Resource::Secrets, Some(row.secrets), row.secrets_allowed),
            limit(Resource::ValueBytes, None, row.value_bytes_allowed),
            limit(Resource::Reads, Some(today), row.reads_allowed),
        ],
    })
}
