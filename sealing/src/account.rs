use crate::{
    EnvironmentKey, EnvironmentNames, Place, RecoveryCode, Stretched, WrapKey,
    account_manifest::AccountManifest,
};
use protocol::{
    AccountId, Blob, Email, EnvironmentId, KeyId, Label, Permissions, body::Kdf, body::Versioned,
};
use seal::{Context, Key, Kind, OpenError, Reader, SealError, Writer};
use zeroize::Zeroizing;

/// The key over everything that an account owns. Stored nowhere in clear; held for the length of an owner's
/// command.
pub struct AccountKey {
    account: AccountId,
    key: Key,
}

impl AccountKey {
    /// Draws the key of a new account.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make(account: AccountId) -> Result<Self, SealError> {
        Ok(Self { account, key: Key::make()? })
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Kind 6. The place holds e-mail and parameters, so that a vault cannot change either unnoticed.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn wrap_by_passphrase(&self, email: &Email, stretched: &Stretched) -> Result<Blob, SealError> {
        let subject = passphrase_context(email, stretched.kdf());
        let context = self.context(Kind::ACCOUNT_KEY_BY_PASSPHRASE, &subject, 0);
        seal::seal(stretched.kek(), &context, self.key.expose()).map(Blob::from_sealed)
    }

    /// Opens kind 6.
    ///
    /// # Errors
    /// When passphrase, e-mail, parameters or account are not those it was wrapped with.
    pub fn unwrap_by_passphrase(
        account: AccountId,
        email: &Email,
        stretched: &Stretched,
        wrapped: &Blob,
    ) -> Result<Self, OpenError> {
        let subject = passphrase_context(email, stretched.kdf());
        Self::unwrap(account, Kind::ACCOUNT_KEY_BY_PASSPHRASE, &subject, stretched.kek(), wrapped)
    }

    /// Kind 7.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn wrap_by_recovery(&self, code: &RecoveryCode) -> Result<Blob, SealError> {
        let context = self.context(Kind::ACCOUNT_KEY_BY_RECOVERY, &[], 0);
        seal::seal(&code.derive_wrap(), &context, self.key.expose()).map(Blob::from_sealed)
    }

    /// Opens kind 7.
    ///
    /// # Errors
    /// When code or account are not those it was wrapped with.
    pub fn unwrap_by_recovery(
        account: AccountId,
        code: &RecoveryCode,
        wrapped: &Blob,
    ) -> Result<Self, OpenError> {
        Self::unwrap(account, Kind::ACCOUNT_KEY_BY_RECOVERY, &[], &code.derive_wrap(), wrapped)
    }

    fn unwrap(
        account: AccountId,
        kind: Kind,
        subject: &[u8],
        by: &Key,
        wrapped: &Blob,
    ) -> Result<Self, OpenError> {
        let context = Context { account: account.as_bytes(), subject, ..Context::new(kind) };
        let key = Key::from_slice(&seal::open(by, &context, wrapped.as_bytes())?).ok_or(OpenError)?;
        Ok(Self { account, key })
    }

    /// Wraps an environment key for the owner (kind 4).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn wrap_environment_key(
        &self,
        place: &Place,
        generation: u64,
        key: &EnvironmentKey,
        names: &EnvironmentNames,
    ) -> Result<Blob, SealError> {
        key.wrap(&self.key, &place.context(Kind::ENVIRONMENT_KEY_OF_OWNER, &[], &[], generation), names)
    }

    /// Unwraps the owner's copy of an environment key (kind 4).
    ///
    /// # Errors
    /// When it is not of this account, place and generation.
    pub fn unwrap_environment_key(
        &self,
        place: &Place,
        generation: u64,
        wrapped: &Blob,
    ) -> Result<(EnvironmentKey, EnvironmentNames), OpenError> {
        let context = place.context(Kind::ENVIRONMENT_KEY_OF_OWNER, &[], &[], generation);
        EnvironmentKey::unwrap(*place, &self.key, &context, wrapped)
    }

    /// Keeps an API key's wrapping half and scope for the owner (kind 11).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_key_record(&self, record: &KeyRecord) -> Result<Blob, SealError> {
        let id = record.wrap.id();
        let context = self.context(Kind::KEY_RECORD, id.as_bytes(), 0);
        seal::seal(&self.key, &context, &record.write()).map(Blob::from_sealed)
    }

    /// Opens kind 11.
    ///
    /// # Errors
    /// When it is not this key's record.
    pub fn open_key_record(&self, id: KeyId, sealed: &Blob) -> Result<KeyRecord, OpenError> {
        let context = self.context(Kind::KEY_RECORD, id.as_bytes(), 0);
        KeyRecord::read(id, &seal::open(&self.key, &context, sealed.as_bytes())?)
    }

    /// Seals the owner's record of projects, environments and keys (kind 12).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_manifest(&self, manifest: &AccountManifest) -> Result<Versioned, SealError> {
        let context = self.context(Kind::ACCOUNT_MANIFEST, &[], manifest.version);
        let blob = seal::seal(&self.key, &context, &manifest.write()).map(Blob::from_sealed)?;
        Ok(Versioned { version: manifest.version, blob })
    }

    /// Opens kind 12.
    ///
    /// # Errors
    /// When it is not this account's manifest of that version.
    pub fn open_manifest(&self, sealed: &Versioned) -> Result<AccountManifest, OpenError> {
        let context = self.context(Kind::ACCOUNT_MANIFEST, &[], sealed.version);
        let manifest = AccountManifest::read(&seal::open(&self.key, &context, sealed.blob.as_bytes())?)?;
        if manifest.version == sealed.version { Ok(manifest) } else { Err(OpenError) }
    }

    fn context<'a>(&'a self, kind: Kind, subject: &'a [u8], version: u64) -> Context<'a> {
        Context { account: self.account.as_bytes(), subject, version, ..Context::new(kind) }
    }
}

fn passphrase_context(email: &Email, kdf: &Kdf) -> Vec<u8> {
    Writer::new()
        .bytes(email.as_str().as_bytes())
        .bytes(&kdf.salt.0)
        .u32(kdf.memory_kib)
        .u32(kdf.passes)
        .u32(kdf.lanes)
        .finish()
}

/// What the owner keeps of an API key, to wrap new environment keys for it on nobody's word but this.
pub struct KeyRecord {
    /// The wrapping half.
    pub wrap: WrapKey,
    /// The key's name.
    pub name: Label,
    /// What it may do.
    pub permissions: Permissions,
    /// Seconds since 1970; 0 for never.
    pub expires_at: u64,
    /// What it may use; sorted.
    pub environments: Vec<EnvironmentId>,
}

impl KeyRecord {
    fn write(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .raw(self.wrap.key().expose())
            .bytes(self.name.as_str().as_bytes())
            .u32(self.permissions.bits())
            .u64(self.expires_at)
            .list(self.environments.iter(), |writer, id| writer.raw(id.as_bytes()))
            .finish_secret()
    }

    fn read(id: KeyId, bytes: &[u8]) -> Result<Self, OpenError> {
        let mut reader = Reader::new(bytes);
        let mut read = || {
            let wrap = WrapKey::new(id, Key::from_bytes(reader.array()?));
            let name = reader.text()?.parse().map_err(|_| seal::FieldsError)?;
            let permissions = Permissions::from_bits(reader.u32()?).ok_or(seal::FieldsError)?;
            let expires_at = reader.u64()?;
            let environments = reader.list(|r| r.array().map(EnvironmentId::from_bytes), |id| *id)?;
            Ok(Self { wrap, name, permissions, expires_at, environments })
        };
        let record = read().map_err(|_: seal::FieldsError| OpenError)?;
        reader.end().map_err(|_| OpenError)?;
        Ok(record)
    }
}
