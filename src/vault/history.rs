//! What secrets were: earlier versions, and the bin of deleted ones. To restore is to write: the next version, with
//! an earlier one's value, or the next version of a deleted secret under its id.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, decide_write, permitted},
    environments::EnvironmentRow,
    secrets::StoredSecret,
};
use crate::{database::Value, host::Host};
use protocol::{
    Code, EnvironmentId, NameIndex, Permission, SecretId,
    body::{Binned, How, Page, ReadEarlier, Version, Written},
};

/// Entries of one page of a list.
const PAGE: u64 = 200;

/// A secret's versions without their values, newest first; the current one is the first.
///
/// # Errors
/// The refusal; `not_found` for a secret that is not there.
pub async fn versions(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    index: NameIndex,
) -> Result<Page<Version>, Refusal> {
    let ask = Ask {
        action: "versions",
        scope: Scope::Environment(environment),
        secrets: vec![index],
        ..Ask::default()
    };
    let rows = caller.guarded(
        concat!(
            "SELECT id, version, name, meta, updated_at FROM secrets
             WHERE environment = ?3 AND name_index = ?4 AND ",
            permitted!(),
            " UNION ALL
             SELECT v.secret, v.version, v.name, v.meta, v.updated_at FROM secrets s
             JOIN versions v ON v.environment = s.environment AND v.secret = s.id
             WHERE s.environment = ?3 AND s.name_index = ?4 AND ",
            permitted!(),
            " ORDER BY version DESC"
        ),
        [Value::from(&environment), Value::from(&index)],
    );
    let items: Vec<Version> = decide(host, caller, ask, vec![rows]).await?.answer()?.rows()?;
    if items.is_empty() { Err(Code::NotFound.into()) } else { Ok(Page { items, next: None }) }
}

/// An earlier version of a secret, with its value. Counts as one read.
///
/// # Errors
/// The refusal; `not_found` for a version that is not kept.
pub async fn read_version(
    host: &Host,
    caller: &Caller,
    (environment, index, version): (EnvironmentId, NameIndex, u64),
    how: How,
) -> Result<ReadEarlier, Refusal> {
    let ask =
        Ask { secrets: vec![index], ..Ask::to_read("read_version", how, Scope::Environment(environment)) };
    let row = caller.guarded(
        concat!(
            "SELECT s.id, s.name_index AS \"index\", v.version, v.name, v.meta, v.value, v.blob, s.canary
             FROM secrets s JOIN versions v ON v.environment = s.environment AND v.secret = s.id
             WHERE s.environment = ?3 AND s.name_index = ?4 AND v.version = ?5 AND ",
            permitted!()
        ),
        [Value::from(&environment), Value::from(&index), version.into()],
    );
    read_earlier(host, caller, ask, environment, row).await
}

/// Deleted secrets of an environment without their values, one page from after the id `after`.
///
/// # Errors
/// The refusal.
pub async fn bin(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    after: Option<SecretId>,
) -> Result<Page<Binned>, Refusal> {
    let ask = Ask { action: "bin", scope: Scope::Environment(environment), ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT id, name_index AS \"index\", version, name, meta, updated_at, deleted_at, deleted_by FROM bin
             WHERE environment = ?3 AND id > ?4 AND ",
            permitted!(),
            " ORDER BY id LIMIT ?5"
        ),
        [
            Value::from(&environment),
            after.map_or(Value::Text(String::new()), |id| Value::from(&id)),
            Value::from(PAGE),
        ],
    );
    let items: Vec<Binned> = decide(host, caller, ask, vec![rows]).await?.answer()?.rows()?;
    let next = (items.len() as u64 == PAGE).then(|| items.last().map(|item| item.id.to_string())).flatten();
    Ok(Page { items, next })
}

/// A deleted secret, with its value. Counts as one read.
///
/// # Errors
/// The refusal; `not_found` for one that is not in the bin.
pub async fn read_binned(
    host: &Host,
    caller: &Caller,
    (environment, id): (EnvironmentId, SecretId),
    how: How,
) -> Result<ReadEarlier, Refusal> {
    let ask = Ask::to_read("read_binned", how, Scope::Environment(environment));
    let row = caller.guarded(
        concat!(
            "SELECT id, name_index AS \"index\", version, name, meta, value, blob FROM bin
             WHERE environment = ?3 AND id = ?4 AND ",
            permitted!()
        ),
        [Value::from(&environment), Value::from(&id)],
    );
    read_earlier(host, caller, ask, environment, row).await
}

async fn read_earlier(
    host: &Host,
    caller: &Caller,
    ask: Ask<'_>,
    environment: EnvironmentId,
    row: crate::database::Statement,
) -> Result<ReadEarlier, Refusal> {
    let key = caller.guarded(
        concat!(
            "SELECT e.id, e.project, e.generation, e.owner_key,
                 (SELECT environment_key FROM grants WHERE credential = ?1 AND environment = e.id) AS granted_key
             FROM environments e WHERE e.id = ?3 AND ",
            permitted!()
        ),
        [Value::from(&environment)],
    );
    let mut permit = decide(host, caller, ask, vec![row, key]).await?;
    let stored: StoredSecret = permit.answer()?.row()?.ok_or(Code::NotFound)?;
    let found: Option<EnvironmentRow> = permit.answer()?.row()?;
    let found = found.ok_or_else(|| Refusal::Fault("an environment in scope has no row".into()))?;
    let secret = stored.hand_out(host, caller, &permit, environment).await?;
    Ok(ReadEarlier { receipt: permit.receipt(), environment: found.of(permit.credential().class)?, secret })
}

/// Deletes a deleted secret for good, with its versions.
///
/// # Errors
/// The refusal. One that is not in the bin is gone already.
pub async fn forget(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    id: SecretId,
) -> Result<Written, Refusal> {
    let ask = Ask {
        action: "forget",
        scope: Scope::Environment(environment),
        needs: &[Permission::Write],
        ..Ask::default()
    };
    let deleted = caller.guarded(
        concat!("DELETE FROM bin WHERE environment = ?3 AND id = ?4 AND ", permitted!()),
        [Value::from(&environment), Value::from(&id)],
    );
    decide_write(host, caller, ask, vec![deleted]).await
}
