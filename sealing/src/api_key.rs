use crate::{Audience, EnvironmentNames, Place, expand, expand_key, label, random::make_bytes};
use hkdf::Hkdf;
use protocol::{
    AccessToken, AccountId, Blob, KeyId, ParseTokenError, TokenKind,
    body::Environment,
    token::{decode, encode},
};
use seal::{Key, Kind, OpenError, SealError};
use sha2::Sha256;
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// An API key: an id and a secret that never leaves the client. Prints as the start of its id.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl ApiKey {
    /// Draws a key.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Result<Self, SealError> {
        Ok(Self { id: KeyId::from_bytes(make_bytes()?), secret: Zeroizing::new(make_bytes()?) })
    }

    /// The key's id, which is no secret.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The whole key as text: to show it once to the person who made it, or to store it where that person said.
    pub fn expose(&self) -> Zeroizing<String> {
        encode(TokenKind::ApiKey, &self.id, &self.secret)
    }

    /// What is sent to the vault of this audience.
    pub fn derive_token(&self, audience: &Audience) -> AccessToken {
        AccessToken::new(self.id, expand(&self.prk(), &[label::KEY_AUTH, audience.as_str().as_bytes()]))
    }

    /// What opens this key's environments; never sent.
    pub fn derive_wrap(&self) -> WrapKey {
        WrapKey { id: self.id, key: expand_key(&self.prk(), &[label::KEY_WRAP]) }
    }

    fn prk(&self) -> Hkdf<Sha256> {
        Hkdf::new(Some(self.id.as_bytes()), self.secret.as_ref())
    }
}

impl FromStr for ApiKey {
    type Err = ParseTokenError;
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        decode(TokenKind::ApiKey, text).map(|(id, secret)| Self { id, secret })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:.4}…)", self.id.to_string())
    }
}

/// The half of an API key that wraps environment keys. The owner keeps it under the account key, so that a new
/// environment key can be wrapped for the keys in the owner's own record.
#[derive(Clone)]
pub struct WrapKey {
    id: KeyId,
    key: Key,
}

impl WrapKey {
    pub(crate) fn new(id: KeyId, key: Key) -> Self {
        Self { id, key }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Whose it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Wraps an environment key for this API key (kind 5).
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn wrap_environment_key(
        &self,
        place: &Place,
        generation: u64,
        key: &crate::EnvironmentKey,
        names: &EnvironmentNames,
    ) -> Result<Blob, SealError> {
        let context = place.context(Kind::ENVIRONMENT_KEY_OF_API_KEY, self.id.as_bytes(), &[], generation);
        key.wrap(&self.key, &context, names)
    }

    /// Unwraps an environment key that was wrapped for this API key (kind 5).
    ///
    /// # Errors
    /// When it was not, or not for this place and generation.
    pub fn unwrap_environment_key(
        &self,
        place: &Place,
        generation: u64,
        wrapped: &Blob,
    ) -> Result<(crate::EnvironmentKey, EnvironmentNames), OpenError> {
        let context = place.context(Kind::ENVIRONMENT_KEY_OF_API_KEY, self.id.as_bytes(), &[], generation);
        crate::EnvironmentKey::unwrap(*place, &self.key, &context, wrapped)
    }

    /// Unwraps the key of an environment as the vault serves it. What it is called is sealed with its key, so the vault
    /// cannot pass off another.
    ///
    /// # Errors
    /// As [`WrapKey::unwrap_environment_key`].
    pub fn open_environment(
        &self,
        account: AccountId,
        served: &Environment,
    ) -> Result<(crate::EnvironmentKey, EnvironmentNames), OpenError> {
        let place = Place { account, project: served.project, environment: served.id };
        self.unwrap_environment_key(&place, served.generation, &served.key)
    }
}
