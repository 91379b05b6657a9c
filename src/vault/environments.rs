//! Environments: a wrapped key and a manifest each. Their names are sealed in both.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, decide_write, permitted},
    projects::write_manifest,
};
use crate::{database::Value, host::Host};
use protocol::{
    Blob, EnvironmentId, Permissions, ProjectId,
    body::{CredentialClass, Environment, Environments, NewEnvironment, Removal, Written},
};
use serde::Deserialize;

/// Makes an environment, empty.
///
/// # Errors
/// `manifest_outdated`, `id_taken`, `not_found` for a project of somebody else, or the caller's refusal.
pub async fn create(
    host: &Host,
    caller: &Caller,
    id: EnvironmentId,
    new: NewEnvironment,
) -> Result<Written, Refusal> {
    if new.root.version != 1 || new.buckets.len() != 1 {
        return Err(Refusal::Invalid("a new environment has a root of version 1 and one bucket".into()));
    }
    let ask = Ask {
        action: "create_environment",
        owner_only: true,
        manifest: Some(&new.manifest),
        ..Ask::default()
    };
    // A project of another account is no project: NULL fails the column's constraint.
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO environments (id, account, project, generation, owner_key, root_version, root, buckets, created_at)
             SELECT ?3, c.account, (SELECT id FROM projects WHERE id = ?4 AND account = c.account), 1, ?5, 1, ?6, 1, ?7
             FROM credentials c WHERE c.id = ?1 AND ",
            permitted!()
        ),
        [Value::from(&id), Value::from(&new.project), Value::from(&new.key), Value::from(&new.root.blob), host.now().into()],
    );
    let bucket = caller.guarded(
        concat!("INSERT INTO buckets (environment, number, blob) SELECT ?3, 0, ?4 WHERE ", permitted!()),
        [Value::from(&id), Value::from(new.buckets.first().map(Value::from))],
    );
    decide_write(host, caller, ask, vec![inserted, bucket, write_manifest(caller, &new.manifest)]).await
}

/// Deletes an environment, with everything in it.
///
/// # Errors
/// `manifest_outdated`, or the caller's refusal.
pub async fn remove(
    host: &Host,
    caller: &Caller,
    id: EnvironmentId,
    removal: Removal,
) -> Result<Written, Refusal> {
    let manifest = &removal.manifest;
    let ask = Ask {
        action: "delete_environment",
        scope: Scope::Environment(id),
        owner_only: true,
        manifest: Some(manifest),
        ..Ask::default()
    };
    let deleted = caller
        .guarded(concat!("DELETE FROM environments WHERE id = ?3 AND ", permitted!()), [Value::from(&id)]);
    decide_write(host, caller, ask, vec![deleted, write_manifest(caller, manifest)]).await
}

/// An environment's row with its key in both wrappings; which of them a caller gets is its class's.
#[derive(Deserialize)]
pub(super) struct EnvironmentRow {
    pub(super) id: EnvironmentId,
    pub(super) project: ProjectId,
    pub(super) generation: u64,
    pub(super) owner_key: Blob,
    pub(super) granted_key: Option<Blob>,
}

impl EnvironmentRow {
    pub(super) fn of(self, class: CredentialClass) -> Result<Environment, Refusal> {
        let key = match class {
            CredentialClass::Session => self.owner_key,
            CredentialClass::Key => self
                .granted_key
                .ok_or_else(|| Refusal::Fault("a key in scope has no wrapped environment key".into()))?,
        };
        Ok(Environment { id: self.id, project: self.project, generation: self.generation, key })
    }
}

/// What the caller may use, each environment with its key wrapped for the caller.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller) -> Result<Environments, Refusal> {
    let ask = Ask { action: "environments", ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT e.id, e.project, e.generation, e.owner_key, g.environment_key AS granted_key
             FROM credentials c JOIN environments e ON e.account = c.account
             LEFT JOIN grants g ON g.credential = c.id AND g.environment = e.id
             WHERE c.id = ?1 AND (c.class = 'session' OR instr(c.environments, e.id) > 0) AND ",
            permitted!(),
            " ORDER BY e.id"
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![rows]).await?;
    let rows: Vec<EnvironmentRow> = permit.answer()?.rows()?;
    let credential = permit.credential();
    Ok(Environments {
        account: credential.account,
        credential: credential.id,
        class: credential.class,
        permissions: Permissions::from_bits(credential.permissions).unwrap_or_default(),
        environments: rows.into_iter().map(|row| row.of(credential.class)).collect::<Result<_, _>>()?,
    })
}
