//! Accounts: made by sign-up, read by their owner.

use super::{
    Refusal,
    access::{Ask, Caller, Origin, account_of, decide, decide_write, permitted},
    audit,
    columns::Column,
    sessions::register_session,
    tries::{self, Trier, Try},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    AccountId, Blob, Code, Salt,
    body::{
        Account, DeleteAccount, Kdf, NewPassphrase, OwnerProof, Recover, Recovered, SignUp, Versioned,
        Written,
    },
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
            device: None,
        })
    }
}

/// What of an account is column-sealed, as it is stored.
pub(super) struct SealedColumns<'a> {
    pub(super) email: &'a str,
    pub(super) account_key: &'a str,
    pub(super) account_key_by_recovery: &'a str,
}

impl SealedColumns<'_> {
    /// The statement that stores them sealed with the column key, if any is sealed with the one before it.
    pub(super) fn renew(&self, host: &Host, id: AccountId) -> Result<Option<Statement>, Refusal> {
        let stored = [self.email, self.account_key, self.account_key_by_recovery];
        let mut parameters = vec![Value::from(&id)];
        let mut any = false;
        for (column, stored) in [EMAIL, ACCOUNT_KEY, ACCOUNT_KEY_BY_RECOVERY].iter().zip(stored) {
            let renewed = column.renew(host, &id, stored)?;
            any |= renewed.is_some();
            parameters.push(renewed.unwrap_or_else(|| stored.to_owned()).into());
        }
        parameters.extend(stored.map(|stored| stored.to_owned().into()));
        let statement = Statement::new(
            "UPDATE accounts SET email = ?2, account_key = ?3, account_key_by_recovery = ?4
             WHERE id = ?1 AND email = ?5 AND account_key = ?6 AND account_key_by_recovery = ?7",
            parameters,
        );
        Ok(any.then_some(statement))
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
    let first = audit::seal(host, request, 0, audit::entry("sign_up", "allowed", None, origin))?;
    let now = first.at;
    let [index, previous_index] = host.pepper.email_indexes(&new.email);
    let account = Statement::new(
        "INSERT INTO accounts (id, email_index, email, salt, memory_kib, passes, lanes, login_verifier, account_key,
             recovery_verifier, account_key_by_recovery, manifest_version, manifest, created_at)
         VALUES (?1, coalesce((SELECT email_index FROM accounts WHERE email_index = ?14), ?2),
             ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, ?13)",
        [
            Value::from(&id),
            Value::from(&index),
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
            // An account of that address which is stored with the previous pepper is one, too.
            Value::from(&previous_index),
        ],
    );
    let usage = Statement::new("INSERT INTO usage (account, plan) VALUES (?1, 'free')", [Value::from(&id)]);
    let row = Statement::new(
        "INSERT INTO audit (account, seq, at, cost, request, entry, leaf) VALUES (?1, 1, ?2, 0, ?3, ?4, ?5)",
        [
            Value::from(&id),
            now.into(),
            Value::Text(request.clone()),
            first.entry.into(),
            Value::from(&first.leaf),
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

/// Counts a try, and compares a proof with what is stored of the account, in constant time.
async fn check_proof(
    host: &Host,
    caller: &Caller,
    ask: &Ask<'_>,
    proof: &OwnerProof,
) -> Result<(AccountId, Try), Refusal> {
    #[derive(Deserialize)]
    struct Stored {
        email_index: String,
        login_verifier: String,
        recovery_verifier: String,
    }
    let account = account_of(host, caller, ask).await?;
    let statement = Statement::new(
        "SELECT email_index, login_verifier, recovery_verifier FROM accounts WHERE id = ?1",
        [Value::from(&account)],
    );
    let stored: Stored = host.database.run(statement).await?.row()?.ok_or(Code::NotFound)?;
    let counted = tries::count(host, &stored.email_index, &Trier::Session(caller.token.id())).await?;
    let proven = match proof {
        OwnerProof::Login(login) => host.pepper.is_login(account, login, &stored.login_verifier),
        OwnerProof::Recovery(auth) => host.pepper.is_recovery(account, auth, &stored.recovery_verifier),
    };
    if proven { Ok((account, counted)) } else { Err(Code::LoginFailed.into()) }
}

/// Gives the account another passphrase, and another recovery code if one comes with it. Every other session ends.
///
/// # Errors
/// `login_failed` for a wrong proof, `too_many_requests`, or the caller's refusal.
pub async fn change_passphrase(host: &Host, caller: &Caller, new: NewPassphrase) -> Result<Written, Refusal> {
    let ask = Ask { action: "change_passphrase", owner_only: true, ..Ask::default() };
    let (account, counted) = check_proof(host, caller, &ask, &new.proof).await?;
    let changed = caller.guarded(
        concat!(
            "UPDATE accounts SET salt = ?4, memory_kib = ?5, passes = ?6, lanes = ?7, login_verifier = ?8, account_key = ?9
             WHERE id = ?3 AND ",
            permitted!()
        ),
        [
            Value::from(&account),
            Value::from(&new.kdf.salt),
            u64::from(new.kdf.memory_kib).into(),
            u64::from(new.kdf.passes).into(),
            u64::from(new.kdf.lanes).into(),
            Value::from(&host.pepper.login(account, &new.login)),
            ACCOUNT_KEY.seal(host, &account, new.account_key.as_bytes())?.into(),
        ],
    );
    let ended = caller.guarded(
        concat!(
            "DELETE FROM credentials WHERE account = ?3 AND class = 'session' AND id <> ?1 AND ",
            permitted!()
        ),
        [Value::from(&account)],
    );
    let mut statements = vec![changed, ended, counted.was_right()];
    if let Some(recovery) = &new.recovery {
        statements.push(caller.guarded(
            concat!(
                "UPDATE accounts SET recovery_verifier = ?4, account_key_by_recovery = ?5 WHERE id = ?3 AND ",
                permitted!()
            ),
            [
                Value::from(&account),
                Value::from(&host.pepper.recovery(account, &recovery.recovery)),
                ACCOUNT_KEY_BY_RECOVERY
                    .seal(host, &account, recovery.account_key_by_recovery.as_bytes())?
                    .into(),
            ],
        ));
    }
    decide_write(host, caller, ask, statements).await
}

/// Logs in with the recovery code: registers the session's token and answers what that code opens.
///
/// # Errors
/// `login_failed` and `too_many_requests`, the same for an unknown address and a wrong code.
pub async fn recover(
    host: &Host,
    request: &String,
    origin: &Origin,
    recover: Recover,
) -> Result<Recovered, Refusal> {
    #[derive(Deserialize)]
    struct Found {
        id: AccountId,
        email_index: String,
        recovery_verifier: String,
        email: String,
        account_key: String,
        account_key_by_recovery: String,
        manifest_version: u64,
        manifest: Blob,
    }
    let indexes = host.pepper.email_indexes(&recover.email);
    let [index, _] = &indexes;
    let trier = Trier::at_login(host, &recover.email, recover.device.as_ref(), origin);
    let counted = tries::count(host, &index.to_string(), &trier).await?;
    let statement = Statement::new(
        "SELECT id, email_index, recovery_verifier, email, account_key, account_key_by_recovery, manifest_version, manifest
         FROM accounts WHERE email_index IN (?1, ?2)",
        indexes.each_ref().map(Value::from),
    );
    let found: Option<Found> = host.database.run(statement).await?.row()?;
    // The same work for an address without an account.
    let (id, stored) = found
        .as_ref()
        .map_or((AccountId::from_bytes([0; 16]), ""), |found| (found.id, &found.recovery_verifier));
    let matches = host.pepper.is_recovery(id, &recover.recovery, stored);
    let Some(found) = found.filter(|_| matches) else { return Err(Code::LoginFailed.into()) };
    let verifier = host.pepper.recovery(id, &recover.recovery);
    let renewed = (*index.to_string() != *found.email_index || !verifier.matches(&found.recovery_verifier)).then(|| {
        Statement::new(
            "UPDATE accounts SET email_index = ?2, recovery_verifier = ?3 WHERE id = ?1 AND recovery_verifier = ?4",
            [Value::from(&id), Value::from(index), Value::from(&verifier), found.recovery_verifier.clone().into()],
        )
    });
    let columns = SealedColumns {
        email: &found.email,
        account_key: &found.account_key,
        account_key_by_recovery: &found.account_key_by_recovery,
    };
    let renewed = renewed.into_iter().chain(columns.renew(host, id)?).collect();
    register_session(host, request, origin, ("recover", &counted), id, &recover.session, renewed).await?;
    let wrapped = ACCOUNT_KEY_BY_RECOVERY.open(host, &id, &found.account_key_by_recovery)?;
    Ok(Recovered {
        account: id,
        account_key_by_recovery: Blob::from_sealed(wrapped.to_vec()),
        manifest: Versioned { version: found.manifest_version, blob: found.manifest },
        device: trier.device(host, &recover.email)?,
    })
}

/// Deletes an account, with everything in it.
///
/// # Errors
/// `login_failed` for a wrong proof, `too_many_requests`, or the caller's refusal.
pub async fn delete(host: &Host, caller: &Caller, deletion: DeleteAccount) -> Result<Written, Refusal> {
    let ask = Ask { action: "delete_account", owner_only: true, ..Ask::default() };
    let (account, counted) = check_proof(host, caller, &ask, &deletion.proof).await?;
    let deleted = caller
        .guarded(concat!("DELETE FROM accounts WHERE id = ?3 AND ", permitted!()), [Value::from(&account)]);
    decide_write(host, caller, ask, vec![deleted, counted.was_right()]).await
}
