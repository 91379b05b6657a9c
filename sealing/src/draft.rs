use crate::{
    AccountKey, ApiKey, EnvironmentKey, EnvironmentNames, EnvironmentRecord, KeyRecord, KeyStatus, Manifest,
    ManifestKey, Place, ProjectRecord, TrustError, make_id,
};
use protocol::{
    Blob, EnvironmentId, Label, Permissions,
    body::{Environment, Grant, Versioned},
};
use seal::SealError;

/// An environment that was drawn and is not registered yet.
pub struct EnvironmentDraft {
    /// What the owner's record will say of it.
    pub record: EnvironmentRecord,
    /// Kind 4, generation 1.
    pub key: Blob,
    /// Kind 8, the root of version 1.
    pub root: Versioned,
    /// Kind 8, the buckets that the root names, in order.
    pub buckets: Vec<Blob>,
}

/// An API key that was drawn and is not registered yet.
pub struct KeyDraft {
    /// The key, to be shown once.
    pub api_key: ApiKey,
    /// What the owner's record will say of it.
    pub entry: ManifestKey,
    /// Kind 11.
    pub record: Blob,
    /// The environment keys it gets.
    pub grants: Vec<Grant>,
}

impl AccountKey {
    /// Draws an environment of a project, with its key and an empty manifest.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn draft_environment(
        &self,
        project: &ProjectRecord,
        name: Label,
        production: bool,
    ) -> Result<EnvironmentDraft, SealError> {
        let id = EnvironmentId::from_bytes(make_id()?);
        let place = Place { account: self.account(), project: project.id, environment: id };
        let key = EnvironmentKey::make(place)?;
        let names = EnvironmentNames { project: project.name.clone(), environment: name.clone(), production };
        let wrapped = self.wrap_environment_key(&place, 1, &key, &names)?;
        let (root, buckets) = Manifest::empty().seal_next(&key, &[])?;
        Ok(EnvironmentDraft {
            record: EnvironmentRecord { id, project: project.id, name, production, generation: 1 },
            key: wrapped,
            root,
            buckets: buckets.into_iter().map(|bucket| bucket.blob).collect(),
        })
    }

    /// Unwraps the key of an environment of the owner's own record from what the vault served, and checks it
    /// against that record.
    ///
    /// # Errors
    /// When it was left out, is of another generation, or is called something else.
    pub fn open_environment(
        &self,
        record: &EnvironmentRecord,
        served: &[Environment],
    ) -> Result<(EnvironmentKey, EnvironmentNames), TrustError> {
        let found = served.iter().find(|one| one.id == record.id).ok_or(TrustError::Missing)?;
        if found.generation != record.generation {
            return Err(TrustError::NotCurrent);
        }
        let place = Place { account: self.account(), project: record.project, environment: record.id };
        let (key, names) = self.unwrap_environment_key(&place, record.generation, &found.key)?;
        if names.environment != record.name || names.production != record.production {
            return Err(TrustError::NotCurrent);
        }
        Ok((key, names))
    }

    /// Draws an API key for environments that their owner opened. `expires_at`: seconds since 1970, 0 for never.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn draft_key(
        &self,
        environments: &[(EnvironmentRecord, EnvironmentKey, EnvironmentNames)],
        name: Label,
        permissions: Permissions,
        expires_at: u64,
    ) -> Result<KeyDraft, SealError> {
        let api_key = ApiKey::make()?;
        let wrap = api_key.derive_wrap();
        let grants = environments
            .iter()
            .map(|(record, key, names)| {
                let wrapped = wrap.wrap_environment_key(key.place(), record.generation, key, names)?;
                Ok(Grant { environment: record.id, key: wrapped })
            })
            .collect::<Result<_, SealError>>()?;
        let mut ids: Vec<EnvironmentId> = environments.iter().map(|(record, ..)| record.id).collect();
        ids.sort_unstable();
        let record =
            KeyRecord { wrap, name: name.clone(), permissions, expires_at, environments: ids.clone() };
        let record = self.seal_key_record(&record)?;
        let status = KeyStatus::Active;
        let entry =
            ManifestKey { id: api_key.id(), name, permissions, expires_at, status, environments: ids };
        Ok(KeyDraft { api_key, entry, record, grants })
    }
}
