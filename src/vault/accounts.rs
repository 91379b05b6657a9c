//! Accounts: made by sign-up, read by their owner.

use super::{
    Refusal,
    access::{Ask, Caller, Origin, decide, permitted},
    audit,
    columns::Column,
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    AccountId, Blob, Code, Salt,
    body::{Account, Kdf, SignUp, Versioned},
};
use serde::Deserialize;

pub(super) const ACCOUNT_KEY: Column = Column { table: "accounts", column: "account_key" };
const ACCOUNT_KEY_BY_RECOVERY: Column = Column { table: "accounts", column: "account_key_by_recovery" };
const EMAIL: Column = Column { table: "accounts", column: "email" };

/// What an owner's client needs of its account.
#[derive(Deserialize)]
pub(super) struct AccountRow {
    pub(super) id: AccountId,
    pub(super) salt: Salt,
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) account_key: String,
    pub(super) manifest_version: u64,
    pub(super) manifest: Blob,
}

impl AccountRow {
    pub(super) fn open(self, host: &Host, session_expires_at: u64) -> Result<Account, Refusal> {
        let wrapped = ACCOUNT_KEY.open(host, &self.id, &self.account_key)?;
        Ok(Account {
            account: self.id,
            kdf: Kdf { salt: self.salt, memory_kib: self.memory_kib, passes: self.passes, lanes: self.lanes },
            account_key: Blob::from_sealed(wrapped.to_vec()),
            manifest: Versioned { version: self.manifest_version, blob: self.manifest },
            session_expires_at,
        })
    }
}

/// Makes an account. Its first audit row says so.
///
/// # Errors
/// `email_taken`, `id_taken`.
pub async fn sign_up(host: &Host, request: &String, origin: &Origin, new: SignUp) -> Result<(), Refusal> {
    if new.manifest.version != 1 {
        return Err(Refusal::Invalid("the first account manifest has version 1".into()));
    }
    let id = new.account;
    let now = host.now();
    let entry = audit::entry("sign_up", "allowed", None, origin);
    let account = Statement::new(
        "INSERT INTO accounts (id, email_index, email, salt, memory_kib, passes, lanes, login_verifier, account_key,
             recovery_verifier, account_key_by_recovery, manifest_version, manifest, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, ?13)",
        [
            Value::from(&id),
            Value::from(&host.pepper.email_index(&new.email)),
            EMAIL.seal(host, &id, new.email.as_str().as_bytes())?.into(),
            Value::from(&new.kdf.salt),
            u64::from(new.kdf.memory_kib).into(),
            u64::from(new.kdf.passes).into(),
            u64::from(new.kdf.lanes).into(),
            Value::from(&host.pepper.login(id, &new.login)),
            ACCOUNT_KEY.seal(host, &id, new.account_key.as_bytes())?.into(),
            Value::from(&host.pepper.recovery(id, &new.recovery)),
            ACCOUNT_KEY_BY_RECOVERY.seal(host, &id, new.account_key_by_recovery.as_bytes())?.into(),
            Value::from(&new.manifest.blob),
            now.into(),
        ],
    );
    let usage = Statement::new("INSERT INTO usage (account, plan) VALUES (?1, 'free')", [Value::from(&id)]);
    let row = Statement::new(
        "INSERT INTO audit (account, seq, at, cost, request, entry) VALUES (?1, 1, ?2, 0, ?3, ?4)",
        [
            Value::from(&id),
            now.into(),
            Value::Text(request.clone()),
            audit::seal(host, request, &entry)?.into(),
        ],
    );
    host.database.batch(vec![account, usage, row]).await?;
    Ok(())
}

/// The caller's account, for its owner.
///
/// # Errors
/// The refusal.
pub async fn read(host: &Host, caller: &Caller) -> Result<Account, Refusal> {
    let ask = Ask { action: "account", owner_only: true, ..Ask::default() };
    let row = caller.guarded(
        concat!(
            "SELECT id, salt, memory_kib, passes, lanes, account_key, manifest_version, manifest FROM accounts
             WHERE id = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![row]).await?;
    let row: AccountRow = permit.answer()?.row()?.ok_or(Code::NotFound)?;
    row.open(host, permit.credential().expires_at)
}
