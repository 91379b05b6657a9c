//! API keys: a credential, and the environment keys wrapped for it.

use super::{
    Refusal,
    access::{Ask, Caller, decide, decide_write, new_credential, permitted, scope_text},
    pepper::CredentialRow,
    projects::write_manifest,
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    AccountId, Code, KeyId, Permissions,
    body::{CredentialClass, KeyEntry, NewKey, Page, RevokeKey, Written},
};
use serde::Deserialize;

/// Environments that one key may use.
const MOST_GRANTS: usize = 64;

/// Registers an API key.
///
/// # Errors
/// `quota_exceeded`, `manifest_outdated`, `id_taken`, `not_found` for an environment of somebody else, or the
/// caller's refusal.
pub async fn create(host: &Host, caller: &Caller, id: KeyId, new: NewKey) -> Result<Written, Refusal> {
    if new.token.id() != id {
        return Err(Refusal::Invalid("the token is not of the key in the path".into()));
    }
    let mut environments: Vec<_> = new.grants.iter().map(|grant| grant.environment).collect();
    environments.sort_unstable();
    environments.dedup();
    if environments.is_empty() || environments.len() != new.grants.len() || environments.len() > MOST_GRANTS {
        return Err(Refusal::Invalid("a key has 1 to 64 grants, each of another environment".into()));
    }
    if new.permissions == Permissions::default() {
        return Err(Refusal::Invalid("a key has at least one permission".into()));
    }
    let expires_at = new.expires_at.unwrap_or(0);
    if new.expires_at.is_some_and(|at| at <= host.now() || at >= 1 << 40) {
        return Err(Refusal::Invalid("a key expires in the future, or never".into()));
    }
    // The MAC names the account, which only the caller's credential tells; the write checks that it was right.
    let account = account_of(host, caller).await?;
    let scope = scope_text(environments);
    let row =
        new_credential(host, &new.token, account, CredentialClass::Key, new.permissions, scope, expires_at);
    let ask = Ask { action: "create_key", owner_only: true, manifest: Some(&new.manifest), ..Ask::default() };
    let now = host.now();
    let inserted = caller.guarded(
        concat!(
            "INSERT INTO credentials (id, account, class, verifier, permissions, environments, expires_at, mac, record, created_at)
             SELECT ?3, c.account, 'key', ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM credentials c
             WHERE c.id = ?1 AND c.account = ?11 AND ",
            permitted!()
        ),
        [
            Value::from(&id),
            row.verifier.clone().into(),
            u64::from(row.permissions).into(),
            row.environments.clone().into(),
            expires_at.into(),
            row.mac.clone().into(),
            Value::from(&new.record),
            now.into(),
            Value::from(&account),
        ],
    );
    // An environment of another account is none: NULL fails the column's constraint.
    let grants = serde_json::to_string(&new.grants).map_err(|error| Refusal::Fault(error.to_string()))?;
    let granted = caller.guarded(
        concat!(
            "INSERT INTO grants (credential, environment, environment_key)
             SELECT ?3, (SELECT e.id FROM environments e WHERE e.id = g.value ->> 'environment' AND e.account = ?5),
                 g.value ->> 'key' FROM json_each(?4) g WHERE ",
            permitted!()
        ),
        [Value::from(&id), grants.into(), Value::from(&account)],
    );
    decide_write(host, caller, ask, vec![inserted, granted, write_manifest(caller, &new.manifest)]).await
}

/// The account of a credential, if its token is right. Decides nothing.
async fn account_of(host: &Host, caller: &Caller) -> Result<AccountId, Refusal> {
    #[derive(Deserialize)]
    struct Found {
        account: AccountId,
    }
    let [current, previous] = host.pepper.verifiers(&caller.token);
    let statement = Statement::new(
        "SELECT account FROM credentials WHERE id = ?1 AND verifier IN (?2, ?3)",
        [Value::from(&caller.token.id()), Value::from(&current), Value::from(&previous)],
    );
    let found: Option<Found> = host.database.run(statement).await?.row()?;
    found.map(|found| found.account).ok_or(Refusal::Because(Code::Unauthenticated))
}

#[derive(Deserialize)]
struct Listed {
    id: KeyId,
    permissions: u32,
    environments: String,
    created_at: u64,
    expires_at: u64,
    revoked_at: u64,
}

/// The account's API keys, revoked ones included.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller) -> Result<Page<KeyEntry>, Refusal> {
    let ask = Ask { action: "keys", owner_only: true, ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT id, permissions, environments, created_at, expires_at, revoked_at FROM credentials
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
    let account = account_of(host, caller).await?;
    let statement = Statement::new(
        "SELECT id, account, class, permissions, environments, expires_at, revoked_at, verifier, mac
         FROM credentials WHERE id = ?1 AND account = ?2 AND class = 'key'",
        [Value::from(&id), Value::from(&account)],
    );
    let stored: Option<CredentialRow> = host.database.run(statement).await?.row()?;
    let Some(stored) = stored else { return Err(Code::NotFound.into()) };
    let revoked = CredentialRow { revoked_at: host.now().max(1), ..stored };
    let ask = Ask {
        action: "revoke_key",
        owner_only: true,
        manifest: Some(&revocation.manifest),
        ..Ask::default()
    };
    let updated = caller.guarded(
        concat!(
            "UPDATE credentials SET revoked_at = ?4, mac = ?5 WHERE id = ?3 AND account = ?6 AND class = 'key' AND ",
            permitted!()
        ),
        [Value::from(&id), revoked.revoked_at.into(), host.pepper.row_mac(&revoked).into(), Value::from(&account)],
    );
    let ungranted = caller
        .guarded(concat!("DELETE FROM grants WHERE credential = ?3 AND ", permitted!()), [Value::from(&id)]);
    decide_write(host, caller, ask, vec![updated, ungranted, write_manifest(caller, &revocation.manifest)])
        .await
}
