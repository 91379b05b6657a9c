//! The SecureCode vault: keeps what clients sealed, decides who may have it, and writes down who did.
//!
//! It cannot open what it keeps: it links `protocol` and `seal`, never `sealing`. One router and one set of SQL
//! statements run on two hosts, a Cloudflare Worker (D1) and a native binary (SQLite); see `ARCHITECTURE.md`.

pub mod blobs;
pub mod database;
pub mod endpoints;
pub mod host;
mod http;
pub mod log;
pub mod migrations;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod vault;

#[cfg(target_arch = "wasm32")]
mod d1;
#[cfg(not(target_arch = "wasm32"))]
pub mod dashboard;
#[cfg(target_arch = "wasm32")]
mod edge;
#[cfg(target_arch = "wasm32")]
mod kv;
#[cfg(target_arch = "wasm32")]
mod meter;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;
#[cfg(not(target_arch = "wasm32"))]
pub mod strangers;

use axum::{Router, extract::DefaultBodyLimit};
use host::Host;

/// What a body may be, in bytes: it holds the largest value the free plan stores, sealed, with its manifest.
const BODY: usize = 128 * 1024;

/// What answers where the database is not of the schema that this program knows: that it is not available.
#[cfg(target_arch = "wasm32")]
fn closed(host: Host) -> Router {
    Router::new()
        .fallback(http::refusal::closed)
        .layer(axum::middleware::from_fn_with_state(host.clone(), http::answer::finish))
        .with_state(host)
}

/// The vault's HTTP service.
pub fn router(host: Host) -> Router {
    let routes = endpoints::routes()
        .fallback(http::refusal::no_such_path)
        .method_not_allowed_fallback(http::refusal::no_such_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::from_fn(http::answer::read_first));
    routes.layer(axum::middleware::from_fn_with_state(host.clone(), http::answer::finish)).with_state(host)
}
