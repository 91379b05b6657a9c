//! Who may do what: the one place where a credential is checked, and the one place where an audit row is
//! written for it. They are one SQL statement, so that no audit row means no answer.
//!
//! [`Caller`] is who asks, [`Ask`] is what for. A [`Permit`] comes of a decision alone and holds what was read
//! or written with it; nothing else yields sealed data.

use super::{
    Refusal,
    audit::{Entry, SealedRow},
    pepper::CredentialRow,
};
use crate::{
    database::{Answer, Statement, Value},
    host::Host,
    log::{Event, Level},
};
use protocol::{
    AccessToken, AccountId, Blob, Code, EnvironmentId, KeyId, NameIndex, Permission, Permissions,
    body::{CredentialClass, How, Receipt, Versioned, Written},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::net::IpAddr;

/// Who asks, and from where. Made from a request in `http/caller.rs` and nowhere else.
#[derive(Debug)]
pub struct Caller {
    /// The token as presented; nothing is known of it yet.
    pub token: AccessToken,
    /// The request's id: 32 random hex digits of the vault's own.
    pub request: String,
    /// Where it came from, for the audit row.
    pub origin: Origin,
}

/// Where a request came from, as far as the host can tell.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The network address.
    pub address: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The coding agent that the client works for.
    pub agent: Option<String>,
}

impl Origin {
    fn parsed_address(&self) -> Option<IpAddr> {
        self.address.as_ref().and_then(|text| text.parse().ok())
    }

    /// The address as far as limits tell addresses apart; empty when it is not known, so that all such are one.
    pub fn network(&self) -> String {
        self.parsed_address().map(protocol::address::network).unwrap_or_default()
    }

    /// The address as credentials' ranges have theirs; empty when it is not known, which no range holds.
    fn sortable_address(&self) -> String {
        self.parsed_address().map(protocol::address::sortable).unwrap_or_default()
    }
}

/// What is asked for, and what that takes.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// The word for it in the audit log.
    pub action: &'static str,
    /// Why a secret is read.
    pub how: Option<How>,
    /// What it happens in.
    pub scope: Scope,
    /// Which secrets; none for a whole environment.
    pub secrets: Vec<NameIndex>,
    /// How many of the day's reads it counts for.
    pub cost: u64,
    /// What an API key must be permitted.
    pub needs: &'static [Permission],
    /// Whether only the owner's session may.
    pub owner_only: bool,
    /// Which secrets it takes away. Where the owner laid down a policy for one, or made it a canary, only a session may: of
    /// what is deleted no policy is kept, so an API key could put it back without.
    pub deletes: &'a [NameIndex],
    /// The account manifest that it writes: its version must be the next.
    pub manifest: Option<&'a Versioned>,
    /// The environment manifest's root that it writes: its version must be the next.
    pub root: Option<&'a Versioned>,
}

impl Ask<'_> {
    /// As SQL takes them.
    fn deleted_names(&self) -> Result<Value, Refusal> {
        if self.deletes.is_empty() {
            return Ok(Value::Null);
        }
        let names = serde_json::to_string(self.deletes).map_err(|error| Refusal::Fault(error.to_string()))?;
        Ok(names.into())
    }
}

/// What an [`Ask`] happens in.
#[derive(Debug, Default, Clone, Copy)]
pub enum Scope {
    /// The account.
    #[default]
    Account,
    /// One environment.
    Environment(EnvironmentId),
    /// The credential's environment, if it has exactly one.
    OnlyEnvironment,
}

impl Scope {
    fn environment(self) -> Option<EnvironmentId> {
        match self {
            Self::Environment(id) => Some(id),
            Self::Account | Self::OnlyEnvironment => None,
        }
    }
}

/// Tenths of a second that a credential may be ahead of the pace of 600 requests a minute: a burst of 300
/// (the number in [`decision!`]).
const BURST: u64 = 300;

/// The decision and its audit row. Every credential is checked by this text, and by no other.
///
/// ?1 credential, ?2 and ?3 verifiers, ?4 now, ?5 cost, ?6 request, ?7 sealed entry, ?8 permission bits,
/// ?9 environment, ?10 owner only, ?11 next account manifest, ?12 next root, ?13 only environment, ?14 address,
/// ?15 leaf, ?16 names of secrets to delete.
/// Numbers may arrive as REAL (D1), so what is divided is cast.
macro_rules! decision {
    ($returning:literal) => {
        concat!(
            "INSERT INTO audit (account, seq, at, cost, request, entry, leaf, credential)
             SELECT c.account, u.seq + 1, ?4, ?5, ?6, ?7, ?15, c.id
             FROM credentials c
             JOIN usage u ON u.account = c.account
             LEFT JOIN environments e ON e.account = c.account AND e.id = coalesce(?9,
                 CASE WHEN ?13 = 1 AND c.class = 'key' AND length(c.environments) = 32 THEN c.environments END)
             WHERE c.id = ?1 AND c.verifier IN (?2, ?3)
               AND c.revoked_at = 0 AND (c.expires_at = 0 OR c.expires_at > ?4)
               AND (c.addresses = '' OR EXISTS (SELECT 1 FROM json_each(nullif(c.addresses, '')) r
                   WHERE ?14 BETWEEN r.value ->> 'first' AND r.value ->> 'last'))
               AND c.paced - ?4 * 10 < 300
               AND (c.class = 'session' OR (c.permissions & ?8) = ?8)
               AND (?10 = 0 OR c.class = 'session')
               AND (?9 IS NULL OR (e.id IS NOT NULL AND (c.class = 'session' OR instr(c.environments, ?9) > 0)))
               AND (?13 = 0 OR e.id IS NOT NULL)
               AND (?5 = 0 OR u.day <> CAST(?4 AS INTEGER) / 86400 OR u.reads + ?5 <= u.reads_allowed)
               AND (?11 IS NULL OR ?11 = 1 + (SELECT manifest_version FROM accounts WHERE id = c.account))
               AND (?12 IS NULL OR ?12 = 1 + e.root_version)
               AND (?16 IS NULL OR c.class = 'session' OR NOT EXISTS (SELECT 1 FROM secrets
                   WHERE environment = ?9 AND policy IS NOT NULL AND name_index IN (SELECT value FROM json_each(?16))))
             RETURNING seq,
               (SELECT json_object('id', id, 'account', account, 'class', class, 'permissions', permissions,
                    'environments', environments, 'expires_at', expires_at, 'revoked_at', revoked_at,
                    'addresses', addresses, 'verifier', verifier, 'mac', mac) FROM credentials WHERE id = ?1) AS credential",
            $returning
        )
    };
}
pub(super) use decision;

/// The condition of every later statement of a decision's batch: this request's audit row is the newest of the
/// account. ?1 credential, ?2 request.
macro_rules! permitted {
    () => {
        "EXISTS (SELECT 1 FROM credentials pc JOIN usage pu ON pu.account = pc.account
         JOIN audit pa ON pa.account = pu.account AND pa.seq = pu.seq WHERE pc.id = ?1 AND pa.request = ?2)"
    };
}
pub(super) use permitted;

impl Caller {
    /// A statement that does nothing unless this caller's decision was made in the same batch. Its text must
    /// hold [`permitted!`], for which ?1 and ?2 are put before `parameters`.
    pub(super) fn guarded(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Value>,
    ) -> Statement {
        debug_assert!(sql.contains(permitted!()), "a guarded statement holds its guard");
        let own = [Value::from(&self.token.id()), Value::Text(self.request.clone())];
        Statement::new(sql, own.into_iter().chain(parameters).collect::<Vec<_>>())
    }
}

/// Proof that a caller was allowed what it asked, with what came of it. Only a decision makes one.
pub struct Permit {
    receipt: Receipt,
    credential: CredentialRow,
    decided: Answer,
    answers: std::vec::IntoIter<Answer>,
}

impl Permit {
    /// Of the audit row.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The caller's credential, whose MAC was right.
    pub fn credential(&self) -> &CredentialRow {
        &self.credential
    }

    /// What the decision itself returned beside the credential.
    ///
    /// # Errors
    /// When it is not of the expected form: a fault.
    pub fn decided<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        self.decided.row()?.ok_or_else(|| Refusal::Fault("a decision returned no row".into()))
    }

    /// The answer of the batch's next statement.
    ///
    /// # Errors
    /// When there is none: a fault.
    pub fn answer(&mut self) -> Result<Answer, Refusal> {
        self.answers.next().ok_or_else(|| Refusal::Fault("a batch answered too little".into()))
    }
}

/// Reads: decides, audits, and runs `then` in one atomic batch.
///
/// # Errors
/// The refusal, which has then been audited if the token was a real one.
pub(super) async fn decide(
    host: &Host,
    caller: &Caller,
    ask: Ask<'_>,
    then: Vec<Statement>,
) -> Result<Permit, Refusal> {
    run(host, caller, &ask, decision!(""), vec![], then).await?.permit()
}

/// Reads in the decision's own statement: `sql` is [`decision!`] with more to return, `more` its ?17 and on.
///
/// # Errors
/// As [`decide`].
pub(super) async fn decide_with(
    host: &Host,
    caller: &Caller,
    ask: Ask<'_>,
    sql: &'static str,
    more: Vec<Value>,
) -> Result<Permit, Refusal> {
    run(host, caller, &ask, sql, more, vec![]).await?.permit()
}

/// Writes: as [`decide`], but the very write that was made last answers well again, so that it may be repeated.
///
/// # Errors
/// As [`decide`].
pub(super) async fn decide_write(
    host: &Host,
    caller: &Caller,
    ask: Ask<'_>,
    then: Vec<Statement>,
) -> Result<Written, Refusal> {
    match run(host, caller, &ask, decision!(""), vec![], then).await? {
        Decided::Permitted(permit) => Ok(Written { receipt: Some(permit.receipt) }),
        Decided::Repeated => Ok(Written { receipt: None }),
    }
}

enum Decided {
    Permitted(Box<Permit>),
    /// The write had been made before, by this very request's content.
    Repeated,
}

impl Decided {
    fn permit(self) -> Result<Permit, Refusal> {
        match self {
            Self::Permitted(permit) => Ok(*permit),
            Self::Repeated => Err(Code::ManifestOutdated.into()),
        }
    }
}

#[derive(Deserialize)]
struct Row {
    seq: u64,
    #[serde(deserialize_with = "json_text")]
    credential: CredentialRow,
}

async fn run(
    host: &Host,
    caller: &Caller,
    ask: &Ask<'_>,
    sql: &'static str,
    more: Vec<Value>,
    then: Vec<Statement>,
) -> Result<Decided, Refusal> {
    let row = seal_entry(host, caller, ask, ask.cost, "allowed")?;
    let [current, previous] = host.pepper.verifiers(&caller.token);
    let needs: Permissions = ask.needs.iter().copied().collect();
    let mut parameters = vec![
        Value::from(&caller.token.id()),
        Value::from(&current),
        Value::from(&previous),
        row.at.into(),
        ask.cost.into(),
        Value::Text(caller.request.clone()),
        row.entry.into(),
        u64::from(needs.bits()).into(),
        Value::from(ask.scope.environment().as_ref().map(Value::from)),
        u64::from(ask.owner_only).into(),
        ask.manifest.map(|next| next.version).into(),
        ask.root.map(|next| next.version).into(),
        u64::from(matches!(ask.scope, Scope::OnlyEnvironment)).into(),
        Value::Text(caller.origin.sortable_address()),
        Value::from(&row.leaf),
        ask.deleted_names()?,
    ];
    parameters.extend(more);
    let decision = Statement { sql, parameters };
    let answers = if then.is_empty() {
        host.database.run(decision).await.map(|answer| vec![answer])
    } else {
        host.database.batch(std::iter::once(decision).chain(then).collect()).await
    };
    let mut answers = match answers {
        Ok(answers) => answers.into_iter(),
        Err(error) => {
            let refusal = Refusal::from(error);
            record(host, caller, ask, &refusal).await;
            return Err(refusal);
        }
    };
    let decided = answers.next().ok_or_else(|| Refusal::Fault("a batch answered nothing".into()))?;
    let Some(found) = decided.row::<Row>()? else {
        return explain(host, caller, ask).await;
    };
    check_genuine(host, caller, &found.credential)?;
    let credential = renew(host, caller, found.credential).await;
    let receipt = Receipt { seq: found.seq, leaf: row.leaf };
    Ok(Decided::Permitted(Box::new(Permit { receipt, credential, decided, answers })))
}

/// Stores a credential anew that was made with the previous pepper. It is the caller's own that is there meanwhile;
/// where this fails, its next request tries again.
async fn renew(host: &Host, caller: &Caller, stored: CredentialRow) -> CredentialRow {
    let Some(renewed) = host.pepper.renew(&caller.token, &stored) else { return stored };
    let statement = Statement::new(
        "UPDATE credentials SET verifier = ?2, mac = ?3 WHERE id = ?1 AND mac = ?4 RETURNING id",
        [
            Value::from(&renewed.id),
            renewed.verifier.clone().into(),
            renewed.mac.clone().into(),
            stored.mac.clone().into(),
        ],
    );
    let done = host.database.run(statement).await.and_then(|answer| answer.row::<serde::de::IgnoredAny>());
    if matches!(done, Ok(Some(_))) { renewed } else { stored }
}

/// Whether the row that SQL found is the caller's and as the vault wrote it: the verifier once more, in constant
/// time, and the row's MAC. A row that is not withholds everything and alerts the operator.
fn check_genuine(host: &Host, caller: &Caller, row: &CredentialRow) -> Result<(), Refusal> {
    let its_own = host.pepper.verifiers(&caller.token).iter().any(|verifier| verifier.matches(&row.verifier));
    if its_own & host.pepper.vouches_for(row) {
        return Ok(());
    }
    Err(alert_of_mac(host, caller, row.id))
}

/// Somebody else than the vault wrote to the database.
pub(super) fn alert_of_mac(host: &Host, caller: &Caller, credential: KeyId) -> Refusal {
    (host.log)(&Event {
        request: Some(&caller.request),
        credential: Some(credential.to_string()),
        ..Event::new(Level::Alert, "the MAC of a credential's row does not verify")
    });
    Code::IntegrityFailure.into()
}

#[derive(Deserialize)]
struct Standing {
    #[serde(deserialize_with = "json_text")]
    credential: CredentialRow,
    day: u64,
    reads: u64,
    reads_allowed: u64,
    address_allowed: u64,
    paced: u64,
    environment: Option<EnvironmentId>,
    root: Option<Blob>,
    manifest: Blob,
    deletes_held: u64,
}

/// Why a decision was not made. The text is the decision's look-up without its conditions, so a wrong token
/// finds nothing here either, and nothing is written for it.
async fn explain(host: &Host, caller: &Caller, ask: &Ask<'_>) -> Result<Decided, Refusal> {
    let [current, previous] = host.pepper.verifiers(&caller.token);
    let statement = Statement::new(
        "SELECT json_object('id', c.id, 'account', c.account, 'class', c.class, 'permissions', c.permissions,
             'environments', c.environments, 'expires_at', c.expires_at, 'revoked_at', c.revoked_at,
             'addresses', c.addresses, 'verifier', c.verifier, 'mac', c.mac) AS credential,
             u.day, u.reads, u.reads_allowed, e.id AS environment, e.root, a.manifest, c.paced,
             c.addresses = '' OR EXISTS (SELECT 1 FROM json_each(nullif(c.addresses, '')) r
                 WHERE ?5 BETWEEN r.value ->> 'first' AND r.value ->> 'last') AS address_allowed,
             EXISTS (SELECT 1 FROM secrets s WHERE s.environment = ?4 AND s.policy IS NOT NULL
                 AND s.name_index IN (SELECT value FROM json_each(?6))) AS deletes_held
         FROM credentials c JOIN usage u ON u.account = c.account
         JOIN accounts a ON a.id = c.account LEFT JOIN environments e ON e.account = c.account AND e.id = ?4
         WHERE c.id = ?1 AND c.verifier IN (?2, ?3)",
        [
            Value::from(&caller.token.id()),
            Value::from(&current),
            Value::from(&previous),
            Value::from(ask.scope.environment().as_ref().map(Value::from)),
            Value::Text(caller.origin.sortable_address()),
            ask.deleted_names()?,
        ],
    );
    let standing: Option<Standing> = host.database.run(statement).await?.row()?;
    let Some(standing) = standing else { return Err(Code::Unauthenticated.into()) };
    let credential = &standing.credential;
    check_genuine(host, caller, credential)?;
    let now = host.now();
    let code = refusal_of(now, ask, &standing);
    if code == Code::TooManyRequests {
        // Not audited: a row for each would make a flood cost more than what it asks for.
        return Err(Refusal::Later(code, (standing.paced + 1).saturating_sub(now * 10 + BURST).div_ceil(10)));
    }
    if code == Code::ManifestOutdated {
        let same = |next: Option<&Versioned>, stored: Option<&Blob>| {
            next.is_none_or(|next| Some(&next.blob) == stored)
        };
        if same(ask.manifest, Some(&standing.manifest)) && same(ask.root, standing.root.as_ref()) {
            return Ok(Decided::Repeated);
        }
    }
    let refusal = match code {
        Code::ReadsExhausted => Refusal::Later(code, 86400 - now % 86400),
        code => Refusal::Because(code),
    };
    record(host, caller, ask, &refusal).await;
    Err(refusal)
}

fn refusal_of(now: u64, ask: &Ask<'_>, standing: &Standing) -> Code {
    let credential = &standing.credential;
    let owner = credential.class == CredentialClass::Session;
    let permitted = Permissions::from_bits(credential.permissions).unwrap_or_default();
    let in_scope = match ask.scope {
        Scope::Account => true,
        Scope::Environment(id) => {
            standing.environment.is_some()
                && (owner || credential.environments.split(' ').any(|one| one == id.to_string()))
        }
        Scope::OnlyEnvironment => !owner && credential.environments.len() == 32,
    };
    if credential.revoked_at != 0 {
        Code::KeyRevoked
    } else if credential.expires_at != 0 && credential.expires_at <= now {
        Code::KeyExpired
    } else if standing.address_allowed == 0 {
        Code::AddressNotAllowed
    } else if standing.paced >= now * 10 + BURST {
        Code::TooManyRequests
    } else if ask.owner_only && !owner {
        Code::OwnerRequired
    } else if !owner && !ask.needs.iter().all(|one| permitted.has(*one)) {
        Code::PermissionMissing
    } else if !in_scope {
        match ask.scope {
            Scope::OnlyEnvironment => Code::EnvironmentAmbiguous,
            Scope::Account | Scope::Environment(_) => Code::EnvironmentOutOfScope,
        }
    } else if !owner && standing.deletes_held != 0 {
        Code::OwnerRequired
    } else if ask.cost > 0
        && standing.day == now / 86400
        && standing.reads + ask.cost > standing.reads_allowed
    {
        Code::ReadsExhausted
    } else if ask.manifest.is_some() || ask.root.is_some() {
        Code::ManifestOutdated
    } else {
        // Nothing is wrong now: it changed between the decision and this look.
        Code::Unavailable
    }
}

/// Revokes the API key that read a canary, writes down that it did, and answers the refusal. Until that is stored
/// nothing is given out either.
pub(super) async fn spring_canary(
    host: &Host,
    caller: &Caller,
    permit: &Permit,
    environment: EnvironmentId,
    index: NameIndex,
) -> Refusal {
    let stored = permit.credential();
    let revoked = CredentialRow { revoked_at: host.now().max(1), ..stored.clone() };
    let ask = Ask {
        action: "canary",
        scope: Scope::Environment(environment),
        secrets: vec![index],
        ..Ask::default()
    };
    let row = match seal_entry(host, caller, &ask, 0, &Code::CanaryRead.to_string()) {
        Ok(row) => row,
        Err(refusal) => return refusal,
    };
    let locked = Statement::new(
        "UPDATE credentials SET revoked_at = ?2, mac = ?3, verifier = ?4 WHERE id = ?1 AND revoked_at = 0",
        [
            Value::from(&revoked.id),
            revoked.revoked_at.into(),
            host.pepper.row_mac(&revoked).into(),
            revoked.verifier.clone().into(),
        ],
    );
    let ungranted = Statement::new("DELETE FROM grants WHERE credential = ?1", [Value::from(&revoked.id)]);
    let audited = Statement::new(
        "INSERT INTO audit (account, seq, at, cost, request, entry, leaf, credential)
         SELECT account, seq + 1, ?2, 0, ?3, ?4, ?5, ?6 FROM usage WHERE account = ?1",
        [
            Value::from(&revoked.account),
            row.at.into(),
            Value::Text(caller.request.clone()),
            row.entry.into(),
            Value::from(&row.leaf),
            Value::from(&revoked.id),
        ],
    );
    (host.log)(&Event {
        request: Some(&caller.request),
        credential: Some(revoked.id.to_string()),
        ..Event::new(Level::Alert, "a key read a canary and is revoked")
    });
    match host.database.batch(vec![locked, ungranted, audited]).await {
        Ok(_) => Code::CanaryRead.into(),
        Err(error) => error.into(),
    }
}

/// Writes the audit row of a refusal, if the token is a real one. The refusal stands even if this fails.
async fn record(host: &Host, caller: &Caller, ask: &Ask<'_>, refusal: &Refusal) {
    let result = match refusal {
        Refusal::Because(code) | Refusal::Later(code, _) => code.to_string(),
        Refusal::Quota(_) => Code::QuotaExceeded.to_string(),
        Refusal::Invalid(_) => Code::InvalidRequest.to_string(),
        Refusal::Fault(_) => Code::Internal.to_string(),
    };
    let Ok(row) = seal_entry(host, caller, ask, 0, &result) else { return };
    let [current, previous] = host.pepper.verifiers(&caller.token);
    let statement = Statement::new(
        "INSERT INTO audit (account, seq, at, cost, request, entry, leaf, credential)
         SELECT c.account, u.seq + 1, ?4, 0, ?5, ?6, ?7, c.id FROM credentials c JOIN usage u ON u.account = c.account
         WHERE c.id = ?1 AND c.verifier IN (?2, ?3)",
        [
            Value::from(&caller.token.id()),
            Value::from(&current),
            Value::from(&previous),
            row.at.into(),
            Value::Text(caller.request.clone()),
            row.entry.into(),
            Value::from(&row.leaf),
        ],
    );
    if let Err(error) = host.database.run(statement).await {
        (host.log)(&Event {
            request: Some(&caller.request),
            cause: Some(&error.to_string()),
            ..Event::new(Level::Error, "a refusal was not audited")
        });
    }
}

fn seal_entry(
    host: &Host,
    caller: &Caller,
    ask: &Ask<'_>,
    cost: u64,
    result: &str,
) -> Result<SealedRow, Refusal> {
    let entry = Entry {
        how: ask.how,
        environment: ask.scope.environment(),
        secrets: ask.secrets.clone(),
        ..super::audit::entry(ask.action, result, Some(caller.token.id()), &caller.origin)
    };
    super::audit::seal(host, &caller.request, cost, entry)
}

/// Reads a column that holds JSON text, as `json_object` makes it.
pub(super) fn json_text<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    serde_json::from_str(&text).map_err(serde::de::Error::custom)
}

/// As [`json_text`], of a column that may be NULL.
pub(super) fn json_text_or_null<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| serde_json::from_str(&text).map_err(serde::de::Error::custom)).transpose()
}

/// The environments of a credential's scope, as they stand in its row.
pub(super) fn scope_text(environments: impl IntoIterator<Item = EnvironmentId>) -> String {
    environments.into_iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
}

/// The owner's account, before anything else of an owner's request is looked at: for what has to be known of it to
/// write the request's statements. Decides nothing; whoever is no owner is refused as the decision would.
pub(super) async fn account_of(host: &Host, caller: &Caller, ask: &Ask<'_>) -> Result<AccountId, Refusal> {
    #[derive(Deserialize)]
    struct Found {
        account: AccountId,
    }
    let [current, previous] = host.pepper.verifiers(&caller.token);
    let statement = Statement::new(
        "SELECT account FROM credentials WHERE id = ?1 AND verifier IN (?2, ?3) AND class = 'session'
         AND revoked_at = 0 AND expires_at > ?4",
        [Value::from(&caller.token.id()), Value::from(&current), Value::from(&previous), host.now().into()],
    );
    let found: Option<Found> = host.database.run(statement).await?.row()?;
    match found {
        Some(found) => Ok(found.account),
        None => match explain(host, caller, ask).await? {
            Decided::Permitted(_) | Decided::Repeated => Err(Code::OwnerRequired.into()),
        },
    }
}

/// What a new credential is to be.
pub(super) struct NewCredential<'a> {
    pub(super) token: &'a AccessToken,
    pub(super) account: AccountId,
    pub(super) class: CredentialClass,
    pub(super) permissions: Permissions,
    pub(super) environments: String,
    pub(super) expires_at: u64,
    pub(super) addresses: String,
}

impl NewCredential<'_> {
    /// Its row, with its MAC.
    pub(super) fn row(self, host: &Host) -> CredentialRow {
        let mut row = CredentialRow {
            id: self.token.id(),
            account: self.account,
            class: self.class,
            permissions: self.permissions.bits(),
            environments: self.environments,
            expires_at: self.expires_at,
            revoked_at: 0,
            addresses: self.addresses,
            verifier: host.pepper.verifier(self.token).to_string(),
            mac: String::new(),
        };
        row.mac = host.pepper.row_mac(&row);
        row
    }
}
