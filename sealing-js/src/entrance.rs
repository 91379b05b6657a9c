//! The ways into an account: sign-up, log-in and recovery.

use crate::{Account, answer, input, output, thrown::Thrown};
use protocol::{
    AccessToken, AccountId, Email,
    body::{self, Device, Kdf, NewPassphrase, NewRecovery, OwnerProof, PreLogin, Recover, Recovered},
};
use sealing::{AccountKey, AccountManifest, Passphrase, RecoveryCode, Stretched, make_id, make_session};
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

pub(crate) fn email(text: &str) -> Result<Email, Thrown> {
    text.parse().map_err(|error: <Email as std::str::FromStr>::Err| Thrown::mistake(error.to_string()))
}

/// Takes the text over, so that it is wiped.
pub(crate) fn passphrase(text: String) -> Result<Passphrase, Thrown> {
    Ok(Passphrase::new(&Zeroizing::new(text))?)
}

fn device(json: Option<String>) -> Result<Option<Device>, Thrown> {
    json.map(|json| input(&json)).transpose()
}

/// The body of `POST /v1/prelogin`.
///
/// # Errors
/// When that is no e-mail address.
#[wasm_bindgen(js_name = preLogin)]
pub fn pre_login(address: &str) -> Result<String, Thrown> {
    output(&PreLogin { email: email(address)? })
}

/// A new account.
#[wasm_bindgen]
pub struct SignUp {
    email: Email,
    stretched: Stretched,
    recovery: RecoveryCode,
    body: String,
}

#[wasm_bindgen]
impl SignUp {
    /// Draws the account's key and recovery code. Takes a second or two, for the passphrase.
    ///
    /// # Errors
    /// When address or passphrase are none.
    #[wasm_bindgen(constructor)]
    pub fn new(address: &str, chosen: String) -> Result<Self, Thrown> {
        let (email, chosen) = (email(address)?, passphrase(chosen)?);
        let account = AccountId::from_bytes(make_id()?);
        let key = AccountKey::make(account)?;
        let recovery = RecoveryCode::make()?;
        let stretched = chosen.stretch(&Passphrase::make_kdf()?)?;
        let body = output(&body::SignUp {
            account,
            email: email.clone(),
            kdf: *stretched.kdf(),
            login: stretched.login().clone(),
            account_key: key.wrap_by_passphrase(&email, &stretched)?,
            recovery: recovery.derive_auth(),
            account_key_by_recovery: key.wrap_by_recovery(&recovery)?,
            manifest: key.seal_manifest(&AccountManifest::first())?,
        })?;
        Ok(Self { email, stretched, recovery, body })
    }

    /// For `POST /v1/accounts`.
    pub fn body(&self) -> String {
        self.body.clone()
    }

    /// The code, to show it once.
    #[wasm_bindgen(js_name = recoveryCode)]
    pub fn recovery_code(&self) -> String {
        self.recovery.expose().to_string()
    }

    /// Goes on to log in.
    ///
    /// # Errors
    /// When the system has no random bytes.
    #[wasm_bindgen(js_name = logIn)]
    pub fn log_in(self) -> Result<LogIn, Thrown> {
        Ok(LogIn { email: self.email, stretched: self.stretched, session: make_session()? })
    }
}

/// A log-in on its way.
#[wasm_bindgen]
pub struct LogIn {
    email: Email,
    stretched: Stretched,
    session: AccessToken,
}

#[wasm_bindgen]
impl LogIn {
    /// Stretches the passphrase as `POST /v1/prelogin` answered.
    ///
    /// # Errors
    /// When the vault asks for parameters outside the bounds.
    #[wasm_bindgen(constructor)]
    pub fn new(address: &str, typed: String, kdf: &str) -> Result<Self, Thrown> {
        let kdf: Kdf = answer(kdf)?;
        let stretched = passphrase(typed)?.stretch(&kdf)?;
        Ok(Self { email: email(address)?, stretched, session: make_session()? })
    }

    /// For `POST /v1/sessions`.
    ///
    /// # Errors
    /// When the device is not what the vault answered once.
    pub fn body(&self, known: Option<String>) -> Result<String, Thrown> {
        output(&body::LogIn {
            email: self.email.clone(),
            login: self.stretched.login().clone(),
            session: self.session.clone(),
            device: device(known)?,
        })
    }

    /// The session's token, for `Authorization`.
    pub fn token(&self) -> String {
        self.session.expose().to_string()
    }

    /// The session's id.
    pub fn session(&self) -> String {
        self.session.id().to_string()
    }

    /// Opens the account that was answered; `seen` is the newest manifest that this browser has seen of it.
    ///
    /// # Errors
    /// When it does not open, or is older than what was seen.
    pub fn open(self, served: &str, seen: Option<String>) -> Result<Account, Thrown> {
        let account: body::Account = answer(served)?;
        let key = AccountKey::unwrap_by_passphrase(
            account.account,
            &self.email,
            &self.stretched,
            &account.account_key,
        )
        .map_err(|_| Thrown::distrusted("the account key does not open: the vault altered the account"))?;
        Account::open(key, self.email, &account.manifest, seen.as_deref())
    }
}

/// A recovery on its way.
#[wasm_bindgen]
pub struct Recovery {
    email: Email,
    code: RecoveryCode,
    session: AccessToken,
    next: RecoveryCode,
}

#[wasm_bindgen]
impl Recovery {
    /// Takes the code that a person typed.
    ///
    /// # Errors
    /// When a character of it is wrong or missing.
    #[wasm_bindgen(constructor)]
    pub fn new(address: &str, code: String) -> Result<Self, Thrown> {
        let code = Zeroizing::new(code).trim().parse()?;
        Ok(Self { email: email(address)?, code, session: make_session()?, next: RecoveryCode::make()? })
    }

    /// For `POST /v1/recoveries`.
    ///
    /// # Errors
    /// When the device is not what the vault answered once.
    pub fn body(&self, known: Option<String>) -> Result<String, Thrown> {
        output(&Recover {
            email: self.email.clone(),
            recovery: self.code.derive_auth(),
            session: self.session.clone(),
            device: device(known)?,
        })
    }

    /// The session's token, for `Authorization`.
    pub fn token(&self) -> String {
        self.session.expose().to_string()
    }

    /// The session's id.
    pub fn session(&self) -> String {
        self.session.id().to_string()
    }

    /// The code that takes this one's place, to show it once.
    #[wasm_bindgen(js_name = nextCode)]
    pub fn next_code(&self) -> String {
        self.next.expose().to_string()
    }

    /// Opens the account that was answered.
    ///
    /// # Errors
    /// When it does not open, or is older than what was seen.
    pub fn open(&self, served: &str, seen: Option<String>) -> Result<Account, Thrown> {
        let recovered: Recovered = answer(served)?;
        let key = AccountKey::unwrap_by_recovery(
            recovered.account,
            &self.code,
            &recovered.account_key_by_recovery,
        )?;
        Account::open(key, self.email.clone(), &recovered.manifest, seen.as_deref())
    }

    /// For `PUT /v1/account/passphrase`: another passphrase, and the next code.
    ///
    /// # Errors
    /// When that is no passphrase.
    #[wasm_bindgen(js_name = newPassphrase)]
    pub fn new_passphrase(&self, account: &Account, chosen: String) -> Result<String, Thrown> {
        let stretched = passphrase(chosen)?.stretch(&Passphrase::make_kdf()?)?;
        output(&NewPassphrase {
            proof: OwnerProof::Recovery(self.code.derive_auth()),
            kdf: *stretched.kdf(),
            login: stretched.login().clone(),
            account_key: account.key.wrap_by_passphrase(&self.email, &stretched)?,
            recovery: Some(NewRecovery {
                recovery: self.next.derive_auth(),
                account_key_by_recovery: account.key.wrap_by_recovery(&self.next)?,
            }),
        })
    }
}
