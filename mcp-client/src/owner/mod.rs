//! The owner's side: sign-up, log-in, and the account manifest. The account key is held for the length of a
//! command and stored nowhere.

mod keys;
mod projects;
mod recovery;
mod rotation;

pub use recovery::recover;

use crate::{
    audit::memory,
    config::{AccountFile, VaultAddress, person_vault},
    environment::{Client, Environment},
    error::{Error, Kind, Result},
    remote::Remote,
    terminal,
};
use protocol::{
    AccessToken, AccountId, Code, Email, KeyId,
    body::{Account, Device, Environments, Kdf, LogIn, PreLogin, SignUp, Versioned, Written},
};
use sealing::{
    AccountKey, AccountManifest, EnvironmentKey, EnvironmentNames, EnvironmentRecord, Passphrase, Pin,
    RecoveryCode, Stretched, make_id, make_session,
};
use std::time::{SystemTime, UNIX_EPOCH};

/// An owner with the account key in hand.
pub struct Owner {
    /// Requests with the session.
    pub remote: Remote,
    key: AccountKey,
    manifest: AccountManifest,
    file: AccountFile,
}

/// Makes an account and logs in. The recovery code is the caller's to show, once.
///
/// # Errors
/// `email_taken`, or that the vault cannot be reached; nothing is written then.
pub fn sign_up(vault: VaultAddress, email: Email, passphrase: &Passphrase) -> Result<RecoveryCode> {
    let account = AccountId::from_bytes(make_id()?);
    let key = AccountKey::make(account)?;
    let recovery = RecoveryCode::make()?;
    let stretched = stretch(passphrase, &Passphrase::make_kdf()?)?;
    let manifest = key.seal_manifest(&AccountManifest::first())?;
    let remote = Remote::new(vault.clone());
    let body = SignUp {
        account,
        email: email.clone(),
        kdf: *stretched.kdf(),
        login: stretched.login().clone(),
        account_key: key.wrap_by_passphrase(&email, &stretched)?,
        recovery: recovery.derive_auth(),
        account_key_by_recovery: key.wrap_by_recovery(&recovery)?,
        manifest: manifest.clone(),
    };
    let () = remote.post("/v1/accounts", &body)?;
    let (session, opened) = open_session(&remote, &email, &stretched)?;
    write_account_file(&vault, email, account, Pin::of(&manifest), (session, opened.device))?;
    Ok(recovery)
}

/// Logs in on this machine.
///
/// # Errors
/// `login_failed`, or that the vault's answer is not trusted.
pub fn log_in(vault: VaultAddress, email: Email, passphrase: &Passphrase) -> Result<()> {
    let remote = Remote::new(vault.clone());
    let kdf: Kdf = remote.post("/v1/prelogin", &PreLogin { email: email.clone() })?;
    let stretched = stretch(passphrase, &kdf)?;
    let (session, account) = open_session(&remote, &email, &stretched)?;
    let key = AccountKey::unwrap_by_passphrase(account.account, &email, &stretched, &account.account_key)?;
    key.open_manifest(&account.manifest)?;
    // What this machine has seen of the account stays seen.
    if let Some(known) = AccountFile::read()?.filter(|known| known.account == account.account) {
        known.pin().admits(&account.manifest)?;
    }
    write_account_file(&vault, email, account.account, Pin::of(&account.manifest), (session, account.device))
}

/// Ends this machine's session. The account stays known.
///
/// # Errors
/// When nobody is logged in, or the vault cannot be reached.
pub fn log_out() -> Result<()> {
    let Some(mut file) = AccountFile::read()? else { return Err(nobody()) };
    if let Some(session) = file.session.take() {
        let remote =
            Remote::new(VaultAddress::new(&file.vault_url, file.audience.as_deref())?).with(&session);
        match remote.delete::<Written>(&format!("/v1/sessions/{}", session.id())) {
            Err(error) if !matches!(error.code, Some(Code::Unauthenticated | Code::KeyExpired)) => {
                return Err(error);
            }
            _ => {}
        }
    }
    file.write()
}

/// Seconds since 1970, by this machine's clock.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn nobody() -> Error {
    Error::local(
        "nobody is logged in on this machine",
        "run `securecode login --email E`, or `securecode signup`",
    )
}

fn stretch(passphrase: &Passphrase, kdf: &Kdf) -> Result<Stretched> {
    passphrase.stretch(kdf).map_err(|error| {
        Error::new(Kind::Distrusted, error.to_string(), "do not use this vault before its operator explains")
    })
}

fn open_session(remote: &Remote, email: &Email, stretched: &Stretched) -> Result<(AccessToken, Account)> {
    let session = make_session()?;
    let body = LogIn {
        email: email.clone(),
        login: stretched.login().clone(),
        session: session.clone(),
        device: AccountFile::device(remote.address(), email)?,
    };
    let account = remote.post("/v1/sessions", &body)?;
    Ok((session, account))
}

fn write_account_file(
    vault: &VaultAddress,
    email: Email,
    account: AccountId,
    pin: Pin,
    (session, device): (AccessToken, Option<Device>),
) -> Result<()> {
    let mut file = AccountFile {
        vault_url: vault.url.clone(),
        audience: vault.named_audience(),
        email,
        account,
        manifest_version: 0,
        manifest_digest: String::new(),
        session: Some(session),
        device,
    };
    file.set_pin(pin);
    file.write()
}

impl Owner {
    /// Unlocks the account of this machine: asks for the passphrase, or reads `SECURECODE_PASSPHRASE`.
    ///
    /// # Errors
    /// When nobody is logged in, the passphrase is wrong, or the vault's answer is not trusted.
    pub fn unlock(vault_url: Option<&str>) -> Result<Self> {
        Self::unlock_with(vault_url, &terminal::passphrase()?)
    }

    /// The same, with this passphrase.
    ///
    /// # Errors
    /// As [`Owner::unlock`].
    pub fn unlock_with(vault_url: Option<&str>, passphrase: &Passphrase) -> Result<Self> {
        let mut file = AccountFile::read()?.ok_or_else(nobody)?;
        let vault = match vault_url {
            Some(_) => person_vault(vault_url)?,
            None => VaultAddress::new(&file.vault_url, file.audience.as_deref())?,
        };
        let served = match &file.session {
            Some(session) => Remote::new(vault.clone()).with(session).get::<Account>("/v1/account").map(Some),
            None => Ok(None),
        };
        let (account, stretched, session) = match served {
            Ok(Some(account)) => {
                let stretched = stretch(passphrase, &account.kdf)?;
                let session = file.session.clone().ok_or_else(nobody)?;
                (account, stretched, session)
            }
            Err(error) if !matches!(error.code, Some(Code::Unauthenticated | Code::KeyExpired)) => {
                return Err(error);
            }
            _ => {
                let remote = Remote::new(vault.clone());
                let kdf: Kdf = remote.post("/v1/prelogin", &PreLogin { email: file.email.clone() })?;
                let stretched = stretch(passphrase, &kdf)?;
                let (session, account) = open_session(&remote, &file.email, &stretched)?;
                (account, stretched, session)
            }
        };
        if account.account != file.account {
            return Err(Error::new(
                Kind::Distrusted,
                "the vault answered with another account than this machine's",
                "do not use this vault before its operator explains",
            ));
        }
        let key = AccountKey::unwrap_by_passphrase(
            file.account,
            &file.email,
            &stretched,
            &account.account_key,
        )
        .map_err(|_| {
            Error::new(
                Kind::Refused,
                "the account key does not open: the passphrase is wrong, or the vault altered the account",
                "check the passphrase and try again",
            )
        })?;
        file.pin().admits(&account.manifest)?;
        let manifest = key.open_manifest(&account.manifest)?;
        file.session = Some(session.clone());
        file.device = account.device.or(file.device);
        file.set_pin(Pin::of(&account.manifest));
        file.write()?;
        Ok(Self { remote: Remote::new(vault).with(&session), key, manifest, file })
    }

    /// The owner's own record.
    pub fn manifest(&self) -> &AccountManifest {
        &self.manifest
    }

    /// Writes with the manifest that results of `edit`: `send` is given it, sealed. It is pinned when the vault
    /// has it.
    fn write(
        &mut self,
        edit: impl FnOnce(&mut AccountManifest),
        send: impl FnOnce(&Remote, Versioned) -> Result<Written>,
    ) -> Result<()> {
        let mut next = self.manifest.next();
        edit(&mut next);
        next.sort();
        let sealed = self.key.seal_manifest(&next)?;
        let written = send(&self.remote, sealed.clone())?;
        memory::keep(self.key.account(), written.receipt);
        self.manifest = next;
        self.file.set_pin(Pin::of(&sealed));
        self.file.write()
    }

    /// An environment, opened by its owner's own record.
    ///
    /// # Errors
    /// That the vault's answer is not trusted.
    pub fn open_environment(&self, record: &EnvironmentRecord) -> Result<Client> {
        let mut opened = self.environment_keys(std::slice::from_ref(record))?;
        let (_, key, names) = opened.pop().ok_or(sealing::TrustError::Missing)?;
        let environment = Environment::new(key, record.generation, names);
        Ok(Client::of_owner(self.remote.clone(), environment))
    }

    /// The keys of these environments, in order, each checked against the owner's own record.
    fn environment_keys(
        &self,
        records: &[EnvironmentRecord],
    ) -> Result<Vec<(EnvironmentRecord, EnvironmentKey, EnvironmentNames)>> {
        let served: Environments = self.remote.get("/v1/environments")?;
        let open = |record: &EnvironmentRecord| {
            let (key, names) = self.key.open_environment(record, &served.environments)?;
            Ok((record.clone(), key, names))
        };
        records.iter().map(open).collect()
    }

    /// The account's address.
    pub fn email(&self) -> &Email {
        &self.file.email
    }

    /// The session that this command asks with.
    pub fn session(&self) -> Option<KeyId> {
        self.file.session.as_ref().map(AccessToken::id)
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.key.account()
    }

    /// The address of the vault, as the account has it.
    pub fn vault(&self) -> VaultAddress {
        self.remote.address().clone()
    }
}
