//! The audit log: who asked for what, from where, and how it was decided. Rows are sealed at rest.

use super::{
    Refusal,
    access::{Ask, Caller, Origin, decide, permitted},
    columns::Column,
};
use crate::{database::Value, host::Host};
use protocol::{
    Code, KeyId, Permission,
    body::{AuditRow, CredentialClass, Page},
};
use serde::Deserialize;

pub use protocol::body::AuditEntry as Entry;

pub(super) const ENTRY: Column = Column { table: "audit", column: "entry" };

/// Rows of one page.
const PAGE: u64 = 100;

/// What a row says of an act, from where it came.
pub(super) fn entry(action: &str, result: &str, credential: Option<KeyId>, origin: &Origin) -> Entry {
    Entry {
        credential,
        action: action.to_owned(),
        result: result.to_owned(),
        how: None,
        environment: None,
        secrets: vec![],
        address: origin.address.clone(),
        user_agent: origin.user_agent.clone(),
        agent: origin.agent.clone(),
    }
}

pub(super) fn seal(host: &Host, request: &String, entry: &Entry) -> Result<String, Refusal> {
    let json = serde_json::to_vec(entry).map_err(|error| Refusal::Fault(error.to_string()))?;
    ENTRY.seal(host, request, &json)
}

/// A code as it stands in an entry's `result`.
pub(crate) fn word(code: Code) -> String {
    serde_json::to_value(code).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(Deserialize)]
struct Stored {
    seq: u64,
    at: u64,
    request: String,
    entry: String,
}

/// Lists rows, newest first, from before the row `before`. An API key with the permission sees the rows of its
/// environments and its own.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller, before: Option<u64>) -> Result<Page<AuditRow>, Refusal> {
    let ask = Ask { action: "audit", needs: &[Permission::Audit], ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT seq, at, request, entry FROM audit
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND seq < ?3 AND ",
            permitted!(),
            " ORDER BY seq DESC LIMIT ?4"
        ),
        [Value::from(before.unwrap_or(1 << 52)), Value::from(PAGE)],
    );
    let mut permit = decide(host, caller, ask, vec![rows]).await?;
    let stored: Vec<Stored> = permit.answer()?.rows()?;
    let next = (stored.len() as u64 == PAGE).then(|| stored.last().map(|row| row.seq.to_string())).flatten();
    let credential = permit.credential();
    let mut items = Vec::with_capacity(stored.len());
    for row in stored {
        let opened = ENTRY.open(host, &row.request, &row.entry)?;
        let text = std::str::from_utf8(&opened).map_err(|error| Refusal::Fault(error.to_string()))?;
        let entry: Entry = serde_json::from_str(text).map_err(|error| Refusal::Fault(error.to_string()))?;
        let visible = credential.class == CredentialClass::Session
            || entry.credential == Some(credential.id)
            || entry
                .environment
                .is_some_and(|id| credential.environments.split(' ').any(|one| one == id.to_string()));
        if visible {
            items.push(AuditRow { seq: row.seq, at: row.at, request_id: row.request, entry });
        }
    }
    Ok(Page { items, next })
}
