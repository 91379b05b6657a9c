//! API keys, as their owner makes, rotates and revokes them.

use super::{Owner, now};
use crate::error::{Error, Result};
use protocol::{
    AddressRange, KeyId, Label, Permission,
    body::{KeyEntry, NewKey, Page, RevokeKey, RotateKey},
};
use sealing::{ApiKey, EnvironmentRecord, KeyDraft, KeyStatus};

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
        let opened = self.environment_keys(environments)?;
        let KeyDraft { api_key, entry, record, grants } =
            self.key.draft_key(&opened, name, permissions, expires_at.unwrap_or(0))?;
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
        let opened = self.environment_keys(&environments)?;
        let KeyDraft { api_key, entry, record, grants } =
            self.key.draft_key(&opened, old.name.clone(), old.permissions, expires_at.unwrap_or(0))?;
        let (new_id, token) = (api_key.id(), api_key.derive_token(&self.remote.address().audience));
        let until = now().saturating_add(overlap);
        let old_expires_at = if old.expires_at == 0 { until } else { until.min(old.expires_at) };
        self.write(
            |next| {
                next.keys.push(entry);
                next.end_key(id, old_expires_at);
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
            |next| next.revoke_key(id),
            |remote, manifest| remote.post(&format!("/v1/keys/{id}/revoke"), &RevokeKey { manifest }),
        )
    }
}
