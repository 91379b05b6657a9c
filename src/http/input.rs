//! Bodies, queries and path parts, parsed into types that cannot be wrong. What is refused is never quoted: a
//! body may hold what must not reach an answer or a log.

use super::refusal::Refused;
use crate::vault::Refusal;
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::Response,
};
use protocol::Code;
use serde::{Deserialize, de::DeserializeOwned};

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            Refused(match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge.into(),
                _ => Refusal::Invalid("the body could not be read".into()),
            })
        })?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Refused(Refusal::Invalid("the body is not UTF-8".into())))?;
        serde_json::from_str(text).map(Self).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Refused(Refusal::Invalid(format!(
                "the body is not JSON of the form that this endpoint takes, near {place}"
            )))
        })
    }
}

fn bad_query() -> Refused {
    Refused(Refusal::Invalid("a query parameter is missing, unknown or malformed".into()))
}

/// Refuses a query, where an endpoint takes none.
pub(crate) async fn take_no_query(request: Request, next: Next) -> Result<Response, Refused> {
    match request.uri().query() {
        None | Some("") => Ok(next.run(request).await),
        Some(_) => Err(bad_query()),
    }
}

/// The query string.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).map(Self).map_err(|_| bad_query())
    }
}

/// `?cursor=`: where a page begins, as the page before said.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor<T> {
    pub(crate) cursor: Option<T>,
}

/// The parts of the path.
pub(crate) struct Named<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|_| Refused(Code::NotFound.into()))
    }
}
