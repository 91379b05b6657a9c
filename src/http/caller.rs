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
    http::{HeaderMap, header, request::Parts},
};
use protocol::Code;

/// The header in which a client says which coding agent it works for.
const AGENT: &str = "securecode-agent";

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
        Ok(Self { token, request, origin: origin(parts, host) })
    }
}

/// A request that has no credential yet: sign-up and log-in.
pub(crate) struct Stranger {
    pub(crate) request: String,
    pub(crate) origin: Origin,
}

impl FromRequestParts<Host> for Stranger {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Refused> {
        Ok(Self { request: request_id(parts)?, origin: origin(parts, host) })
    }
}

fn request_id(parts: &Parts) -> Result<String, Refused> {
    let id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    id.ok_or_else(|| Refused(Refusal::Fault("a request has no id".into())))
}

fn origin(parts: &Parts, host: &Host) -> Origin {
    let address = match host.address_header {
        Some(name) => header_text(&parts.headers, name, 64),
        None => parts.extensions.get::<PeerAddress>().map(|peer| peer.0.to_string()),
    };
    Origin {
        address,
        user_agent: header_text(&parts.headers, header::USER_AGENT.as_str(), 200),
        agent: header_text(&parts.headers, AGENT, 64),
    }
}

/// The address at the other end of the connection, where the host sees it.
#[derive(Clone)]
pub(crate) struct PeerAddress(pub(crate) std::net::IpAddr);

/// A header's printable ASCII, cut to `longest` characters.
fn header_text(headers: &HeaderMap, name: &str, longest: usize) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(longest).collect())
}
