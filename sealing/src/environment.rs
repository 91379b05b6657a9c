use crate::{
    Policy, SecretValue, expand, label,
    manifest::{digest, policy_digest},
    prk,
};
use hmac::{Hmac, KeyInit, Mac};
use protocol::{
    AccountId, Blob, EnvironmentId, Label, NameIndex, ProjectId, SecretId, SecretName, Tag,
    body::{SealedSecret, SecretEntry, Versioned},
};
use seal::{Context, FieldsError, Key, Kind, OpenError, Reader, SealError, Writer};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where an environment is: part of the place of everything sealed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its account.
    pub account: AccountId,
    /// Its project.
    pub project: ProjectId,
    /// The environment.
    pub environment: EnvironmentId,
}

impl Place {
    pub(crate) fn context<'a>(
        &'a self,
        kind: Kind,
        subject: &'a [u8],
        index: &'a [u8],
        version: u64,
    ) -> Context<'a> {
        Context {
            kind,
            account: self.account.as_bytes(),
            project: self.project.as_bytes(),
            environment: self.environment.as_bytes(),
            subject,
            index,
            version,
        }
    }
}

/// What an environment is called, as sealed with its key: a client refuses a key whose names are not those it
/// asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentNames {
    /// The project's name.
    pub project: Label,
    /// The environment's name.
    pub environment: Label,
    /// Whether its secrets are production secrets.
    pub production: bool,
}

impl EnvironmentNames {
    /// Whether it is the environment that somebody names so; who names none means any.
    pub fn are(&self, project: Option<&Label>, environment: Option<&Label>) -> bool {
        project.is_none_or(|project| *project == self.project)
            && environment.is_none_or(|environment| *environment == self.environment)
    }
}

/// What stands beside a value: tags and a note.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    tags: Vec<Tag>,
    note: String,
}

impl Meta {
    /// Tags, which are sorted and of which doubles are dropped, and a note.
    /// Nothing if there are more than 16 tags or the note is longer than 1024 bytes.
    pub fn new(mut tags: Vec<Tag>, note: String) -> Option<Self> {
        tags.sort_unstable();
        tags.dedup();
        (tags.len() <= 16 && note.len() <= 1024).then_some(Self { tags, note })
    }

    /// The tags, sorted.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The note.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Whether it carries the tag `production`, in any case.
    pub fn is_production(&self) -> bool {
        self.tags.iter().any(|tag| tag.as_str().eq_ignore_ascii_case("production"))
    }

    fn write(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .list(self.tags.iter(), |w, tag| w.bytes(tag.as_str().as_bytes()))
            .bytes(self.note.as_bytes())
            .finish_secret()
    }

    fn read(bytes: &[u8]) -> Result<Self, FieldsError> {
        let mut reader = Reader::new(bytes);
        let tags = reader.list(|r| r.text()?.parse::<Tag>().map_err(|_| FieldsError), Tag::clone)?;
        let note = reader.text()?.to_owned();
        reader.end()?;
        Self::new(tags, note).ok_or(FieldsError)
    }
}

/// A secret as it was opened. Its name has been checked against the grammar, and nothing else has.
#[derive(Debug, Clone)]
pub struct OpenedSecret {
    /// Its id.
    pub id: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Its version.
    pub version: u64,
    /// Tags and note.
    pub meta: Meta,
    /// The value.
    pub value: SecretValue,
    /// What the owner laid down for it; nothing is asked if there is none.
    pub policy: Policy,
}

/// The key of one environment, and where that is.
#[derive(Clone)]
pub struct EnvironmentKey {
    place: Place,
    key: Key,
}

impl EnvironmentKey {
    /// Draws a key for a new environment or a new generation.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make(place: Place) -> Result<Self, SealError> {
        Ok(Self { place, key: Key::make()? })
    }

    /// Where the environment is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// All that the vault sees of a name.
    pub fn derive_index(&self, name: &SecretName) -> NameIndex {
        let key = expand(&prk(self.key.expose()), &[label::INDEX]);
        let mut index = [0; 16];
        // HMAC takes keys of every length.
        if let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_ref()) {
            mac.update(name.as_str().as_bytes());
            for (slot, byte) in index.iter_mut().zip(mac.finalize().into_bytes()) {
                *slot = byte;
            }
        }
        NameIndex::from_bytes(index)
    }

    /// Seals a secret: name, value and meta (kinds 1 to 3).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_secret(
        &self,
        id: SecretId,
        version: u64,
        name: &SecretName,
        meta: &Meta,
        value: &SecretValue,
    ) -> Result<SealedSecret, SealError> {
        let index = self.derive_index(name);
        let sealed = |kind, version, plaintext: &[u8]| {
            let context = self.place.context(kind, id.as_bytes(), index.as_bytes(), version);
            seal::seal(&self.key, &context, plaintext).map(Blob::from_sealed)
        };
        Ok(SealedSecret {
            id,
            index,
            version,
            name: sealed(Kind::NAME, 0, name.as_str().as_bytes())?,
            meta: sealed(Kind::META, version, &meta.write())?,
            value: sealed(Kind::VALUE, version, value.expose())?,
            policy: None,
        })
    }

    /// Opens a whole secret at the place it claims. Compare with the manifest before believing it is current.
    ///
    /// # Errors
    /// When any part is not of this environment, id, index and version, or its name is not that of its index.
    pub fn open_secret(&self, sealed: &SealedSecret) -> Result<OpenedSecret, OpenError> {
        let name = self.open_name(sealed.id, sealed.index, &sealed.name)?;
        let meta = self.open_meta(sealed.id, sealed.index, sealed.version, &sealed.meta)?;
        let context =
            self.place.context(Kind::VALUE, sealed.id.as_bytes(), sealed.index.as_bytes(), sealed.version);
        let value = SecretValue::new(seal::open(&self.key, &context, sealed.value.as_bytes())?)
            .map_err(|_| OpenError)?;
        let policy = self.open_policy_of(sealed.id, sealed.index, sealed.policy.as_ref())?;
        Ok(OpenedSecret { id: sealed.id, name, version: sealed.version, meta, value, policy })
    }

    /// Opens what a list has of a secret.
    ///
    /// # Errors
    /// As [`EnvironmentKey::open_secret`].
    pub fn open_entry(&self, entry: &SecretEntry) -> Result<(SecretName, Meta, Policy), OpenError> {
        let (name, meta) = self.open_named(entry.id, entry.index, entry.version, &entry.name, &entry.meta)?;
        Ok((name, meta, self.open_policy_of(entry.id, entry.index, entry.policy.as_ref())?))
    }

    /// Opens name and meta of a secret, an earlier version of it, or a deleted one.
    ///
    /// # Errors
    /// As [`EnvironmentKey::open_secret`].
    pub fn open_named(
        &self,
        id: SecretId,
        index: NameIndex,
        version: u64,
        name: &Blob,
        meta: &Blob,
    ) -> Result<(SecretName, Meta), OpenError> {
        Ok((self.open_name(id, index, name)?, self.open_meta(id, index, version, meta)?))
    }

    fn open_policy_of(
        &self,
        id: SecretId,
        index: NameIndex,
        sealed: Option<&Versioned>,
    ) -> Result<Policy, OpenError> {
        sealed
            .map_or(Ok(Policy::default()), |sealed| self.open_policy(id, index, sealed.version, &sealed.blob))
    }

    fn open_name(&self, id: SecretId, index: NameIndex, sealed: &Blob) -> Result<SecretName, OpenError> {
        let context = self.place.context(Kind::NAME, id.as_bytes(), index.as_bytes(), 0);
        let bytes = seal::open(&self.key, &context, sealed.as_bytes())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| OpenError)?;
        let name: SecretName = text.parse().map_err(|_| OpenError)?;
        if self.derive_index(&name) == index { Ok(name) } else { Err(OpenError) }
    }

    fn open_meta(
        &self,
        id: SecretId,
        index: NameIndex,
        version: u64,
        sealed: &Blob,
    ) -> Result<Meta, OpenError> {
        let context = self.place.context(Kind::META, id.as_bytes(), index.as_bytes(), version);
        Meta::read(&seal::open(&self.key, &context, sealed.as_bytes())?).map_err(|_| OpenError)
    }

    /// Kinds 4 and 5: the same plaintext under the account key or an API key's wrapping half.
    pub(crate) fn wrap(
        &self,
        by: &Key,
        context: &Context<'_>,
        names: &EnvironmentNames,
    ) -> Result<Blob, SealError> {
        let record = Writer::new()
            .raw(self.key.expose())
            .bytes(names.project.as_str().as_bytes())
            .bytes(names.environment.as_str().as_bytes())
            .u8(u8::from(names.production))
            .finish_secret();
        seal::seal(by, context, &record).map(Blob::from_sealed)
    }

    pub(crate) fn unwrap(
        place: Place,
        by: &Key,
        context: &Context<'_>,
        wrapped: &Blob,
    ) -> Result<(Self, EnvironmentNames), OpenError> {
        let record = seal::open(by, context, wrapped.as_bytes())?;
        let read = || {
            let mut reader = Reader::new(&record);
            let key = Key::from_bytes(reader.array()?);
            let names = EnvironmentNames {
                project: reader.text()?.parse().map_err(|_| FieldsError)?,
                environment: reader.text()?.parse().map_err(|_| FieldsError)?,
                production: reader.flag()?,
            };
            reader.end()?;
            Ok((Self { place, key }, names))
        };
        read().map_err(|_: FieldsError| OpenError)
    }

    /// What the manifest says of a secret that was sealed.
    pub fn entry(sealed: &SealedSecret) -> crate::Entry {
        crate::Entry {
            index: sealed.index,
            id: sealed.id,
            version: sealed.version,
            value: digest(&sealed.value),
            policy: policy_digest(sealed.policy.as_ref()),
        }
    }
}
