//! Key, query and name of a request, parsed into types that cannot be wrong. What is refused is never quoted.

use crate::refusal::Refusal;
use axum::{
    extract::{FromRequestParts, Path},
    http::{header, request::Parts},
};
use protocol::{Code, SecretName};
use sealing::ApiKey;
use serde::de::DeserializeOwned;

/// The API key that was sent, whole. Whose it is, and what it may do, the vault decides.
pub(crate) struct KeyOf(pub(crate) ApiKey);

impl<S: Send + Sync> FromRequestParts<S> for KeyOf {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        // Taken out: nothing that comes after needs it.
        let sent = parts.headers.remove(header::AUTHORIZATION);
        let key = sent.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")?.parse().ok());
        key.map(Self).ok_or_else(|| {
            Refusal::new(
                Code::Unauthenticated,
                "the API key is missing or malformed; send all of it, 74 characters from sc_ on, as `Authorization: Bearer sc_…`",
            )
        })
    }
}

pub(crate) fn bad_query() -> Refusal {
    Refusal::new(
        Code::InvalidRequest,
        "a query parameter is missing, unknown or malformed; docs/gateway.md has them",
    )
}

/// The query string.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).map(Self).map_err(|_| bad_query())
    }
}

/// The secret's name in the path.
pub(crate) struct Named(pub(crate) SecretName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<SecretName>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| {
            Refusal::new(
                Code::InvalidRequest,
                "that is no secret's name: a letter or `_`, then letters, digits or `_`, at most 128 in all",
            )
        })
    }
}
