//! Secrets: sealed names, values and meta under blind indexes.

use super::{
    Refusal,
    access::{
        Ask, Caller, Permit, Scope, decide, decide_with, decide_write, decision, json_text,
        json_text_or_null, permitted, spring_canary,
    },
    environments::EnvironmentRow,
    large,
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    Blob, Code, EnvironmentId, NameIndex, Permission, SecretId,
    body::{
        Bucket, Change, CredentialClass, How, Listing, NewPolicy, Read, SealedSecret, SecretEntry, Versioned,
        Written,
    },
};
use serde::{Deserialize, Serialize};

/// Entries of one page of a list.
const PAGE: u64 = 200;
/// Secrets that one change may put and delete.
const MOST_CHANGES: usize = 500;

impl Ask<'_> {
    /// What reading secrets takes: the permission to read, and to reveal or be used at a gateway where that is what it is
    /// for; to write, to compare before a write.
    pub(super) fn to_read(action: &'static str, how: How, scope: Scope) -> Self {
        let needs: &'static [Permission] = match how {
            How::Inject | How::Run | How::Sdk => &[Permission::Read],
            How::Reveal => &[Permission::Read, Permission::Reveal],
            How::Write => &[Permission::Write],
            How::Gateway => &[Permission::Read, Permission::Gateway],
        };
        Self { action, how: Some(how), scope, cost: 1, needs, ..Self::default() }
    }
}

#[derive(Deserialize)]
struct Decided {
    #[serde(deserialize_with = "json_text")]
    environment: EnvironmentWithBucket,
    #[serde(deserialize_with = "json_text_or_null")]
    secret: Option<StoredSecret>,
}

/// A secret's row, or one of what it was.
#[derive(Deserialize)]
pub(super) struct StoredSecret {
    id: SecretId,
    index: NameIndex,
    version: u64,
    name: Blob,
    meta: Blob,
    value: String,
    blob: Option<String>,
    policy: Option<Blob>,
    #[serde(default)]
    policy_version: u64,
    #[serde(default)]
    canary: u64,
}

impl StoredSecret {
    /// The secret, its value fetched from where it is. A canary's is not given to an API key, which is revoked.
    pub(super) async fn hand_out(
        self,
        host: &Host,
        caller: &Caller,
        permit: &Permit,
        environment: EnvironmentId,
    ) -> Result<SealedSecret, Refusal> {
        if self.canary != 0 && permit.credential().class == CredentialClass::Key {
            return Err(spring_canary(host, caller, permit, environment, self.index).await);
        }
        self.fetch(host).await
    }

    async fn fetch(self, host: &Host) -> Result<SealedSecret, Refusal> {
        let policy = versioned(self.policy_version, self.policy);
        let value = large::get(host, self.value, self.blob).await?;
        let Self { id, index, version, name, meta, .. } = self;
        Ok(SealedSecret { id, index, version, name, meta, value, policy })
    }
}

/// The secrets of these rows, for who may have them all: canaries are handed out, too.
pub(super) async fn fetch_all(host: &Host, rows: Vec<StoredSecret>) -> Result<Vec<SealedSecret>, Refusal> {
    let mut secrets = Vec::with_capacity(rows.len());
    for row in rows {
        secrets.push(row.fetch(host).await?);
    }
    Ok(secrets)
}

/// A blob with its version, if it is there.
pub(super) fn versioned(version: u64, blob: Option<Blob>) -> Option<Versioned> {
    blob.map(|blob| Versioned { version, blob })
}

/// A secret's row without its value.
#[derive(Deserialize)]
pub(super) struct StoredEntry {
    id: SecretId,
    index: NameIndex,
    version: u64,
    name: Blob,
    meta: Blob,
    policy: Option<Blob>,
    policy_version: u64,
    updated_at: u64,
}

impl From<StoredEntry> for SecretEntry {
    fn from(row: StoredEntry) -> Self {
        let policy = versioned(row.policy_version, row.policy);
        let StoredEntry { id, index, version, name, meta, updated_at, .. } = row;
        Self { id, index, version, name, meta, policy, updated_at }
    }
}

#[derive(Deserialize)]
struct EnvironmentWithBucket {
    #[serde(flatten)]
    environment: EnvironmentRow,
    root_version: u64,
    root: Blob,
    bucket: Blob,
}

/// The one statement by which a secret is read: beside the decision's own numbers ?17 is the first 16 bits of the name's
/// index, ?18 the index. Public for the benchmark, whose Worker in JavaScript runs the same.
pub const READ: &str = decision!(
    ", (SELECT json_object('id', e.id, 'project', e.project, 'generation', e.generation, 'owner_key', e.owner_key,
         'granted_key', (SELECT environment_key FROM grants WHERE credential = ?1 AND environment = ?9),
         'root_version', e.root_version, 'root', e.root,
         'bucket', (SELECT blob FROM buckets WHERE environment = ?9 AND number = CAST(?17 AS INTEGER) * e.buckets / 65536))
         FROM environments e WHERE e.id = ?9) AS environment,
       (SELECT json_object('id', id, 'index', name_index, 'version', version, 'name', name, 'meta', meta, 'value', value,
         'blob', blob, 'policy', policy, 'policy_version', policy_version, 'canary', canary)
         FROM secrets WHERE environment = ?9 AND name_index = ?18) AS secret"
);

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
        READ,
        vec![u64::from(u16::from_be_bytes([first, second])).into(), Value::from(&index)],
    )
    .await?;
    let Decided { environment: found, secret } = permit.decided()?;
    let secret = match secret {
        Some(stored) => Some(stored.hand_out(host, caller, &permit, environment).await?),
        None => None,
    };
    Ok(Read {
        receipt: permit.receipt(),
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
    pub(super) fn statements(caller: &Caller, environment: Option<EnvironmentId>) -> [Statement; 2] {
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
    pub(super) fn read(permit: &mut Permit) -> Result<Self, Refusal> {
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
            "SELECT id, name_index AS \"index\", version, name, meta, policy, policy_version, updated_at FROM secrets
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
    let rows: Vec<StoredEntry> = permit.answer()?.rows()?;
    let items: Vec<SecretEntry> = rows.into_iter().map(SecretEntry::from).collect();
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
/// `quota_exceeded`, `manifest_outdated`, `owner_required` where an API key deletes a secret with a policy, or the
/// caller's refusal. Nothing is stored then.
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
    if change.put.iter().any(|secret| secret.policy.is_some()) {
        return Err(Refusal::Invalid(
            "a policy is written by its own endpoint, by the account's owner".into(),
        ));
    }
    let rows = place_values(host, caller, &change.put).await?;
    let ask = Ask {
        action: "change",
        scope: Scope::Environment(environment),
        secrets: touched.into_iter().collect(),
        needs: &[Permission::Write],
        deletes: &change.delete,
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
    let dated = caller.guarded(
        concat!(
            "UPDATE bin SET deleted_at = ?4,
                 deleted_by = (SELECT u.seq FROM credentials c JOIN usage u ON u.account = c.account WHERE c.id = ?1)
             WHERE environment = ?3 AND deleted_at = 0 AND ",
            permitted!()
        ),
        [Value::from(&environment), host.now().into()],
    );
    let put = caller.guarded(
        concat!(
            "INSERT INTO secrets (environment, name_index, id, account, version, name, meta, value, blob, size, updated_at)
             SELECT ?3, s.value ->> 'index', s.value ->> 'id', (SELECT account FROM credentials WHERE id = ?1),
                 s.value ->> 'version', s.value ->> 'name', s.value ->> 'meta', s.value ->> 'value', s.value ->> 'blob',
                 s.value ->> 'size', ?5
             FROM json_each(?4) s WHERE ",
            permitted!(),
            " ON CONFLICT (environment, name_index) DO UPDATE SET id = excluded.id, version = excluded.version,
                 name = excluded.name, meta = excluded.meta, value = excluded.value, blob = excluded.blob,
                 size = excluded.size, updated_at = excluded.updated_at"
        ),
        [Value::from(&environment), json(serde_json::to_string(&rows))?.into(), host.now().into()],
    );
    let [buckets, root] = write_root(caller, environment, &change.root, &change.buckets)?;
    decide_write(host, caller, ask, vec![deleted, dated, put, buckets, root]).await
}

/// The statements that write an environment's manifest.
pub(super) fn write_root(
    caller: &Caller,
    environment: EnvironmentId,
    root: &Versioned,
    buckets: &[Bucket],
) -> Result<[Statement; 2], Refusal> {
    let buckets = serde_json::to_string(buckets).map_err(|error| Refusal::Fault(error.to_string()))?;
    Ok([
        caller.guarded(
            concat!(
                "INSERT INTO buckets (environment, number, blob)
                 SELECT ?3, b.value ->> 'number', b.value ->> 'blob' FROM json_each(?4) b WHERE ",
                permitted!(),
                " ON CONFLICT (environment, number) DO UPDATE SET blob = excluded.blob"
            ),
            [Value::from(&environment), buckets.into()],
        ),
        caller.guarded(
            concat!(
                "UPDATE environments SET root_version = ?4, root = ?5,
                     buckets = (SELECT count(*) FROM buckets WHERE environment = ?3) WHERE id = ?3 AND ",
                permitted!()
            ),
            [Value::from(&environment), root.version.into(), Value::from(&root.blob)],
        ),
    ])
}

/// A secret as SQL takes it.
#[derive(Serialize)]
pub(super) struct NewRow<'a> {
    index: NameIndex,
    id: SecretId,
    version: u64,
    name: &'a Blob,
    meta: &'a Blob,
    value: String,
    blob: Option<String>,
    size: usize,
    policy: Option<&'a Blob>,
    policy_version: u64,
}

/// Puts each value where its size belongs. What is no row's is written before the decision, so whoever has no
/// credential, or whose plan takes no such value, is refused first.
pub(super) async fn place_values<'a>(
    host: &Host,
    caller: &Caller,
    secrets: &'a [SealedSecret],
) -> Result<Vec<NewRow<'a>>, Refusal> {
    let largest = secrets.iter().map(|secret| secret.value.as_bytes().len()).max().unwrap_or(0);
    if large::is_large(largest) {
        #[derive(Deserialize)]
        struct Found {
            value_bytes: u64,
        }
        let [current, previous] = host.pepper.verifiers(&caller.token);
        let statement = Statement::new(
            "SELECT p.value_bytes FROM credentials c JOIN usage u ON u.account = c.account JOIN plans p ON p.name = u.plan
             WHERE c.id = ?1 AND c.verifier IN (?2, ?3) AND c.revoked_at = 0 AND (c.expires_at = 0 OR c.expires_at > ?4)",
            [Value::from(&caller.token.id()), Value::from(&current), Value::from(&previous), host.now().into()],
        );
        let found: Option<Found> = host.database.run(statement).await?.row()?;
        let allowed = found.ok_or(Code::Unauthenticated)?.value_bytes;
        if largest as u64 > allowed + large::OVERHEAD {
            return Err(Refusal::Quota(protocol::Resource::ValueBytes));
        }
    }
    let mut rows = Vec::with_capacity(secrets.len());
    for (number, secret) in secrets.iter().enumerate() {
        let large::Put { value, blob, size } =
            large::put(host, &caller.request, number, &secret.value).await?;
        let SealedSecret { index, id, version, name, meta, policy, .. } = secret;
        let (policy, policy_version) =
            policy.as_ref().map_or((None, 0), |policy| (Some(&policy.blob), policy.version));
        rows.push(NewRow {
            index: *index,
            id: *id,
            version: *version,
            name,
            meta,
            value,
            blob,
            size,
            policy,
            policy_version,
        });
    }
    Ok(rows)
}

/// Lays down a secret's policy. Only the owner may: a key of an agent cannot loosen what binds it.
///
/// # Errors
/// `not_found`, `manifest_outdated`, or the caller's refusal.
pub async fn write_policy(
    host: &Host,
    caller: &Caller,
    environment: EnvironmentId,
    index: NameIndex,
    new: NewPolicy,
) -> Result<Written, Refusal> {
    let ask = Ask {
        action: "write_policy",
        scope: Scope::Environment(environment),
        secrets: vec![index],
        owner_only: true,
        root: Some(&new.root),
        ..Ask::default()
    };
    // A policy of nothing: NULL fails the column's constraint.
    let present = caller.guarded(
        concat!(
            "INSERT INTO grants (credential, environment, environment_key) SELECT ?1, ?3, NULL
             WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE environment = ?3 AND name_index = ?4) AND ",
            permitted!()
        ),
        [Value::from(&environment), Value::from(&index)],
    );
    let updated = caller.guarded(
        concat!(
            "UPDATE secrets SET policy = ?5, policy_version = ?6, canary = ?7 WHERE environment = ?3 AND name_index = ?4 AND ",
            permitted!()
        ),
        [
            Value::from(&environment),
            Value::from(&index),
            Value::from(&new.policy.blob),
            new.policy.version.into(),
            u64::from(new.canary).into(),
        ],
    );
    let [buckets, root] = write_root(caller, environment, &new.root, &new.buckets)?;
    decide_write(host, caller, ask, vec![present, updated, buckets, root]).await
}
