//! Projects. Their names are in the account manifest, sealed; the vault counts them.

use super::{
    Refusal,
    access::{Ask, Caller, decide_write, permitted},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    ProjectId,
    body::{NewProject, Removal, Versioned, Written},
};

/// Makes a project.
///
/// # Errors
/// `quota_exceeded`, `manifest_outdated`, `id_taken`, or the caller's refusal.
pub async fn create(
    host: &Host,
    caller: &Caller,
    id: ProjectId,
    new: NewProject,
) -> Result<Written, Refusal> {
    let ask =
        Ask { action: "create_project", owner_only: true, manifest: Some(&new.manifest), ..Ask::default() };
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO projects (id, account, created_at)
             SELECT ?3, (SELECT account FROM credentials WHERE id = ?1), ?4 WHERE ",
            permitted!()
        ),
        [Value::from(&id), host.now().into()],
    );
    decide_write(host, caller, ask, vec![inserted, write_manifest(caller, &new.manifest)]).await
}

/// Deletes a project, with its environments and everything in them.
///
/// # Errors
/// `manifest_outdated`, or the caller's refusal. One that is not there is gone already.
pub async fn remove(
    host: &Host,
    caller: &Caller,
    id: ProjectId,
    removal: Removal,
) -> Result<Written, Refusal> {
    let manifest = &removal.manifest;
    let ask = Ask { action: "delete_project", owner_only: true, manifest: Some(manifest), ..Ask::default() };
    let deleted = caller.guarded(
        concat!(
            "DELETE FROM projects WHERE id = ?3 AND account = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [Value::from(&id)],
    );
    decide_write(host, caller, ask, vec![deleted, write_manifest(caller, manifest)]).await
}

/// The statement that writes the account manifest of an owner's command.
pub(super) fn write_manifest(caller: &Caller, next: &Versioned) -> Statement {
    caller.guarded(
        concat!(
            "UPDATE accounts SET manifest_version = ?3, manifest = ?4
             WHERE id = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [next.version.into(), Value::from(&next.blob)],
    )
}
