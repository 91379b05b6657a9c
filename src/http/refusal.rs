//! A domain error becomes an answer here, and only here.

use crate::vault::Refusal;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use protocol::{Code, Problem};
use std::sync::Arc;

/// A refusal on its way out; `answer::finish` writes its body, which needs the request's id.
pub struct Refused(pub(crate) Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl Refused {
    /// The problem document. A fault says nothing of itself: its text is in the log, under the request's id.
    pub(crate) fn problem(&self, request_id: &str) -> (StatusCode, Problem) {
        let mut retry_after = None;
        let (code, limit, detail) = match &self.0 {
            Refusal::Because(code) => (*code, None, code.advice().to_owned()),
            Refusal::Later(code, seconds) => {
                retry_after = Some(*seconds);
                (*code, None, code.advice().to_owned())
            }
            Refusal::Quota(resource) => {
                let detail = format!("{}: {}", Code::QuotaExceeded.advice(), resource.as_str());
                (Code::QuotaExceeded, Some(*resource), detail)
            }
            Refusal::Invalid(text) => (Code::InvalidRequest, None, text.clone()),
            Refusal::Fault(_) => (Code::Internal, None, Code::Internal.advice().to_owned()),
        };
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Problem { limit, retry_after, ..Problem::new(code, detail, request_id) })
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) async fn closed() -> Refused {
    Refused(Code::Unavailable.into())
}

pub(crate) async fn no_such_path() -> Refused {
    Refused(Code::NotFound.into())
}

pub(crate) async fn no_such_method() -> Refused {
    Refused(Code::MethodNotAllowed.into())
}
