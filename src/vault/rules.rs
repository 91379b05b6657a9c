//! Rules of an environment: policies by tag, which its owner lays down for all its secrets.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, decide_write, permitted},
    environments::EnvironmentRow,
    secrets::{versioned, write_root},
};
use crate::{database::Value, host::Host};
use protocol::{
    Blob, EnvironmentId,
    body::{NewRules, ReadRules, Versioned, Written},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    environment: EnvironmentRow,
    root_version: u64,
    root: Blob,
    rules: Option<Blob>,
    rules_version: u64,
}

/// Reads an environment's rules, with the root that names them.
///
/// # Errors
/// The refusal. That there are no rules is an answer.
pub async fn read(host: &Host, caller: &Caller, environment: EnvironmentId) -> Result<ReadRules, Refusal> {
    let ask = Ask { action: "rules", scope: Scope::Environment(environment), ..Ask::default() };
    let row = caller.guarded(
        concat!(
            "SELECT e.id, e.project, e.generation, e.owner_key, e.root_version, e.root, e.rules, e.rules_version,
                 (SELECT environment_key FROM grants WHERE credential = ?1 AND environment = e.id) AS granted_key
             FROM environments e WHERE e.id = ?3 AND ",
            permitted!()
        ),
        [Value::from(&environment)],
    );
    let mut permit = decide(host, caller, ask, vec![row]).await?;
    let fault = || Refusal::Fault("an environment in scope has no row".into());
    let row: Row = permit.answer()?.row()?.ok_or_else(fault)?;
    Ok(ReadRules {
        receipt: permit.receipt(),
        environment: row.environment.of(permit.credential().class)?,
        root: Versioned { version: row.root_version, blob: row.root },
        rules: versioned(row.rules_version, row.rules),
    })
}

/// Lays down an environment's rules, which only its owner may, with the root that results.
///
/// # Errors
/// `manifest_outdated`, or the caller's refusal. Nothing is stored then.
pub async fn write(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    new: NewRules,
) -> Result<Written, Refusal> {
    let ask = Ask {
        action: "write_rules",
        scope: Scope::Environment(environment),
        owner_only: true,
        root: Some(&new.root),
        ..Ask::default()
    };
    let updated = caller.guarded(
        concat!("UPDATE environments SET rules = ?4, rules_version = ?5 WHERE id = ?3 AND ", permitted!()),
        [Value::from(&environment), Value::from(&new.rules.blob), new.rules.version.into()],
    );
    let [_, root] = write_root(caller, environment, &new.root, &[])?;
    decide_write(host, caller, ask, vec![updated, root]).await
}
