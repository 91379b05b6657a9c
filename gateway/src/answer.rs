//! What every answer has: a request id, headers that keep it out of caches and frames, and for a refusal its problem
//! document.

use crate::{
    log::{Event, Log},
    refusal::Refusal,
};
use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::{Code, HEADERS, Problem};
use std::sync::Arc;

pub(crate) async fn finish(State(log): State<Log>, request: Request, next: Next) -> Response {
    let mut id = [0; 16];
    let drawn = getrandom::fill(&mut id);
    let id = base16ct::lower::encode_string(&id);
    // Not the path itself, which may name a secret.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let asked = path.as_ref().map_or("no endpoint", MatchedPath::as_str);
    let mut response = match drawn {
        Ok(()) => next.run(request).await,
        Err(_) => Refusal::from(Code::Internal).into_response(),
    };
    let refused = response.extensions_mut().remove::<Arc<Refusal>>();
    if let Some(Refusal { code, detail, retry_after }) = refused.as_deref() {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem::new(*code, detail.to_string(), &id);
        response = (status, Json(Problem { retry_after: *retry_after, ..problem })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, (*seconds).into());
        }
    }
    let status = response.status().as_u16();
    let is_error = status >= 500;
    log(&Event {
        level: if is_error { "error" } else { "info" },
        event: "request",
        request: &id,
        asked,
        status,
        cause: refused.as_deref().filter(|_| is_error).map(|refused| &*refused.detail),
    });
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}
