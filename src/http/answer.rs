//! What every answer has: a request id, headers that keep it out of caches and frames, and for a refusal its
//! problem document. Who showed no good credential is counted as the stranger that he is.

use super::{
    caller::{admit, origin},
    refusal::Refused,
};
use crate::{
    host::Host,
    log::{Event, Level},
    vault::Refusal,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use protocol::{Code, HEADERS};
use std::sync::Arc;

/// The id of this request: in its answer, in its audit row, and in the log.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request its id, and the answer what every answer has.
pub(crate) async fn finish(State(host): State<Host>, mut request: Request, next: Next) -> Response {
    let mut id = [0; 16];
    let drawn = getrandom::fill(&mut id);
    let id = base16ct::lower::encode_string(&id);
    let what = format!("{} {}", request.method(), request.uri().path());
    let origin = origin(&host, request.headers(), request.extensions());
    let mut response = if drawn.is_ok() {
        request.extensions_mut().insert(RequestId(id.clone()));
        next.run(request).await
    } else {
        Refused(Refusal::Fault("no random bytes".into())).into_response()
    };
    let mut refused = response.extensions_mut().remove::<Arc<Refused>>();
    if let Some(Refused(Refusal::Because(Code::Unauthenticated))) = refused.as_deref()
        && let Err(instead) = admit(&host, &origin).await
    {
        refused = Some(Arc::new(instead));
    }
    if let Some(refused) = &refused {
        let (status, problem) = refused.problem(&id);
        let retry_after = problem.retry_after;
        response = (status, Json(problem)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    let cause = match refused.as_deref() {
        Some(Refused(Refusal::Fault(text))) => Some(text.as_str()),
        _ => None,
    };
    (host.log)(&Event {
        request: Some(&id),
        asked: Some(&what),
        status: Some(response.status().as_u16()),
        cause,
        ..Event::new(if cause.is_some() { Level::Error } else { Level::Info }, "request")
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

/// Reads the body before anything is answered. Both hosts close a connection on which a body was left unread: natively
/// the client's next request on it is lost, and before workerd a proxy answers in its own words.
pub(crate) async fn read_first(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match axum::body::to_bytes(body, crate::endpoints::MANY).await {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(_) => Refused(protocol::Code::BodyTooLarge.into()).into_response(),
    }
}
