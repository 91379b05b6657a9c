//! The environment manifest: what an environment holds, in which versions, sealed under its key. It is how a
//! client knows that an answer is current and complete (`docs/protocol.md`, "Manifests").

use crate::{EnvironmentKey, OpenedSecret, Rules};
use protocol::{
    Blob, Digest, NameIndex, SecretId, SecretName,
    body::{Bucket as SealedBucket, Bundle, SealedSecret, SecretEntry, Versioned},
};
use seal::{Kind, OpenError, Reader, SealError, Writer};
use sha2::{Digest as _, Sha256};

/// Entries that one of so many buckets may hold before their number is doubled. Who reads one secret is sent the root, 32
/// bytes for each bucket, and a bucket, 104 bytes for each entry: 19 entries are what pads to 2 KiB, and from 64 buckets
/// (2 KiB of the root) on larger buckets keep the root small.
const fn full(buckets: usize) -> usize {
    if buckets < 64 { 19 } else { 64 }
}
/// One for each value of an index's first two bytes.
const MOST_BUCKETS: usize = 65536;

/// Why an answer of the vault is not believed. Nothing of it is used.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum TrustError {
    /// Something does not open: another environment's, another secret's, or altered.
    #[error("sealed data was swapped or altered: it does not open at its place")]
    DoesNotOpen,
    /// An older state than this client has seen.
    #[error("the vault served an older state (version {served}) than was seen before (version {seen})")]
    Older {
        /// The newest version seen.
        seen: u64,
        /// The version served.
        served: u64,
    },
    /// The version that was seen, with other content.
    #[error("the vault served two different states with the same version {version}")]
    Forked {
        /// The version of both.
        version: u64,
    },
    /// A bucket that the root does not name.
    #[error("a part of the manifest is not the one that its root names")]
    WrongBucket,
    /// A secret that is not the one in the manifest: another version, id or bytes.
    #[error("the vault served a secret that is not the current one")]
    NotCurrent,
    /// A secret that the manifest has was left out.
    #[error("the vault left out a secret that is there")]
    Missing,
    /// A secret was served that the manifest does not have, or one twice.
    #[error("the vault served a secret that is not in the manifest, or one twice")]
    Unexpected,
    /// Rules that are not the ones in the manifest: older, altered or made up.
    #[error("the vault served rules of the environment that are not the current ones")]
    RulesNotCurrent,
    /// Rules that the manifest has were left out.
    #[error("the vault left out the rules of the environment")]
    RulesMissing,
}

impl From<OpenError> for TrustError {
    fn from(OpenError: OpenError) -> Self {
        Self::DoesNotOpen
    }
}

/// The SHA-256 of a blob.
pub(crate) fn digest(blob: &Blob) -> [u8; 32] {
    Sha256::digest(blob.as_bytes()).into()
}

/// What a manifest has in place of a policy's digest: zeros for none.
pub(crate) fn policy_digest(policy: Option<&Versioned>) -> [u8; 32] {
    policy.map_or([0; 32], |policy| digest(&policy.blob))
}

/// The newest state of a manifest that a client has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Its version.
    pub version: u64,
    /// The SHA-256 of its blob; all zero when only the version is known.
    pub digest: [u8; 32],
}

impl Pin {
    /// The pin of what was served.
    pub fn of(served: &Versioned) -> Self {
        Self { version: served.version, digest: digest(&served.blob) }
    }

    /// Whether what is served now may follow what was seen before.
    ///
    /// # Errors
    /// [`TrustError::Older`] or [`TrustError::Forked`].
    pub fn admits(&self, served: &Versioned) -> Result<(), TrustError> {
        if served.version < self.version {
            return Err(TrustError::Older { seen: self.version, served: served.version });
        }
        let known = self.digest != [0; 32];
        if served.version == self.version && known && digest(&served.blob) != self.digest {
            return Err(TrustError::Forked { version: served.version });
        }
        Ok(())
    }
}

/// What the manifest says of one secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The blind index of its name.
    pub index: NameIndex,
    /// Its id.
    pub id: SecretId,
    /// Its version.
    pub version: u64,
    /// The SHA-256 of its value's blob.
    pub value: [u8; 32],
    /// The SHA-256 of its policy's blob; all zero for no policy.
    pub policy: [u8; 32],
}

impl Entry {
    fn write(&self, writer: Writer) -> Writer {
        writer
            .raw(self.index.as_bytes())
            .raw(self.id.as_bytes())
            .u64(self.version)
            .raw(&self.value)
            .raw(&self.policy)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, seal::FieldsError> {
        Ok(Self {
            index: NameIndex::from_bytes(reader.array()?),
            id: SecretId::from_bytes(reader.array()?),
            version: reader.u64()?,
            value: reader.array()?,
            policy: reader.array()?,
        })
    }
}

/// The root: version, number of secrets, and the digests of each bucket and of the rules.
struct Root {
    secrets: u32,
    digests: Vec<[u8; 32]>,
    /// All zero for no rules.
    rules: [u8; 32],
}

const NO_RULES: [u8; 32] = [0; 32];

fn rules_digest(rules: [u8; 32]) -> Option<Digest> {
    (rules != NO_RULES).then(|| Digest::from_bytes(rules))
}

impl Root {
    fn open(key: &EnvironmentKey, sealed: &Versioned) -> Result<Self, TrustError> {
        let context = key.place().context(Kind::ENVIRONMENT_MANIFEST, b"root", &[], sealed.version);
        let bytes = seal::open(key.key(), &context, sealed.blob.as_bytes())?;
        let read = || {
            let mut reader = Reader::new(&bytes);
            let version = reader.u64()?;
            let secrets = reader.u32()?;
            let count = reader.u32()? as usize;
            if version != sealed.version || !count.is_power_of_two() || count > MOST_BUCKETS {
                return Err(seal::FieldsError);
            }
            let digests = (0..count).map(|_| reader.array()).collect::<Result<Vec<_>, _>>()?;
            let rules = match reader.is_at_end() {
                true => NO_RULES,
                // That there are none has one spelling.
                false => Some(reader.array()?).filter(|rules| *rules != NO_RULES).ok_or(seal::FieldsError)?,
            };
            reader.end()?;
            Ok(Self { secrets, digests, rules })
        };
        read().map_err(|_| TrustError::DoesNotOpen)
    }

    /// Opens a bucket and checks that it is the one the root names and holds only what belongs there.
    fn open_bucket(
        &self,
        key: &EnvironmentKey,
        number: usize,
        sealed: &Blob,
    ) -> Result<Vec<Entry>, TrustError> {
        if self.digests.get(number) != Some(&digest(sealed)) {
            return Err(TrustError::WrongBucket);
        }
        let index = u32::try_from(number).map_err(|_| TrustError::WrongBucket)?.to_be_bytes();
        let context = key.place().context(Kind::ENVIRONMENT_MANIFEST, b"bucket", &index, 0);
        let bytes = seal::open(key.key(), &context, sealed.as_bytes())?;
        let mut reader = Reader::new(&bytes);
        let entries = reader.list(Entry::read, |entry| entry.index).map_err(|_| TrustError::DoesNotOpen)?;
        reader.end().map_err(|_| TrustError::DoesNotOpen)?;
        if entries.iter().any(|entry| bucket_of(entry.index, self.digests.len()) != number) {
            return Err(TrustError::DoesNotOpen);
        }
        Ok(entries)
    }
}

/// Which of `count` buckets an index belongs to.
fn bucket_of(index: NameIndex, count: usize) -> usize {
    let [first, second, ..] = *index.as_bytes();
    usize::from(u16::from_be_bytes([first, second])) * count / MOST_BUCKETS
}

impl EnvironmentKey {
    /// Opens a whole environment: every secret that its manifest names, each current, and nothing else; and the manifest.
    ///
    /// # Errors
    /// When one is left out, made up, doubled or not current, or anything does not open.
    pub fn open_contents(&self, served: &Bundle) -> Result<(Manifest, Vec<OpenedSecret>), TrustError> {
        let manifest = Manifest::open(self, &served.root, &served.buckets)?;
        manifest.admits(self, &served.secrets, &served.canaries)?;
        let secrets = served.secrets.iter().map(|secret| self.open_secret(secret));
        Ok((manifest, secrets.collect::<Result<_, _>>()?))
    }

    /// Opens an environment's rules, or their absence, on the word of its root.
    ///
    /// # Errors
    /// When rules are withheld, made up or not the current ones.
    pub fn open_current_rules(
        &self,
        root: &Versioned,
        served: Option<&Versioned>,
    ) -> Result<Option<Rules>, TrustError> {
        let opened = Root::open(self, root)?;
        match served {
            None if opened.rules == NO_RULES => Ok(None),
            None => Err(TrustError::RulesMissing),
            Some(served) if digest(&served.blob) == opened.rules => {
                Ok(Some(self.open_rules(served.version, &served.blob)?))
            }
            Some(_) => Err(TrustError::RulesNotCurrent),
        }
    }
}

/// Root and one bucket, verified: they prove a secret or its absence.
pub struct Proof {
    entry: Option<Entry>,
    rules: [u8; 32],
}

impl Proof {
    /// Verifies what a read of `name` answered.
    ///
    /// # Errors
    /// When root or bucket are not this environment's, or not each other's.
    pub fn open(
        key: &EnvironmentKey,
        name: &SecretName,
        root: &Versioned,
        bucket: &Blob,
    ) -> Result<Self, TrustError> {
        let index = key.derive_index(name);
        let opened = Root::open(key, root)?;
        let entries = opened.open_bucket(key, bucket_of(index, opened.digests.len()), bucket)?;
        Ok(Self { entry: entries.into_iter().find(|entry| entry.index == index), rules: opened.rules })
    }

    /// The SHA-256 of the environment's rules, which hold for this secret, too; nothing where there are none.
    pub fn rules(&self) -> Option<Digest> {
        rules_digest(self.rules)
    }

    /// Whether the served secret, or none, is what the proof says.
    ///
    /// # Errors
    /// When a secret is withheld, made up, or not the current one.
    pub fn admits(&self, served: Option<&SealedSecret>) -> Result<(), TrustError> {
        match (self.entry, served) {
            (None, None) => Ok(()),
            (Some(_), None) => Err(TrustError::Missing),
            (None, Some(_)) => Err(TrustError::Unexpected),
            (Some(entry), Some(served)) if EnvironmentKey::entry(served) == entry => Ok(()),
            (Some(_), Some(_)) => Err(TrustError::NotCurrent),
        }
    }
}

/// A whole manifest, verified, to list, to compare and to change.
pub struct Manifest {
    version: u64,
    buckets: Vec<Vec<Entry>>,
    changed: Vec<bool>,
    rules: [u8; 32],
}

impl Manifest {
    /// The manifest of an environment that holds nothing yet; its first write has version 1.
    pub fn empty() -> Self {
        Self { version: 0, buckets: vec![vec![]], changed: vec![true], rules: NO_RULES }
    }

    /// The manifest to write anew in place of one of that version, under another key.
    pub fn following(version: u64) -> Self {
        Self { version, ..Self::empty() }
    }

    /// Verifies root and all buckets.
    ///
    /// # Errors
    /// When they are not this environment's, not each other's, or not complete.
    pub fn open(key: &EnvironmentKey, root: &Versioned, buckets: &[Blob]) -> Result<Self, TrustError> {
        let opened = Root::open(key, root)?;
        if buckets.len() != opened.digests.len() {
            return Err(TrustError::WrongBucket);
        }
        let entries = buckets
            .iter()
            .enumerate()
            .map(|(number, sealed)| opened.open_bucket(key, number, sealed))
            .collect::<Result<Vec<_>, _>>()?;
        if entries.iter().map(Vec::len).sum::<usize>() != opened.secrets as usize {
            return Err(TrustError::DoesNotOpen);
        }
        let changed = vec![false; entries.len()];
        Ok(Self { version: root.version, changed, buckets: entries, rules: opened.rules })
    }

    /// The version it was opened at.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many secrets there are.
    pub fn len(&self) -> usize {
        self.buckets.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it says of the secret of this index.
    pub fn entry(&self, index: NameIndex) -> Option<&Entry> {
        self.buckets.get(bucket_of(index, self.buckets.len()))?.iter().find(|entry| entry.index == index)
    }

    /// Checks that the served secrets are exactly the manifest's, each current; and that those served without a
    /// value are canaries.
    ///
    /// # Errors
    /// When one is left out, made up, doubled or not current.
    pub fn admits(
        &self,
        key: &EnvironmentKey,
        served: &[SealedSecret],
        canaries: &[SecretEntry],
    ) -> Result<(), TrustError> {
        for secret in served {
            let entry = self.entry(secret.index).ok_or(TrustError::Unexpected)?;
            if EnvironmentKey::entry(secret) != *entry {
                return Err(TrustError::NotCurrent);
            }
        }
        for secret in canaries {
            self.admits_entry(secret)?;
            let (_, _, policy) = key.open_entry(secret)?;
            if !policy.canary {
                return Err(TrustError::Missing);
            }
        }
        let indexes =
            served.iter().map(|secret| secret.index).chain(canaries.iter().map(|secret| secret.index));
        self.admits_indexes(&indexes.collect::<Vec<_>>())
    }

    fn admits_entry(&self, served: &SecretEntry) -> Result<(), TrustError> {
        let entry = self.entry(served.index).ok_or(TrustError::Unexpected)?;
        let current = (entry.id, entry.version, entry.policy)
            == (served.id, served.version, policy_digest(served.policy.as_ref()));
        if current { Ok(()) } else { Err(TrustError::NotCurrent) }
    }

    /// Checks that the served entries of a list, all pages of it, are exactly the manifest's.
    ///
    /// # Errors
    /// As [`Manifest::admits`].
    pub fn admits_entries(&self, served: &[SecretEntry]) -> Result<(), TrustError> {
        for secret in served {
            self.admits_entry(secret)?;
        }
        self.admits_indexes(&served.iter().map(|secret| secret.index).collect::<Vec<_>>())
    }

    fn admits_indexes(&self, served: &[NameIndex]) -> Result<(), TrustError> {
        let mut sorted = served.to_vec();
        sorted.sort_unstable();
        if !sorted.is_sorted_by(|a, b| a < b) {
            return Err(TrustError::Unexpected);
        }
        if served.len() != self.len() { Err(TrustError::Missing) } else { Ok(()) }
    }

    /// Puts a secret that was sealed, in place of the one of its index. A new version keeps the secret's policy.
    pub fn put(&mut self, entry: Entry) {
        if let Some(bucket) = self.bucket_mut(entry.index) {
            match bucket.binary_search_by_key(&entry.index, |old| old.index) {
                Ok(position) => {
                    if let Some(old) = bucket.get_mut(position) {
                        let policy = if old.id == entry.id { old.policy } else { entry.policy };
                        *old = Entry { policy, ..entry };
                    }
                }
                Err(position) => bucket.insert(position, entry),
            }
        }
    }

    /// Sets the policy of the secret of this index.
    pub fn set_policy(&mut self, index: NameIndex, policy: &Blob) {
        let entry =
            self.bucket_mut(index).and_then(|bucket| bucket.iter_mut().find(|one| one.index == index));
        if let Some(entry) = entry {
            entry.policy = digest(policy);
        }
    }

    /// The SHA-256 of the environment's rules; nothing where there are none.
    pub fn rules(&self) -> Option<Digest> {
        rules_digest(self.rules)
    }

    /// Sets the environment's rules.
    pub fn set_rules(&mut self, rules: &Blob) {
        self.rules = digest(rules);
    }

    /// Removes the secret of this index.
    pub fn remove(&mut self, index: NameIndex) {
        if let Some(bucket) = self.bucket_mut(index) {
            bucket.retain(|entry| entry.index != index);
        }
    }

    fn bucket_mut(&mut self, index: NameIndex) -> Option<&mut Vec<Entry>> {
        let number = bucket_of(index, self.buckets.len());
        *self.changed.get_mut(number)? = true;
        self.buckets.get_mut(number)
    }

    /// Seals what is to be written: the next root and the buckets that differ. The digests of the others are
    /// taken from their sealed form in `unchanged`, as the vault served it.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal_next(
        mut self,
        key: &EnvironmentKey,
        unchanged: &[Blob],
    ) -> Result<(Versioned, Vec<SealedBucket>), SealError> {
        while self.buckets.iter().any(|bucket| bucket.len() > full(self.buckets.len()))
            && self.buckets.len() < MOST_BUCKETS
        {
            self.double();
        }
        let mut digests = Vec::with_capacity(self.buckets.len());
        let mut sealed = Vec::new();
        for (number, (entries, changed)) in self.buckets.iter().zip(&self.changed).enumerate() {
            match unchanged.get(number).filter(|_| !changed) {
                Some(blob) => digests.push(digest(blob)),
                None => {
                    let number = u32::try_from(number).map_err(|_| SealError::TooLong)?;
                    let index = number.to_be_bytes();
                    let context = key.place().context(Kind::ENVIRONMENT_MANIFEST, b"bucket", &index, 0);
                    let bytes = Writer::new()
                        .list(entries.iter(), |writer, entry| entry.write(writer))
                        .finish_secret();
                    let blob = seal::seal(key.key(), &context, &bytes).map(Blob::from_sealed)?;
                    digests.push(digest(&blob));
                    sealed.push(SealedBucket { number, blob });
                }
            }
        }
        let version = self.version.saturating_add(1);
        let secrets = u32::try_from(self.len()).map_err(|_| SealError::TooLong)?;
        let bytes =
            Writer::new().u64(version).u32(secrets).list(digests.iter(), |writer, digest| writer.raw(digest));
        let rules = Some(self.rules).filter(|rules| *rules != NO_RULES);
        let bytes = rules.iter().fold(bytes, |writer, rules| writer.raw(rules)).finish_secret();
        let context = key.place().context(Kind::ENVIRONMENT_MANIFEST, b"root", &[], version);
        let blob = seal::seal(key.key(), &context, &bytes).map(Blob::from_sealed)?;
        Ok((Versioned { version, blob }, sealed))
    }

    fn double(&mut self) {
        let count = self.buckets.len() * 2;
        let mut buckets = vec![Vec::new(); count];
        for entry in self.buckets.drain(..).flatten() {
            if let Some(bucket) = buckets.get_mut(bucket_of(entry.index, count)) {
                bucket.push(entry);
            }
        }
        self.buckets = buckets;
        self.changed = vec![true; count];
    }
}
