//! Sessions: an owner's credential with an expiry, made by logging in.

use super::{
    Refusal,
    access::{Ask, Caller, NewCredential, Origin, decide, decide_write, permitted},
    accounts::{AccountRow, SealedColumns},
    audit,
    tries::{self, Trier, Try},
};
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::{
    AccessToken, AccountId, Code, Email, KeyId, Permissions,
    body::{Account, CredentialClass, Kdf, LogIn, Page, Session, Written},
};
use serde::Deserialize;

/// How long a session lasts, in seconds: half a day.
const LIFETIME: u64 = 12 * 60 * 60;

/// The key-stretching parameters of an address. One without an account gets the same made-up ones each time,
/// so that the answer does not tell which it is.
///
/// # Errors
/// Faults alone.
pub async fn pre_login(host: &Host, email: &Email) -> Result<Kdf, Refusal> {
    let statement = Statement::new(
        "SELECT salt, memory_kib, passes, lanes FROM accounts WHERE email_index IN (?1, ?2)",
        host.pepper.email_indexes(email).map(|index| Value::from(&index)),
    );
    let made_up = Kdf { salt: host.pepper.made_up_salt(email), memory_kib: 64 * 1024, passes: 3, lanes: 1 };
    Ok(host.database.run(statement).await?.row()?.unwrap_or(made_up))
}

#[derive(Deserialize)]
struct Found {
    #[serde(flatten)]
    account: AccountRow,
    login_verifier: String,
    email_index: String,
    email: String,
    account_key_by_recovery: String,
}

/// Logs in: registers the session's token and answers what the owner's client works with.
///
/// # Errors
/// `login_failed` and `too_many_requests`, the same for an unknown address and a wrong passphrase.
pub async fn log_in(
    host: &Host,
    request: &String,
    origin: &Origin,
    login: LogIn,
) -> Result<Account, Refusal> {
    let indexes = host.pepper.email_indexes(&login.email);
    let [index, _] = &indexes;
    let trier = Trier::at_login(host, &login.email, login.device.as_ref(), origin);
    let counted = tries::count(host, &index.to_string(), &trier).await?;
    let statement = Statement::new(
        "SELECT id, salt, memory_kib, passes, lanes, account_key, manifest_version, manifest, login_verifier, email_index,
             email, account_key_by_recovery
         FROM accounts WHERE email_index IN (?1, ?2)",
        indexes.each_ref().map(Value::from),
    );
    let found: Option<Found> = host.database.run(statement).await?.row()?;
    // The same work for an address without an account.
    let (id, stored) = found
        .as_ref()
        .map_or((AccountId::from_bytes([0; 16]), ""), |found| (found.account.id, &found.login_verifier));
    let matches = host.pepper.is_login(id, &login.login, stored);
    let Some(found) = found.filter(|_| matches) else { return Err(Code::LoginFailed.into()) };

    // What was made with the previous pepper is made anew while what it is made of is there.
    let verifier = host.pepper.login(id, &login.login);
    let renewed = (*index.to_string() != *found.email_index || !verifier.matches(&found.login_verifier)).then(|| {
        Statement::new(
            "UPDATE accounts SET email_index = ?2, login_verifier = ?3 WHERE id = ?1 AND login_verifier = ?4",
            [Value::from(&id), Value::from(index), Value::from(&verifier), found.login_verifier.clone().into()],
        )
    });
    let columns = SealedColumns {
        email: &found.email,
        account_key: &found.account.account_key,
        account_key_by_recovery: &found.account_key_by_recovery,
    };
    let renewed = renewed.into_iter().chain(columns.renew(host, id)?).collect();
    let expires_at =
        register_session(host, request, origin, ("log_in", &counted), id, &login.session, renewed).await?;
    let device = trier.device(host, &login.email)?;
    Ok(Account { device: Some(device), ..found.account.open(host, expires_at)? })
}

/// Registers a session's token, takes the try back that was right, and writes down that somebody logged in; `renewed` is
/// what is stored anew with it. Answers when the session ends.
pub(super) async fn register_session(
    host: &Host,
    request: &String,
    origin: &Origin,
    (action, counted): (&str, &Try),
    id: AccountId,
    token: &AccessToken,
    renewed: Vec<Statement>,
) -> Result<u64, Refusal> {
    let row = audit::seal(host, request, 0, audit::entry(action, "allowed", Some(token.id()), origin))?;
    let now = row.at;
    let expires_at = now + LIFETIME;
    let session = NewCredential {
        token,
        account: id,
        class: CredentialClass::Session,
        permissions: Permissions::default(),
        environments: String::new(),
        expires_at,
        addresses: String::new(),
    }
    .row(host);
    let audited = Statement::new(
        "INSERT INTO audit (account, seq, at, cost, request, entry, leaf, credential)
         SELECT account, seq + 1, ?2, 0, ?3, ?4, ?5, ?6 FROM usage WHERE account = ?1",
        [
            Value::from(&id),
            now.into(),
            Value::Text(request.clone()),
            row.entry.into(),
            Value::from(&row.leaf),
            Value::from(&token.id()),
        ],
    );
    let inserted = Statement::new(
        "INSERT INTO credentials (id, account, class, verifier, permissions, environments, expires_at, mac, created_at)
         VALUES (?1, ?2, 'session', ?3, 0, '', ?4, ?5, ?6)",
        [
            Value::from(&session.id),
            Value::from(&id),
            session.verifier.clone().into(),
            expires_at.into(),
            session.mac.clone().into(),
            now.into(),
        ],
    );
    let swept = Statement::new(
        "DELETE FROM credentials WHERE account = ?1 AND class = 'session' AND expires_at <= ?2",
        [Value::from(&id), now.into()],
    );
    let statements = [audited, inserted, swept, counted.was_right()];
    host.database.batch(statements.into_iter().chain(renewed).collect()).await?;
    Ok(expires_at)
}

/// The owner's sessions.
///
/// # Errors
/// The refusal.
pub async fn list(host: &Host, caller: &Caller) -> Result<Page<Session>, Refusal> {
    let ask = Ask { action: "sessions", owner_only: true, ..Ask::default() };
    let rows = caller.guarded(
        concat!(
            "SELECT id, created_at, expires_at FROM credentials
             WHERE account = (SELECT account FROM credentials WHERE id = ?1) AND class = 'session' AND ",
            permitted!(),
            " ORDER BY id"
        ),
        [],
    );
    let mut permit = decide(host, caller, ask, vec![rows]).await?;
    Ok(Page { items: permit.answer()?.rows()?, next: None })
}

/// Ends a session of the caller's account; its own, to log out.
///
/// # Errors
/// The refusal. A session that is not there is ended already.
pub async fn end(host: &Host, caller: &Caller, id: KeyId) -> Result<Written, Refusal> {
    let ask = Ask { action: "end_session", owner_only: true, ..Ask::default() };
    let deleted = caller.guarded(
        concat!(
            "DELETE FROM credentials WHERE id = ?3 AND class = 'session'
             AND account = (SELECT account FROM credentials WHERE id = ?1) AND ",
            permitted!()
        ),
        [Value::from(&id)],
    );
    decide_write(host, caller, ask, vec![deleted]).await
}
