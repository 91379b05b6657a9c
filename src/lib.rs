//! The SecureCode vault: keeps what clients sealed, decides who may have it, and writes down who did.
//!
//! It cannot open what it keeps: it links `protocol` and `seal`, never `sealing`. One router and one set of SQL
//! statements run on two hosts, a Cloudflare Worker (D1) and a native binary (SQLite); see `ARCHITECTURE.md`.

pub mod blobs;
pub mod database;
pub mod host;
mod http;
pub mod vault;

#[cfg(target_arch = "wasm32")]
mod d1;
#[cfg(target_arch = "wasm32")]
mod edge;
#[cfg(target_arch = "wasm32")]
mod kv;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{delete, get, post, put},
};
use host::Host;

/// Bodies of this size hold the largest value the free plan stores, sealed, with its manifest.
const BODY: usize = 128 * 1024;
/// A change may hold many secrets.
const CHANGE_BODY: usize = 1024 * 1024;

/// Every endpoint at a glance.
pub fn router(host: Host) -> Router {
    Router::new()
        .route("/healthz", get(http::health::read))
        .route("/v1/accounts", post(http::accounts::sign_up))
        .route("/v1/account", get(http::accounts::read))
        .route("/v1/account/passphrase", put(http::accounts::change_passphrase))
        .route("/v1/account/delete", post(http::accounts::delete))
        .route("/v1/recoveries", post(http::accounts::recover))
        .route("/v1/prelogin", post(http::sessions::pre_login))
        .route("/v1/sessions", get(http::sessions::list).post(http::sessions::log_in))
        .route("/v1/sessions/{id}", delete(http::sessions::end))
        .route("/v1/projects/{id}", put(http::projects::create))
        .route("/v1/projects/{id}/delete", post(http::projects::remove))
        .route("/v1/environments", get(http::environments::list))
        .route("/v1/environments/{id}", put(http::environments::create))
        .route("/v1/environments/{id}/delete", post(http::environments::remove))
        .route("/v1/environments/{id}/rotation", put(http::rotation::begin))
        .route("/v1/environments/{id}/rotation/pending", get(http::rotation::pending))
        .route(
            "/v1/environments/{id}/rotation/resealed",
            get(http::rotation::resealed)
                .merge(post(http::rotation::keep).layer(DefaultBodyLimit::max(CHANGE_BODY))),
        )
        .route(
            "/v1/environments/{id}/rotation/finish",
            post(http::rotation::finish).layer(DefaultBodyLimit::max(CHANGE_BODY)),
        )
        .route("/v1/environments/{id}/secrets", get(http::secrets::list))
        .route("/v1/environments/{id}/secrets/{index}", get(http::secrets::read))
        .route("/v1/environments/{id}/secrets/{index}/policy", put(http::secrets::write_policy))
        .route("/v1/environments/{id}/secrets/{index}/versions", get(http::history::versions))
        .route("/v1/environments/{id}/secrets/{index}/versions/{version}", get(http::history::read_version))
        .route("/v1/environments/{id}/bin", get(http::history::bin))
        .route(
            "/v1/environments/{id}/bin/{secret}",
            get(http::history::read_binned).delete(http::history::forget),
        )
        .route(
            "/v1/environments/{id}/changes",
            post(http::secrets::change).layer(DefaultBodyLimit::max(CHANGE_BODY)),
        )
        .route("/v1/bundle", get(http::bundle::read))
        .route("/v1/keys", get(http::keys::list))
        .route("/v1/keys/{id}", put(http::keys::create))
        .route("/v1/keys/{id}/rotate", post(http::keys::rotate))
        .route("/v1/keys/{id}/revoke", post(http::keys::revoke))
        .route("/v1/usage", get(http::usage::read))
        .route("/v1/audit", get(http::audit::list))
        .fallback(http::refusal::no_such_path)
        .method_not_allowed_fallback(http::refusal::no_such_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::from_fn_with_state(host.clone(), http::answer::finish))
        .with_state(host)
}
