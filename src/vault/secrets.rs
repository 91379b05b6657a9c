//! Secrets: sealed names, values and meta under blind indexes.

use super::{
    Refusal,
    access::{
        Ask, Caller, Scope, decide, decide_with, decide_write, decision, json_text, json_text_or_null,
        permitted,
    },
    environments::EnvironmentRow,
};
use crate::{database::Value, host::Host};
use protocol::{
    Blob, EnvironmentId, NameIndex, Permission,
    body::{Change, How, Listing, Read, SealedSecret, SecretEntry, Versioned, Written},
};
use serde::Deserialize;

/// Entries of one page of a list.
const PAGE: u64 = 200;
/// Secrets that one change may put and delete.
const MOST_CHANGES: usize = 500;

impl Ask<'_> {
    /// What reading secrets takes: the permission to read, or to reveal; to write, to compare before a write.
    pub(super) fn to_read(action: &'static str, how: How, scope: Scope) -> Self {
        let needs: &'static [Permission] = match how {
            How::Inject | How::Run | How::Sdk => &[Permission::Read],
            How::Reveal => &[Permission::Read, Permission::Reveal],
            How::Write => &[Permission::Write],
        };
        Self { action, how: Some(how), scope, cost: 1, needs, ..Self::default() }
    }
}

#[derive(Deserialize)]
struct Decided {
    #[serde(deserialize_with = "json_text")]
    environment: EnvironmentWithBucket,
    #[serde(deserialize_with = "json_text_or_null")]
    secret: Option<SealedSecret>,
}

#[derive(Deserialize)]
struct EnvironmentWithBucket {
    #[serde(flatten)]
    environment: EnvironmentRow,
    root_version: u64,
    root: Blob,
    bucket: Blob,
}

/// Reads one secret, or proves that there is none: decision, audit row and read are one statement.
///
/// # Errors
/// The refusal. A secret that is not there is an answer.
pub async fn read(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    index: NameIndex,
    how: How,
) -> Result<Read, Refusal> {
    let ask = Ask { secrets: vec![index], ..Ask::to_read("read", how, Scope::Environment(environment)) };
    let [first, second, ..] = *index.as_bytes();
    let mut permit = decide_with(
        host,
        caller,
        ask,
        decision!(
            ", (SELECT json_object('id', e.id, 'project', e.project, 'generation', e.generation, 'owner_key', e.owner_key,
                 'granted_key', (SELECT environment_key FROM grants WHERE credential = ?1 AND environment = ?9),
                 'root_version', e.root_version, 'root', e.root,
                 'bucket', (SELECT blob FROM buckets WHERE environment = ?9 AND number = CAST(?14 AS INTEGER) * e.buckets / 65536))
                 FROM environments e WHERE e.id = ?9) AS environment,
               (SELECT json_object('id', id, 'index', name_index, 'version', version, 'name', name, 'meta', meta, 'value', value)
                 FROM secrets WHERE environment = ?9 AND name_index = ?15) AS secret"
        ),
        vec![u64::from(u16::from_be_bytes([first, second])).into(), Value::from(&index)],
    )
    .await?;
    let Decided { environment: found, secret } = permit.decided()?;
    Ok(Read {
        seq: permit.seq(),
        environment: found.environment.of(permit.credential().class)?,
        root: Versioned { version: found.root_version, blob: found.root },
        bucket: found.bucket,
        secret,
    })
}

#[derive(Deserialize)]
struct EnvironmentWithRoot {
    #[serde(flatten)]
    environment: EnvironmentRow,
    root_version: u64,
    root: Blob,
}

#[derive(Deserialize)]
struct BucketRow {
    blob: Blob,
}

/// The environment and its whole manifest, read beside something else: three guarded statements' worth.
pub(super) struct Whole {
    pub(super) environment: EnvironmentRow,
    pub(super) root: Versioned,
    pub(super) buckets: Vec<Blob>,
}

impl Whole {
    /// The statements; ?3 is the environment, or NULL for the caller's only one.
    pub(super) fn statements(
        caller: &Caller,
        environment: Option<EnvironmentId>,
    ) -> [crate::database::Statement; 2] {
        let id = || [Value::from(environment.as_ref().map(Value::from))];
        [
            caller.guarded(
                concat!(
                    "SELECT e.id, e.project, e.generation, e.owner_key, e.root_version, e.root,
                         (SELECT environment_key FROM grants WHERE credential = ?1 AND environment = e.id) AS granted_key
                     FROM environments e WHERE e.id = coalesce(?3, (SELECT environments FROM credentials WHERE id = ?1)) AND ",
                    permitted!()
                ),
                id(),
            ),
            caller.guarded(
                concat!(
                    "SELECT blob FROM buckets
                     WHERE environment = coalesce(?3, (SELECT environments FROM credentials WHERE id = ?1)) AND ",
                    permitted!(),
                    " ORDER BY number"
                ),
                id(),
            ),
        ]
    }

    /// Reads their answers, the next two of the permit.
    pub(super) fn read(permit: &mut super::access::Permit) -> Result<Self, Refusal> {
        let fault = || Refusal::Fault("an environment in scope has no row".into());
        let row: EnvironmentWithRoot = permit.answer()?.row()?.ok_or_else(fault)?;
        let buckets: Vec<BucketRow> = permit.answer()?.rows()?;
        Ok(Self {
            environment: row.environment,
            root: Versioned { version: row.root_version, blob: row.root },
            buckets: buckets.into_iter().map(|row| row.blob).collect(),
        })
    }
}

/// Lists an environment's secrets without their values, one page from after the index `after`.
///
/// # Errors
/// The refusal.
pub async fn list(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    after: Option<NameIndex>,
) -> Result<Listing, Refusal> {
    let ask = Ask { action: "list", scope: Scope::Environment(environment), ..Ask::default() };
    let page = caller.guarded(
        concat!(
            "SELECT id, name_index AS \"index\", version, name, meta, updated_at FROM secrets
             WHERE environment = ?3 AND name_index > ?4 AND ",
            permitted!(),
            " ORDER BY name_index LIMIT ?5"
        ),
        [
            Value::from(&environment),
            after.map_or(Value::Text(String::new()), |index| Value::from(&index)),
            Value::from(PAGE),
        ],
    );
    let [row, buckets] = Whole::statements(caller, Some(environment));
    let mut permit = decide(host, caller, ask, vec![row, buckets, page]).await?;
    let whole = Whole::read(&mut permit)?;
    let items: Vec<SecretEntry> = permit.answer()?.rows()?;
    let next =
        (items.len() as u64 == PAGE).then(|| items.last().map(|item| item.index.to_string())).flatten();
    Ok(Listing {
        environment: whole.environment.of(permit.credential().class)?,
        root: whole.root,
        buckets: whole.buckets,
        items,
        next,
    })
}

/// Puts and deletes secrets, all or nothing, with the manifest that results.
///
/// # Errors
/// `quota_exceeded`, `manifest_outdated`, or the caller's refusal. Nothing is stored then.
pub async fn change(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    change: Change,
) -> Result<Written, Refusal> {
    if change.put.len() + change.delete.len() > MOST_CHANGES {
        return Err(Refusal::Invalid(format!("a change puts and deletes at most {MOST_CHANGES} secrets")));
    }
    let touched: std::collections::BTreeSet<NameIndex> =
        change.put.iter().map(|secret| secret.index).chain(change.delete.iter().copied()).collect();
    if touched.len() != change.put.len() + change.delete.len() {
        return Err(Refusal::Invalid("a change names each secret once".into()));
    }
    if change.buckets.is_empty() || change.buckets.iter().any(|bucket| bucket.number > 65535) {
        return Err(Refusal::Invalid(
            "a change replaces at least one bucket, numbered from 0 to 65535".into(),
        ));
    }
    let ask = Ask {
        action: "change",
        scope: Scope::Environment(environment),
        secrets: touched.into_iter().collect(),
        needs: &[Permission::Write],
        root: Some(&change.root),
        ..Ask::default()
    };
    let json = |value: serde_json::Result<String>| value.map_err(|error| Refusal::Fault(error.to_string()));
    let deleted = caller.guarded(
        concat!(
            "DELETE FROM secrets WHERE environment = ?3 AND name_index IN (SELECT value FROM json_each(?4)) AND ",
            permitted!()
        ),
        [Value::from(&environment), json(serde_json::to_string(&change.delete))?.into()],
    );
    let put = caller.guarded(
        concat!(
            "INSERT INTO secrets (environment, name_index, id, account, version, name, meta, value, updated_at)
             SELECT ?3, s.value ->> 'index', s.value ->> 'id', (SELECT account FROM credentials WHERE id = ?1),
                 s.value ->> 'version', s.value ->> 'name', s.value ->> 'meta', s.value ->> 'value', ?5
             FROM json_each(?4) s WHERE ",
            permitted!(),
            " ON CONFLICT (environment, name_index) DO UPDATE SET id = excluded.id, version = excluded.version,
                 name = excluded.name, meta = excluded.meta, value = excluded.value, updated_at = excluded.updated_at"
        ),
        [Value::from(&environment), json(serde_json::to_string(&change.put))?.into(), host.now().into()],
    );
    let buckets = caller.guarded(
        concat!(
            "INSERT INTO buckets (environment, number, blob)
             SELECT ?3, b.value ->> 'number', b.value ->> 'blob' FROM json_each(?4) b WHERE ",
            permitted!(),
            " ON CONFLICT (environment, number) DO UPDATE SET blob = excluded.blob"
        ),
        [Value::from(&environment), json(serde_json::to_string(&change.buckets))?.into()],
    );
    let root = caller.guarded(
        concat!(
            "UPDATE environments SET root_version = ?4, root = ?5,
                 buckets = (SELECT count(*) FROM buckets WHERE environment = ?3) WHERE id = ?3 AND ",
            permitted!()
        ),
        [Value::from(&environment), change.root.version.into(), Value::from(&change.root.blob)],
    );
    decide_write(host, caller, ask, vec![deleted, put, buckets, root]).await
}
