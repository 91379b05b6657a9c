//! Another passphrase, the recovery code, and the end of an account.

use super::{Owner, stretch, write_account_file};
use crate::{
    audit::memory,
    config::{AccountFile, VaultAddress},
    error::Result,
    remote::Remote,
};
use protocol::{
    Bytes32, Email,
    body::{
        DeleteAccount, Kdf, NewPassphrase, NewRecovery, OwnerProof, PreLogin, Recover, Recovered, Written,
    },
};
use sealing::{AccountKey, Passphrase, Pin, RecoveryCode, make_session};

/// Opens an account by its recovery code, and gives it another passphrase and another code. `keep` is given the new
/// code before the vault knows of it; if it cannot be kept, nothing is changed.
///
/// # Errors
/// `login_failed` for a wrong address or code; that the vault's answer is not trusted; or what `keep` says.
pub fn recover(
    vault: VaultAddress,
    email: Email,
    code: &RecoveryCode,
    passphrase: &Passphrase,
    keep: impl FnOnce(&RecoveryCode) -> Result<()>,
) -> Result<()> {
    let remote = Remote::new(vault.clone());
    let session = make_session()?;
    let body = Recover {
        email: email.clone(),
        recovery: code.derive_auth(),
        session: session.clone(),
        device: AccountFile::device(&vault, &email)?,
    };
    let recovered: Recovered = remote.post("/v1/recoveries", &body)?;
    let key = AccountKey::unwrap_by_recovery(recovered.account, code, &recovered.account_key_by_recovery)?;
    key.open_manifest(&recovered.manifest)?;
    if let Some(known) = AccountFile::read()?.filter(|known| known.account == recovered.account) {
        known.pin().admits(&recovered.manifest)?;
    }
    let next = RecoveryCode::make()?;
    keep(&next)?;
    let stretched = stretch(passphrase, &Passphrase::make_kdf()?)?;
    let body = NewPassphrase {
        proof: OwnerProof::Recovery(code.derive_auth()),
        kdf: *stretched.kdf(),
        login: stretched.login().clone(),
        account_key: key.wrap_by_passphrase(&email, &stretched)?,
        recovery: Some(NewRecovery {
            recovery: next.derive_auth(),
            account_key_by_recovery: key.wrap_by_recovery(&next)?,
        }),
    };
    let written: Written = remote.with(&session).put("/v1/account/passphrase", &body)?;
    memory::keep(recovered.account, written.receipt);
    let login = (session, Some(recovered.device));
    write_account_file(&vault, email, recovered.account, Pin::of(&recovered.manifest), login)
}

impl Owner {
    /// Gives the account another passphrase. Every other session ends.
    ///
    /// # Errors
    /// `login_failed` when the passphrase so far is wrong, or the refusal.
    pub fn change_passphrase(&mut self, so_far: &Passphrase, next: &Passphrase) -> Result<()> {
        let stretched = stretch(next, &Passphrase::make_kdf()?)?;
        let body = NewPassphrase {
            proof: OwnerProof::Login(self.login(so_far)?),
            kdf: *stretched.kdf(),
            login: stretched.login().clone(),
            account_key: self.key.wrap_by_passphrase(&self.file.email, &stretched)?,
            recovery: None,
        };
        let written: Written = self.remote.put("/v1/account/passphrase", &body)?;
        memory::keep(self.account(), written.receipt);
        Ok(())
    }

    /// Deletes the account with everything in it, and forgets it on this machine.
    ///
    /// # Errors
    /// `login_failed` when the passphrase is wrong, or the refusal.
    pub fn delete_account(self, passphrase: &Passphrase) -> Result<()> {
        let body = DeleteAccount { proof: OwnerProof::Login(self.login(passphrase)?) };
        let _: Written = self.remote.post("/v1/account/delete", &body)?;
        AccountFile::remove()
    }

    fn login(&self, passphrase: &Passphrase) -> Result<Bytes32> {
        let kdf: Kdf =
            Remote::new(self.vault()).post("/v1/prelogin", &PreLogin { email: self.file.email.clone() })?;
        Ok(stretch(passphrase, &kdf)?.login().clone())
    }
}
