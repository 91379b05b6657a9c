//! API keys: a credential, and the environment keys wrapped for it.

use super::{
    Refusal,
    access::{Ask, Caller, NewCredential, account_of, decide, decide_write, permitted, scope_text},
    pepper::CredentialRow,
    projects::write_manifest,
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    AccountId, AddressRange, Blob, Code, KeyId, Permissions,
    body::{CredentialClass, KeyEntry, NewKey, Page, RevokeKey, RotateKey, Written},
};
use serde::{Deserialize, Serialize};

/// Environments that one key may use.
const MOST_GRANTS: usize = 64;
/// Address ranges that one key may have.
const MOST_RANGES: usize = 16;
/// How long a key works that another takes the place of, in seconds.
const MOST_OVERLAP: u64 = 30 * 86400;

/// A new key that was checked: its row, and the statements that write it.
struct Registration<'a> {
    id: KeyId,
    row: CredentialRow,
    new: &'a NewKey,
}

impl<'a> Registration<'a> {
    fn check(host: &Host, account: AccountId, id: KeyId, new: &'a NewKey) -> Result<Self, Refusal> {
        let invalid = |text: &str| Err(Refusal::Invalid(text.into()));
        if new.token.id() != id {
            return invalid("the token is not of the key that is to be registered");
        }
        let mut environments: Vec<_> = new.grants.iter().map(|grant| grant.environment).collect();
        environments.sort_unstable();
        environments.dedup();
        if environments.is_empty()
            || environments.len() != new.grants.len()
            || environments.len() > MOST_GRANTS
        {
            return invalid("a key has 1 to 64 grants, each of another environment");
        }
        if new.permissions == Permissions::default() {
            return invalid("a key has at least one permission");
        }
        if new.expires_at.is_some_and(|at| at <= host.now() || at >= 1 << 40) {
            return invalid("a key expires in the future, or never");
        }
        if new.addresses.len() > MOST_RANGES {
            return invalid("a key has at most 16 address ranges");
        }
        let row = NewCredential {
            token: &new.token,
            account,
            class: CredentialClass::Key,
            permissions: new.permissions,
            environments: scope_text(environments),
            expires_at: new.expires_at.unwrap_or(0),
            addresses: ranges_text(&new.addresses)?,
        }
        .row(host);
        Ok(Self { id, row, new })
    }

    fn statements(&self, host: &Host, caller: &Caller) -> Result<[Statement; 2], Refusal> {
        let inserted = caller.guarded(
            concat!(
                "INSERT INTO credentials (id, account, class, verifier, permissions, environments, expires_at, mac, record,
                     created_at, addresses)
                 SELECT ?3, c.account, 'key', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?12 FROM credentials c
                 WHERE c.id = ?1 AND c.account = ?11 AND ",
                permitted!()
            ),
            [
                Value::from(&self.id),
                self.row.verifier.clone().into(),
                u64::from(self.row.permissions).into(),
                self.row.environments.clone().into(),
                self.row.expires_at.into(),
                self.row.mac.clone().into(),
                Value::from(&self.new.record),
                host.now().into(),
                Value::from(&self.row.account),
                self.row.addresses.clone().into(),
            ],
        );
        // An environment of another account is none: NULL fails the column's constraint.
        let grants =
            serde_json::to_string(&self.new.grants).map_err(|error| Refusal::Fault(error.to_string()))?;
        let granted = caller.guarded(
            concat!(
                "INSERT INTO grants (credential, environment, environment_key)
                 SELECT ?3, (SELECT e.id FROM environments e WHERE e.id = g.value ->> 'environment' AND e.account = ?5),
                     g.value ->> 'key' FROM json_each(?4) g WHERE ",
                permitted!()
            ),
            [Value::from(&self.id), grants.into(), Value::from(&self.row.account)],
        );
        Ok([inserted, granted])
    }
}

/// A key's address ranges as its row has them: with their ends, which SQL compares.
#[derive(Serialize, Deserialize)]
struct Range {
    range: AddressRange,
    first: String,
    last: String,
}

fn ranges_text(ranges: &[AddressRange]) -> Result<String, Refusal> {
    if ranges.is_empty() {
        return Ok(String::new());
    }
    let ranges: Vec<Range> = ranges
        .iter()
        .map(|range| Range { range: *range, first: range.first(), last: range.last() })
        .collect();
    serde_json::to_string(&ranges).map_err(|error| Refusal::Fault(error.to_string()))
}

/// Registers an API key.
///
/// # Errors
/// `quota_exceeded`, `manifest_outdated`, `id_taken`, `not_found` for an environment of somebody else, or the
/// caller's refusal.
pub async fn create(host: &Host, caller: &Caller, id: KeyId, new: NewKey) -> Result<Written, Refusal> {
    let manifest = &new.manifest;
    let ask = Ask { action: "create_key", owner_only: true, manifest: Some(manifest), ..Ask::default() };
    // The MAC names the account.
    let account = account_of(host, caller, &ask).await?;
    let registration = Registration::check(host, account, id, &new)?;
    let [inserted, granted] = registration.statements(host, caller)?;
    decide_write(host, caller, ask, vec![inserted, granted, write_manifest(caller, manifest)]).await
}

/// Registers the key that takes the place of another, which works on until `old_expires_at` and counts no more.
///
/// # Errors
/// `not_found` for a key that is not there, was revoked or was replaced before; or as [`create`].
pub async fn rotate(
    host: &Host,
    caller: &Caller,
    id: KeyId,
    rotation: RotateKey,
) -> Result<Written, Refusal> {
    let manifest = &rotation.key.manifest;
    let ask = Ask { action: "rotate_key", owner_only: true, manifest: Some(manifest), ..Ask::default() };
    let account = account_of(host, caller, &ask).await?;
    if rotation.old_expires_at > host.now() + MOST_OVERLAP {
        return Err(Refusal::Invalid("a key that is replaced works for at most 30 more days".into()));
    }
    let stored = stored_key(host, caller, account, id).await?;
    // 0 means never: a key that is to end at once ends at the first second.
    let until = rotation.old_expires_at.max(1);
    let expires_at = if stored.expires_at == 0 { until } else { stored.expires_at.min(until) };
    let old = CredentialRow { expires_at, ..stored };
    let registration = Registration::check(host, account, rotation.id, &rotation.key)?;
    let replaced = caller.guarded(
        concat!(
            "UPDATE credentials SET replaced = 1, expires_at = ?4, mac = ?5, verifier = ?7 WHERE id = ?3 AND account = ?6 AND class = 'key' AND ",
            permitted!()
        ),
        [
            Value::from(&id),
            expires_at.into(),
            host.pepper.row_mac(&old).into(),
            Value::from(&account),
            // The one that the MAC is over.
            old.verifier.into(),
        ],
    );
    let [inserted, granted] = registration.statements(host, caller)?;
    let statements = vec![replaced, inserted, granted, write_manifest(caller, manifest)];
    decide_write(host, caller, ask, statements).await
}

async fn stored_key(
    host: &Host,
    caller: &Caller,
    account: AccountId,
    id: KeyId,
) -> Result<CredentialRow, Refusal> {
    let statement = Statement::new(
        "SELECT id, account, class, permissions, environments, expires_at, revoked_at, addresses, verifier, mac
         FROM credentials WHERE id = ?1 AND account = ?2 AND class = 'key'",
        [Value::from(&id), Value::from(&account)],
    );
    let stored: CredentialRow = host.database.run(statement).await?.row()?.ok_or(Code::NotFound)?;
    // What is about to be written anew was the vault's own before.
    if host.pepper.vouches_for(&stored) {
        return Ok(stored);
    }
    Err(super::access::alert_of_mac(host, caller, id))
}

fn ranges_of(text: &str) -> Vec<AddressRange> {
    let ranges: Vec<Range> = serde_json::from_str(text).unwrap_or_default();
    ranges.into_iter().map(|range| range.range).collect()
}

#[derive(Deserialize)]
struct Listed {
    id: KeyId,
    permissions: u32,
    environments: String,
    created_at: u64,
    expires_at: u64,
    revoked_at: u64,
    used_at: u64,
    addresses: String,
    replaced: u64,
    record: Blob,
}

/// The account's API keys, revoked ones included.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller) -> Result<Page<KeyEntry>, Refusal> {
    let ask = Ask { action: "keys", owner_only: true, ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT id, permissions, environments, created_at, expires_at, revoked_at, used_at, addresses, replaced, record
             FROM credentials
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND class = 'key' AND ",
            permitted!(),
            " ORDER BY id"
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![rows]).await?;
    let rows: Vec<Listed> = permit.answer()?.rows()?;
    let some = |seconds: u64| (seconds != 0).then_some(seconds);
    let items = rows.into_iter().map(|row| KeyEntry {
        id: row.id,
        permissions: Permissions::from_bits(row.permissions).unwrap_or_default(),
        environments: row.environments.split(' ').filter_map(|id| id.parse().ok()).collect(),
        created_at: row.created_at,
        expires_at: some(row.expires_at),
        revoked_at: some(row.revoked_at),
        used_at: some(row.used_at),
        addresses: ranges_of(&row.addresses),
        replaced: row.replaced != 0,
        record: row.record,
    });
    Ok(Page { items: items.collect(), next: None })
}

/// Revokes an API key: the next request with it is refused. What was wrapped for it is deleted.
///
/// # Errors
/// `not_found`, also when it was revoked before; `manifest_outdated`; or the caller's refusal.
pub async fn revoke(
    host: &Host,
    caller: &Caller,
    id: KeyId,
    revocation: RevokeKey,
) -> Result<Written, Refusal> {
    let ask = Ask {
        action: "revoke_key",
        owner_only: true,
        manifest: Some(&revocation.manifest),
        ..Ask::default()
    };
    let account = account_of(host, caller, &ask).await?;
    let stored = stored_key(host, caller, account, id).await?;
    let revoked = CredentialRow { revoked_at: host.now().max(1), ..stored };
    let updated = caller.guarded(
        concat!(
            "UPDATE credentials SET revoked_at = ?4, mac = ?5, verifier = ?7 WHERE id = ?3 AND account = ?6 AND class = 'key' AND ",
            permitted!()
        ),
        [
            Value::from(&id),
            revoked.revoked_at.into(),
            host.pepper.row_mac(&revoked).into(),
            Value::from(&account),
            revoked.verifier.into(),
        ],
    );
    let ungranted = caller
        .guarded(concat!("DELETE FROM grants WHERE credential = ?3 AND ", permitted!()), [Value::from(&id)]);
    decide_write(host, caller, ask, vec![updated, ungranted, write_manifest(caller, &revocation.manifest)])
        .await
}
