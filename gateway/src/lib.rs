//! The gateway: for pipelines that have only `curl`. Whoever asks sends the whole API key; the gateway derives what it
//! needs, asks the vault, opens and checks the answer, hands it out and forgets all of it. A weaker promise than the
//! client's, which `docs/gateway.md` spells out; a key works here only with the permission `gateway`.
//!
//! One router runs on two hosts, a Cloudflare Worker and a native binary. A host supplies a way to ask the vault and a
//! log. There is no storage.

mod answer;
mod asked;
mod environment;
pub mod log;
mod policy;
mod refusal;
pub mod vault;

#[cfg(target_arch = "wasm32")]
mod edge;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;

use asked::{Asked, KeyOf, Named};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, header},
    middleware::from_fn_with_state,
    routing::get,
};
use environment::{Which, read, read_all};
use log::Log;
use protocol::{Code, Label, SecretName};
use refusal::Refusal;
use sealing::{Audience, ParseAudienceError, export};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vault::Vault;
use zeroize::Zeroizing;

/// A gateway to one vault, which its operator names and no request does; cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Surroundings>);

struct Surroundings {
    vault: Box<dyn Vault>,
    audience: Audience,
}

impl Gateway {
    /// Takes the vault's URL, and how its host asks there.
    ///
    /// # Errors
    /// When the URL is none that a key's token is sent to.
    pub fn new(url: &str, vault: Box<dyn Vault>) -> Result<Self, ParseAudienceError> {
        Ok(Self(Arc::new(Surroundings { vault, audience: url.parse()? })))
    }
}

/// The gateway's HTTP service.
pub fn router(gateway: Gateway, log: Log) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/v1/env", get(environment))
        .route("/v1/secrets/{name}", get(secret))
        .fallback(|| async { Refusal::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Refusal::from(Code::MethodNotAllowed) })
        .layer(from_fn_with_state(log, answer::finish))
        .with_state(gateway)
}

/// What answers while the gateway has no vault: that it is not available.
pub fn closed(log: Log) -> Router {
    let refuse = || async { Refusal::new(Code::Unavailable, NO_VAULT) };
    Router::new().fallback(refuse).layer(from_fn_with_state(log, answer::finish))
}

const NO_VAULT: &str = "this gateway has no vault that it may send a key's token to; its operator sets SECURECODE_VAULT_URL to https://host[:port]";

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

/// `GET /healthz`: that the gateway is there. The vault is not asked, and has an answer of its own.
async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// How secrets are written out.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Format {
    Dotenv,
    Json,
    Shell,
}

/// `?format=…` of `GET /v1/env`, with what [`Which`] has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentQuery {
    format: Format,
    project: Option<Label>,
    environment: Option<Label>,
    /// Names with commas between them; all if there are none.
    only: Option<String>,
    #[serde(default)]
    min_manifest: u64,
}

/// `GET /v1/env`: the secrets of an environment, all or nothing.
async fn environment(
    State(gateway): State<Gateway>,
    KeyOf(key): KeyOf,
    Asked(query): Asked<EnvironmentQuery>,
) -> Result<Opened, Refusal> {
    let EnvironmentQuery { format, project, environment, only, min_manifest } = query;
    let only = only.map(|text| text.split(',').map(str::parse).collect::<Result<Vec<SecretName>, _>>());
    let only = only.transpose().map_err(|_| asked::bad_query())?;
    let mut secrets = read_all(&gateway, &key, &Which { project, environment, min_manifest }).await?;
    if let Some(only) = only {
        if only.iter().any(|name| !secrets.iter().any(|secret| secret.name == *name)) {
            return Err(Refusal::new(
                Code::NotFound,
                "a name in `only` is that of no secret in this environment",
            ));
        }
        secrets.retain(|secret| only.contains(&secret.name));
    }
    for secret in &secrets {
        policy::check(secret)?;
        policy::check_name(&secret.name)?;
    }
    secrets.sort_by(|a, b| a.name.cmp(&b.name));
    let (format, media_type) = match format {
        Format::Dotenv => (export::Format::Dotenv, "text/plain; charset=utf-8"),
        Format::Json => (export::Format::Json, "application/json"),
        // A value may be no text.
        Format::Shell => (export::Format::Shell, "application/x-sh"),
    };
    let written = export::write(&secrets.iter().collect::<Vec<_>>(), format)?;
    Ok(opened(media_type, written))
}

/// The query of `GET /v1/secrets/{name}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretQuery {
    project: Option<Label>,
    environment: Option<Label>,
    #[serde(default)]
    min_manifest: u64,
}

/// `GET /v1/secrets/{name}`: one value, byte for byte.
async fn secret(
    State(gateway): State<Gateway>,
    KeyOf(key): KeyOf,
    Named(name): Named,
    Asked(query): Asked<SecretQuery>,
) -> Result<Opened, Refusal> {
    let SecretQuery { project, environment, min_manifest } = query;
    let secret = read(&gateway, &key, &Which { project, environment, min_manifest }, &name).await?;
    policy::check(&secret)?;
    Ok(opened("application/octet-stream", Zeroizing::new(secret.value.expose().to_vec())))
}

type Opened = ([(HeaderName, &'static str); 1], Body);

/// An answer that is wiped once it is sent.
fn opened(media_type: &'static str, bytes: Zeroizing<Vec<u8>>) -> Opened {
    ([(header::CONTENT_TYPE, media_type)], Bytes::from_owner(bytes).into())
}
