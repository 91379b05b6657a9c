//! The owner's side: sign-up, log-in, and the account manifest. The account key is held for the length of a
//! command and stored nowhere.

use crate::{
    config::{AccountFile, VaultAddress, person_vault},
    environment::{Client, Environment},
    error::{Error, Kind, Result},
    remote::Remote,
    terminal,
};
use protocol::{
    AccessToken, AccountId, AddressRange, Blob, Code, Email, EnvironmentId, KeyId, Label, Permission,
    Permissions, ProjectId,
    body::{
        Account, Environments, Grant, Kdf, KeyEntry, LogIn, NewEnvironment, NewKey, NewProject, Page,
        PreLogin, RevokeKey, RotateKey, SignUp, Versioned, Written,
    },
};
use sealing::{
    AccountKey, AccountManifest, ApiKey, EnvironmentKey, EnvironmentNames, EnvironmentRecord, KeyRecord,
    KeyStatus, Manifest, ManifestKey, Passphrase, Pin, Place, ProjectRecord, RecoveryCode, Stretched,
    make_id,
};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

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
    let (session, _) = open_session(&remote, &email, &stretched)?;
    write_account_file(&vault, email, account, Pin::of(&manifest), session)?;
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
    write_account_file(&vault, email, account.account, Pin::of(&account.manifest), session)
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
    let auth: [u8; 32] = [make_id()?, make_id()?].concat().try_into().unwrap_or([0; 32]);
    let session = AccessToken::new(KeyId::from_bytes(make_id()?), Zeroizing::new(auth));
    let body = LogIn { email: email.clone(), login: stretched.login().clone(), session: session.clone() };
    let account = remote.post("/v1/sessions", &body)?;
    Ok((session, account))
}

fn write_account_file(
    vault: &VaultAddress,
    email: Email,
    account: AccountId,
    pin: Pin,
    session: AccessToken,
) -> Result<()> {
    let mut file = AccountFile {
        vault_url: vault.url.clone(),
        audience: vault.named_audience(),
        email,
        account,
        manifest_version: 0,
        manifest_digest: String::new(),
        session: Some(session),
    };
    file.set_pin(pin);
    file.write()
}

/// An API key that was drawn and is not registered yet.
struct KeyDraft {
    api_key: ApiKey,
    record: Blob,
    entry: ManifestKey,
    grants: Vec<Grant>,
    addresses: Vec<AddressRange>,
}

impl Owner {
    /// Unlocks the account of this machine: asks for the passphrase, or reads `SECURECODE_PASSPHRASE`.
    ///
    /// # Errors
    /// When nobody is logged in, the passphrase is wrong, or the vault's answer is not trusted.
    pub fn unlock(vault_url: Option<&str>) -> Result<Self> {
        let mut file = AccountFile::read()?.ok_or_else(nobody)?;
        let vault = match vault_url {
            Some(_) => person_vault(vault_url)?,
            None => VaultAddress::new(&file.vault_url, file.audience.as_deref())?,
        };
        let passphrase = terminal::passphrase()?;
        let served = match &file.session {
            Some(session) => Remote::new(vault.clone()).with(session).get::<Account>("/v1/account").map(Some),
            None => Ok(None),
        };
        let (account, stretched, session) = match served {
            Ok(Some(account)) => {
                let stretched = stretch(&passphrase, &account.kdf)?;
                let session = file.session.clone().ok_or_else(nobody)?;
                (account, stretched, session)
            }
            Err(error) if !matches!(error.code, Some(Code::Unauthenticated | Code::KeyExpired)) => {
                return Err(error);
            }
            _ => {
                let remote = Remote::new(vault.clone());
                let kdf: Kdf = remote.post("/v1/prelogin", &PreLogin { email: file.email.clone() })?;
                let stretched = stretch(&passphrase, &kdf)?;
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
        send(&self.remote, sealed.clone())?;
        self.manifest = next;
        self.file.set_pin(Pin::of(&sealed));
        self.file.write()
    }

    /// The project of this name, made if it is not there; and whether it was made.
    ///
    /// # Errors
    /// The refusal.
    pub fn ensure_project(&mut self, name: &Label) -> Result<(ProjectId, bool)> {
        if let Some(project) = self.manifest.project(name) {
            return Ok((project.id, false));
        }
        let id = ProjectId::from_bytes(make_id()?);
        self.write(
            |next| next.projects.push(ProjectRecord { id, name: name.clone() }),
            |remote, manifest| remote.put(&format!("/v1/projects/{id}"), &NewProject { manifest }),
        )?;
        Ok((id, true))
    }

    /// The environment of this name, made if it is not there; and whether it was made.
    ///
    /// # Errors
    /// The refusal.
    pub fn ensure_environment(
        &mut self,
        project: (ProjectId, &Label),
        name: &Label,
        production: bool,
    ) -> Result<(EnvironmentRecord, bool)> {
        if let Some(environment) = self.manifest.environment(project.0, name) {
            return Ok((environment.clone(), false));
        }
        let id = EnvironmentId::from_bytes(make_id()?);
        let place = Place { account: self.key.account(), project: project.0, environment: id };
        let key = EnvironmentKey::make(place)?;
        let names = EnvironmentNames { project: project.1.clone(), environment: name.clone(), production };
        let wrapped = self.key.wrap_environment_key(&place, 1, &key, &names)?;
        let (root, buckets) = Manifest::empty().seal_next(&key, &[])?;
        let record =
            EnvironmentRecord { id, project: project.0, name: name.clone(), production, generation: 1 };
        self.write(
            |next| next.environments.push(record.clone()),
            |remote, manifest| {
                let buckets = buckets.into_iter().map(|bucket| bucket.blob).collect();
                let body = NewEnvironment { project: project.0, key: wrapped, root, buckets, manifest };
                remote.put(&format!("/v1/environments/{id}"), &body)
            },
        )?;
        Ok((record, true))
    }

    /// The environment that is meant: by name, and by project where the name is not enough.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find_environment(&self, project: Option<&Label>, name: &Label) -> Result<EnvironmentRecord> {
        let project_of =
            |record: &EnvironmentRecord| self.manifest.projects.iter().find(|one| one.id == record.project);
        let matching = self.manifest.environments.iter().filter(|record| {
            record.name == *name
                && project.is_none_or(|wanted| project_of(record).is_some_and(|one| one.name == *wanted))
        });
        let found: Vec<_> = matching.collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Error::local(
                format!("there is no environment {name}"),
                "make it: securecode init --environment E",
            )),
            _ => Err(Error::local(
                format!("several projects have an environment {name}"),
                "name the project: --project P",
            )),
        }
    }

    /// An environment, opened by its owner's own record.
    ///
    /// # Errors
    /// That the vault's answer is not trusted.
    pub fn open_environment(&self, record: &EnvironmentRecord) -> Result<Client> {
        let mut opened = self.environment_keys(std::slice::from_ref(record))?;
        let (key, names) = opened.pop().ok_or(sealing::TrustError::Missing)?;
        let environment = Environment::new(key, record.generation, names);
        Ok(Client::of_owner(self.remote.clone(), environment))
    }

    /// Makes an API key. The environment keys it gets are those of the owner's own record.
    ///
    /// # Errors
    /// The refusal, or that the vault's answer is not trusted.
    pub fn create_key(
        &mut self,
        environments: &[EnvironmentRecord],
        name: Label,
        permissions: &[Permission],
        expires_at: Option<u64>,
        addresses: Vec<AddressRange>,
    ) -> Result<ApiKey> {
        let permissions = permissions.iter().copied().collect();
        let draft = self.draft_key(environments, name, permissions, expires_at, addresses)?;
        let KeyDraft { api_key, record, entry, grants, addresses } = draft;
        let (id, token) = (api_key.id(), api_key.derive_token(&self.remote.address().audience));
        self.write(
            |next| next.keys.push(entry),
            |remote, manifest| {
                let body = NewKey { token, permissions, expires_at, addresses, grants, record, manifest };
                remote.put(&format!("/v1/keys/{id}"), &body)
            },
        )?;
        Ok(api_key)
    }

    /// Makes the key that takes the place of another, with its scope; the old one works for `overlap` more seconds.
    ///
    /// # Errors
    /// When the owner's record has no such key in use, the refusal, or that the vault's answer is not trusted.
    pub fn rotate_key(&mut self, id: KeyId, overlap: u64, expires_at: Option<u64>) -> Result<ApiKey> {
        let old = self.manifest.key(id).filter(|key| key.status == KeyStatus::Active).cloned();
        let old = old.ok_or_else(|| {
            Error::local(format!("there is no key {id} in use"), "list them: securecode keys list")
        })?;
        let served: Page<KeyEntry> = self.remote.get("/v1/keys")?;
        let addresses = served.items.into_iter().find(|entry| entry.id == id).map(|entry| entry.addresses);
        let addresses = addresses.ok_or(sealing::TrustError::Missing)?;
        let environments: Vec<EnvironmentRecord> = self
            .manifest
            .environments
            .iter()
            .filter(|environment| old.environments.contains(&environment.id))
            .cloned()
            .collect();
        let expires_at = expires_at.or((old.expires_at != 0).then_some(old.expires_at));
        let draft =
            self.draft_key(&environments, old.name.clone(), old.permissions, expires_at, addresses)?;
        let KeyDraft { api_key, record, entry, grants, addresses } = draft;
        let (new_id, token) = (api_key.id(), api_key.derive_token(&self.remote.address().audience));
        let until = now().saturating_add(overlap);
        let old_expires_at = if old.expires_at == 0 { until } else { until.min(old.expires_at) };
        self.write(
            |next| {
                next.keys.push(entry);
                for key in next.keys.iter_mut().filter(|key| key.id == id) {
                    key.expires_at = old_expires_at;
                }
            },
            |remote, manifest| {
                let permissions = old.permissions;
                let key = NewKey { token, permissions, expires_at, addresses, grants, record, manifest };
                let body = RotateKey { id: new_id, key, old_expires_at };
                remote.post(&format!("/v1/keys/{id}/rotate"), &body)
            },
        )?;
        Ok(api_key)
    }

    /// Draws a key and wraps for it the key of each environment.
    fn draft_key(
        &self,
        environments: &[EnvironmentRecord],
        name: Label,
        permissions: Permissions,
        expires_at: Option<u64>,
        addresses: Vec<AddressRange>,
    ) -> Result<KeyDraft> {
        let api_key = ApiKey::make()?;
        let wrap = api_key.derive_wrap();
        let grants = self
            .environment_keys(environments)?
            .into_iter()
            .zip(environments)
            .map(|((key, names), record)| {
                let wrapped = wrap.wrap_environment_key(key.place(), record.generation, &key, &names)?;
                Ok(Grant { environment: record.id, key: wrapped })
            })
            .collect::<Result<_>>()?;
        let mut ids: Vec<EnvironmentId> = environments.iter().map(|record| record.id).collect();
        ids.sort_unstable();
        let expires_at = expires_at.unwrap_or(0);
        let record =
            KeyRecord { wrap, name: name.clone(), permissions, expires_at, environments: ids.clone() };
        let record = self.key.seal_key_record(&record)?;
        let entry = ManifestKey {
            id: api_key.id(),
            name,
            permissions,
            expires_at,
            status: KeyStatus::Active,
            environments: ids,
        };
        Ok(KeyDraft { api_key, record, entry, grants, addresses })
    }

    /// The keys of these environments, in order, each checked against the owner's own record.
    fn environment_keys(
        &self,
        records: &[EnvironmentRecord],
    ) -> Result<Vec<(EnvironmentKey, EnvironmentNames)>> {
        let served: Environments = self.remote.get("/v1/environments")?;
        let open = |record: &EnvironmentRecord| {
            let found = served.environments.iter().find(|one| one.id == record.id);
            let found = found.ok_or(sealing::TrustError::Missing)?;
            let place =
                Place { account: self.key.account(), project: record.project, environment: record.id };
            if found.generation != record.generation {
                return Err(sealing::TrustError::NotCurrent.into());
            }
            let (key, names) = self.key.unwrap_environment_key(&place, record.generation, &found.key)?;
            if names.environment != record.name || names.production != record.production {
                return Err(sealing::TrustError::NotCurrent.into());
            }
            Ok((key, names))
        };
        records.iter().map(open).collect()
    }

    /// Revokes an API key: its next request is refused.
    ///
    /// # Errors
    /// When the owner's record has no such key, or the refusal.
    pub fn revoke_key(&mut self, id: KeyId) -> Result<()> {
        match self.manifest.key(id) {
            None => {
                return Err(Error::local(format!("there is no key {id}"), "list them: securecode keys list"));
            }
            Some(key) if key.status == KeyStatus::Revoked => return Ok(()),
            Some(_) => {}
        }
        self.write(
            |next| {
                for key in next.keys.iter_mut().filter(|key| key.id == id) {
                    key.status = KeyStatus::Revoked;
                }
            },
            |remote, manifest| remote.post(&format!("/v1/keys/{id}/revoke"), &RevokeKey { manifest }),
        )
    }

    /// The address of the vault, as the account has it.
    pub fn vault(&self) -> VaultAddress {
        self.remote.address().clone()
    }
}
