//! Why nothing is handed out, as a problem document with the vault's codes.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::{Code, Problem};
use sealing::{OpenError, TrustError, export::SpellingError};
use std::{borrow::Cow, sync::Arc};

/// A refusal on its way out; `answer::finish` writes its body, which needs the request's id.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// What happened and what to do now; quotes neither the request nor a server's prose.
    pub(crate) detail: Cow<'static, str>,
    pub(crate) retry_after: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    /// What the vault refused, in words of our own.
    pub(crate) fn of_vault(problem: &Problem) -> Self {
        match problem.code {
            // Of requests that we make, so not of the caller's making.
            Code::InvalidRequest | Code::NotFound | Code::MethodNotAllowed | Code::BodyTooLarge => {
                Self::no_vault_there()
            }
            code => Self { retry_after: problem.retry_after, ..code.into() },
        }
    }

    pub(crate) fn no_vault_there() -> Self {
        Self::new(
            Code::Unavailable,
            "what answers at the vault's address is not a SecureCode vault of this version; the gateway's operator checks SECURECODE_VAULT_URL, and updates the vault or the gateway",
        )
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code, code.advice())
    }
}

impl From<TrustError> for Refusal {
    fn from(error: TrustError) -> Self {
        Self::new(
            Code::IntegrityFailure,
            format!(
                "what the vault answered does not hold, so nothing is given out: {error}; tell the owner"
            ),
        )
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        TrustError::from(error).into()
    }
}

impl From<SpellingError> for Refusal {
    fn from(error: SpellingError) -> Self {
        let remedy = "ask for another format, name the others with `only`, or get it from /v1/secrets/NAME";
        Self::new(Code::InvalidRequest, format!("{error}; {remedy}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
