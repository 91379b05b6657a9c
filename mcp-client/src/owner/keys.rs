//! API keys, as their owner makes, rotates and revokes them.

use super::{Owner, now};
use crate::error::{Error, Result};
use protocol::{
    AddressRange, Blob, EnvironmentId, KeyId, Label, Permission, Permissions,
    body::{Grant, KeyEntry, NewKey, Page, RevokeKey, RotateKey},
};
use sealing::{ApiKey, EnvironmentRecord, KeyRecord, KeyStatus, ManifestKey};

/// An API key that was drawn and is not registered yet.
struct KeyDraft {
    api_key: ApiKey,
    record: Blob,
    entry: ManifestKey,
    grants: Vec<Grant>,
    addresses: Vec<AddressRange>,
}

impl Owner {
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
}
