//! A new environment key. Everything in the environment is sealed anew by its owner's client and waits beside it;
//! then the environment turns to the new key in one batch. A crash at any point leaves it readable under one key:
//! the old one before the last step, the new one after it. The next attempt goes on with the key that was begun.

use super::{
    Refusal,
    access::{Ask, Caller, Scope, decide, decide_write, permitted},
    projects::write_manifest,
    secrets::{StoredSecret, fetch_all, place_values, write_root},
};
use crate::{database::Value, host::Host};
use protocol::{
    Blob, Code, EnvironmentId,
    body::{FinishRotation, NewRotation, Pending, Resealed, Rotation, Written},
};
use serde::Deserialize;

/// Items of one page of what is pending: their values are at most some 90 KiB each, or blobs.
const PAGE: u64 = 40;
/// Items of one upload.
const MOST_ITEMS: usize = 500;

fn ask(action: &'static str, environment: EnvironmentId) -> Ask<'static> {
    Ask { action, scope: Scope::Environment(environment), owner_only: true, ..Ask::default() }
}

/// Begins a rotation, or answers the one that was begun before, with its key.
///
/// # Errors
/// The refusal; `manifest_outdated` when the generation is not the next.
pub async fn begin(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    new: NewRotation,
) -> Result<Rotation, Refusal> {
    #[derive(Deserialize)]
    struct Row {
        generation: u64,
        key: Blob,
        done: u64,
        pending: u64,
    }
    let begun = caller.guarded(
        concat!(
            "INSERT INTO rotations (environment, generation, owner_key, started_at)
             SELECT id, ?4, ?5, ?6 FROM environments WHERE id = ?3 AND generation + 1 = ?4 AND ",
            permitted!(),
            " ON CONFLICT (environment) DO NOTHING"
        ),
        [Value::from(&environment), new.generation.into(), Value::from(&new.key), host.now().into()],
    );
    let counted = caller.guarded(
        concat!(
            "SELECT o.generation, o.owner_key AS \"key\",
                 (SELECT count(*) FROM resealed WHERE environment = o.environment) AS done,
                 (SELECT count(*) FROM secrets s LEFT JOIN resealed r ON r.environment = s.environment
                      AND r.secret = s.id AND r.version = s.version AND r.policy_version = s.policy_version
                      WHERE s.environment = o.environment AND r.secret IS NULL)
                 + (SELECT count(*) FROM versions v LEFT JOIN resealed r ON r.environment = v.environment
                      AND r.secret = v.secret AND r.version = v.version
                      WHERE v.environment = o.environment AND r.secret IS NULL)
                 + (SELECT count(*) FROM bin b LEFT JOIN resealed r ON r.environment = b.environment
                      AND r.secret = b.id AND r.version = b.version
                      WHERE b.environment = o.environment AND r.secret IS NULL) AS pending
             FROM rotations o WHERE o.environment = ?3 AND ",
            permitted!()
        ),
        [Value::from(&environment)],
    );
    let mut permit = decide(host, caller, ask("rotate", environment), vec![begun, counted]).await?;
    permit.answer()?;
    let row: Row = permit.answer()?.row()?.ok_or(Code::ManifestOutdated)?;
    Ok(Rotation { generation: row.generation, key: row.key, done: row.done, all: row.done + row.pending })
}

/// Some of what is not sealed anew yet.
///
/// # Errors
/// The refusal.
pub async fn pending(host: &Host, caller: &Caller, environment: EnvironmentId) -> Result<Pending, Refusal> {
    let rows = caller.guarded(
        concat!(
            "SELECT * FROM (
                 SELECT id, name_index AS \"index\", version, name, meta, value, blob, policy, policy_version FROM secrets s
                 WHERE environment = ?3 AND NOT EXISTS (SELECT 1 FROM resealed r WHERE r.environment = ?3
                     AND r.secret = s.id AND r.version = s.version AND r.policy_version = s.policy_version)
                 UNION ALL
                 SELECT v.secret, coalesce(s.name_index, b.name_index), v.version, v.name, v.meta, v.value, v.blob, NULL, 0
                 FROM versions v
                 LEFT JOIN secrets s ON s.environment = v.environment AND s.id = v.secret
                 LEFT JOIN bin b ON b.environment = v.environment AND b.id = v.secret
                 WHERE v.environment = ?3 AND NOT EXISTS (SELECT 1 FROM resealed r WHERE r.environment = ?3
                     AND r.secret = v.secret AND r.version = v.version)
                 UNION ALL
                 SELECT id, name_index, version, name, meta, value, blob, NULL, 0 FROM bin b
                 WHERE environment = ?3 AND NOT EXISTS (SELECT 1 FROM resealed r WHERE r.environment = ?3
                     AND r.secret = b.id AND r.version = b.version)
             ) WHERE ",
            permitted!(),
            " LIMIT ?4"
        ),
        [Value::from(&environment), PAGE.into()],
    );
    let mut permit = decide(host, caller, ask("rotate_read", environment), vec![rows]).await?;
    let stored: Vec<StoredSecret> = permit.answer()?.rows()?;
    Ok(Pending { items: fetch_all(host, stored).await? })
}

/// Keeps what was sealed anew. The same again replaces what was kept.
///
/// # Errors
/// The refusal; `not_found` when no rotation is under way.
pub async fn keep(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    resealed: Resealed,
) -> Result<Written, Refusal> {
    if resealed.items.len() > MOST_ITEMS {
        return Err(Refusal::Invalid(format!("at most {MOST_ITEMS} items are sent at once")));
    }
    let rows = place_values(host, caller, &resealed.items).await?;
    let rows = serde_json::to_string(&rows).map_err(|error| Refusal::Fault(error.to_string()))?;
    let kept = caller.guarded(
        concat!(
            "INSERT INTO resealed (environment, secret, version, name_index, name, meta, value, blob, size, policy, policy_version)
             SELECT ?3, s.value ->> 'id', s.value ->> 'version', s.value ->> 'index', s.value ->> 'name', s.value ->> 'meta',
                 s.value ->> 'value', s.value ->> 'blob', s.value ->> 'size', s.value ->> 'policy', s.value ->> 'policy_version'
             FROM json_each(?4) s WHERE ",
            permitted!(),
            " ON CONFLICT (environment, secret, version) DO UPDATE SET name_index = excluded.name_index,
                 name = excluded.name, meta = excluded.meta, value = excluded.value, blob = excluded.blob,
                 size = excluded.size, policy = excluded.policy, policy_version = excluded.policy_version"
        ),
        [Value::from(&environment), rows.into()],
    );
    decide_write(host, caller, ask("rotate_write", environment), vec![kept]).await
}

/// What waits of the secrets that are there now, one page from after the id `after`: for the new manifest.
///
/// # Errors
/// The refusal.
pub async fn resealed(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    after: Option<protocol::SecretId>,
) -> Result<Pending, Refusal> {
    let rows = caller.guarded(
        concat!(
            "SELECT s.id, r.name_index AS \"index\", r.version, r.name, r.meta, r.value, r.blob, r.policy, r.policy_version
             FROM secrets s JOIN resealed r ON r.environment = s.environment AND r.secret = s.id AND r.version = s.version
                 AND r.policy_version = s.policy_version
             WHERE s.environment = ?3 AND s.id > ?4 AND ",
            permitted!(),
            " ORDER BY s.id LIMIT ?5"
        ),
        [
            Value::from(&environment),
            after.map_or(Value::Text(String::new()), |id| Value::from(&id)),
            PAGE.into(),
        ],
    );
    let mut permit = decide(host, caller, ask("rotate_read", environment), vec![rows]).await?;
    let stored: Vec<StoredSecret> = permit.answer()?.rows()?;
    Ok(Pending { items: fetch_all(host, stored).await? })
}

/// Turns the environment to its new key: secrets, versions, bin, manifest and grants at once.
///
/// # Errors
/// `manifest_outdated` when something in it is not sealed anew, or was changed meanwhile; or the refusal.
pub async fn finish(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    finish: FinishRotation,
) -> Result<Written, Refusal> {
    let ask = Ask {
        manifest: Some(&finish.manifest),
        root: Some(&finish.root),
        ..ask("finish_rotation", environment)
    };
    let of_environment = || [Value::from(&environment)];
    let turned = caller.guarded(
        concat!(
            "UPDATE environments SET rules = ?4,
                 generation = CASE WHEN rules_version = ?5 THEN (SELECT generation FROM rotations WHERE environment = ?3) END,
                 owner_key = (SELECT owner_key FROM rotations WHERE environment = ?3) WHERE id = ?3 AND ",
            permitted!()
        ),
        [
            Value::from(&environment),
            Value::from(finish.rules.as_ref().map(|rules| Value::from(&rules.blob))),
            finish.rules.as_ref().map_or(0, |rules| rules.version).into(),
        ],
    );
    let secrets = caller.guarded(
        concat!(
            "UPDATE secrets SET name_index = r.name_index, name = r.name, meta = r.meta, value = r.value, blob = r.blob,
                 size = r.size, policy = r.policy
             FROM resealed r WHERE r.environment = ?3 AND secrets.environment = ?3 AND r.secret = secrets.id
                 AND r.version = secrets.version AND ",
            permitted!()
        ),
        of_environment(),
    );
    let versions = caller.guarded(
        concat!(
            "UPDATE versions SET name = r.name, meta = r.meta, value = r.value, blob = r.blob, size = r.size
             FROM resealed r WHERE r.environment = ?3 AND versions.environment = ?3 AND r.secret = versions.secret
                 AND r.version = versions.version AND ",
            permitted!()
        ),
        of_environment(),
    );
    let bin = caller.guarded(
        concat!(
            "UPDATE bin SET name_index = r.name_index, name = r.name, meta = r.meta, value = r.value, blob = r.blob,
                 size = r.size
             FROM resealed r WHERE r.environment = ?3 AND bin.environment = ?3 AND r.secret = bin.id
                 AND r.version = bin.version AND ",
            permitted!()
        ),
        of_environment(),
    );
    let ungranted = caller
        .guarded(concat!("DELETE FROM grants WHERE environment = ?3 AND ", permitted!()), of_environment());
    // A key of another account, or one that has this environment not in its scope, is none: NULL fails the
    // column's constraint.
    let grants = serde_json::to_string(&finish.grants).map_err(|error| Refusal::Fault(error.to_string()))?;
    let granted = caller.guarded(
        concat!(
            "INSERT INTO grants (credential, environment, environment_key)
             SELECT (SELECT k.id FROM credentials k JOIN credentials c ON c.id = ?1 AND k.account = c.account
                     WHERE k.id = g.value ->> 'credential' AND k.class = 'key' AND instr(k.environments, ?3) > 0),
                 ?3, g.value ->> 'key' FROM json_each(?4) g WHERE ",
            permitted!()
        ),
        [Value::from(&environment), grants.into()],
    );
    let unbucketed = caller
        .guarded(concat!("DELETE FROM buckets WHERE environment = ?3 AND ", permitted!()), of_environment());
    let [buckets, root] = write_root(caller, environment, &finish.root, &finish.buckets)?;
    let done = caller.guarded(
        concat!("DELETE FROM rotations WHERE environment = ?3 AND ", permitted!()),
        of_environment(),
    );
    let manifest = write_manifest(caller, &finish.manifest);
    let statements =
        vec![turned, secrets, versions, bin, ungranted, granted, unbucketed, buckets, root, done, manifest];
    decide_write(host, caller, ask, statements).await
}
