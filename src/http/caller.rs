//! The only place where a request becomes a [`Caller`].

use super::{answer::RequestId, refusal::Refused};
use crate::{
    host::Host,
    vault::{
        Refusal,
        access::{Caller, Origin},
    },
};
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, header, request::Parts},
};
use protocol::Code;

/// The header in which a client says which coding agent it works for.
const AGENT: HeaderName = HeaderName::from_static("securecode-agent");

impl FromRequestParts<Host> for Caller {
    type Rejection = Refused;

    /// Takes the bearer token, checked for form alone: whose it is, SQL decides.
    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        let request = request_id(parts)?;
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(|token| token.parse().ok())
            .ok_or(Refused(Code::Unauthenticated.into()))?;
        Ok(Self { token, request, origin: origin(host, &parts.headers, &parts.extensions) })
    }
}

/// A request that has no credential yet: sign-up and log-in. An address may send so many.
pub(crate) struct Stranger {
    pub(crate) request: String,
    pub(crate) origin: Origin,
}

impl FromRequestParts<Host> for Stranger {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        let origin = origin(host, &parts.headers, &parts.extensions);
        admit(host, &origin).await?;
        Ok(Self { request: request_id(parts)?, origin })
    }
}

fn request_id(parts: &Parts) -> Result<String, Refused> {
    let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    id.ok_or_else(|| Refused(Refusal::Fault("a request has no id".into())))
}

/// Counts a request of a stranger.
pub(crate) async fn admit(host: &Host, origin: &Origin) -> Result<(), Refused> {
    let admitted = host.strangers.admit(origin.network(), host.now()).await;
    admitted.map_err(|wait| Refused(Refusal::Later(Code::TooManyRequests, wait)))
}

pub(crate) fn origin(host: &Host, headers: &HeaderMap, extensions: &Extensions) -> Origin {
    let address = match &host.address_header {
        Some(name) => header_text(headers, name, 64),
        None => extensions.get::<PeerAddress>().map(|peer| peer.0.to_string()),
    };
    Origin {
        address,
        user_agent: header_text(headers, &header::USER_AGENT, 200),
        agent: header_text(headers, &AGENT, 64),
    }
}

/// The address at the other end of the connection, where the host sees it.
#[derive(Clone)]
pub(crate) struct PeerAddress(pub(crate) std::net::IpAddr);

/// A header's printable ASCII, cut to `longest` characters.
fn header_text(headers: &HeaderMap, name: &HeaderName, longest: usize) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(longest).collect())
}
