//! The edge host: a Cloudflare Worker with D1 and KV. Bindings and secrets are named in `wrangler.toml`.

use crate::{
    d1::D1,
    host::{Host, Surroundings},
    kv::Kv,
    vault::{pepper::Pepper, sweep},
};
use axum::{body::Body, response::Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use seal::Key;
use tower_service::Service;
use worker::{Context, Env, HttpRequest, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _context: Context) -> worker::Result<Response<Body>> {
    Ok(crate::router(host(env)?).call(request).await?)
}

/// Every hour, as `wrangler.toml` says.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    match host(env) {
        Ok(host) => sweep::run(&host).await,
        Err(error) => worker::console_error!("ERROR sweep: {error}"),
    }
}

fn host(env: Env) -> worker::Result<Host> {
    Ok(Host::new(Surroundings {
        pepper: Pepper::new(
            secret_key(&env, "PEPPER")?,
            env.secret("PREVIOUS_PEPPER").is_ok().then(|| secret_key(&env, "PREVIOUS_PEPPER")).transpose()?,
        ),
        column_key: secret_key(&env, "COLUMN_KEY")?,
        blobs: Box::new(Kv(env.clone())),
        database: Box::new(D1(env)),
        clock: Box::new(|| worker::Date::now().as_millis() / 1000),
        address_header: Some("cf-connecting-ip"),
        log: |event| worker::console_log!("{}", event.line()),
    }))
}

/// A Worker secret that is 32 bytes in base64url. The error names the secret and never shows it.
fn secret_key(env: &Env, name: &str) -> worker::Result<Key> {
    let cause =
        || worker::Error::RustError(format!("the secret {name} is missing or is not 32 bytes in base64url"));
    let text = zeroize::Zeroizing::new(env.secret(name).map_err(|_| cause())?.to_string());
    let bytes = Base64UrlUnpadded::decode_vec(&text).map(zeroize::Zeroizing::new).map_err(|_| cause())?;
    Key::from_slice(&bytes).ok_or_else(cause)
}
