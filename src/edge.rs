//! The edge host: a Cloudflare Worker with D1 and KV. Bindings and secrets are named in `wrangler.toml`.

use crate::{
    d1::D1,
    database::{Pending, Statement},
    host::{Host, Strangers, Surroundings},
    kv::Kv,
    log::{Event, Level},
    meter::{self, Meter},
    migrations,
    vault::{pepper::Pepper, sweep},
};
use axum::{body::Body, http::HeaderName, response::Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use seal::Key;
use std::sync::atomic::{AtomicBool, Ordering};
use tower_service::Service;
use worker::{Context, Env, HttpRequest, ScheduleContext, ScheduledEvent, event, send::SendFuture};

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _context: Context) -> worker::Result<Response<Body>> {
    let meter = Meter::new(&env);
    let host = host(env, &meter)?;
    let mut router = if is_known_schema(&host).await { crate::router(host) } else { crate::closed(host) };
    let mut response = router.call(request).await?;
    if let Some(counts) = meter.read() {
        response.headers_mut().insert(meter::HEADER, counts);
    }
    Ok(response)
}

/// Whether the database has the newest migration that this program knows, and none after it. Asked until it has, and
/// then not again: a migration comes before the program that needs it.
async fn is_known_schema(host: &Host) -> bool {
    static KNOWN: AtomicBool = AtomicBool::new(false);
    #[derive(serde::Deserialize)]
    struct Migration {
        name: String,
    }
    if KNOWN.load(Ordering::Relaxed) {
        return true;
    }
    let newest = Statement::new("SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1", []);
    let newest = host.database.run(newest).await.and_then(|answer| answer.row::<Migration>());
    let known = match newest {
        Ok(Some(found)) if migrations::NAMES.last() == Some(&found.name.as_str()) => true,
        found => {
            let cause = format!(
                "the newest migration is {:?}, and this program needs {:?}",
                found.map(|found| found.map(|found| found.name)),
                migrations::NAMES.last()
            );
            (host.log)(&Event { cause: Some(&cause), ..Event::new(Level::Error, "the schema is not known") });
            false
        }
    };
    KNOWN.store(known, Ordering::Relaxed);
    known
}

/// Every hour, as `wrangler.toml` says.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let meter = Meter::new(&env);
    match host(env, &meter) {
        Ok(host) => sweep::run(&host).await,
        Err(error) => worker::console_error!("ERROR sweep: {error}"),
    }
}

fn host(env: Env, meter: &Meter) -> worker::Result<Host> {
    Ok(Host::new(Surroundings {
        pepper: Pepper::new(secret_key(&env, "PEPPER")?, previous_key(&env, "PREVIOUS_PEPPER")?),
        column_key: secret_key(&env, "COLUMN_KEY")?,
        previous_column_key: previous_key(&env, "PREVIOUS_COLUMN_KEY")?,
        blobs: Box::new(Kv(env.clone(), meter.clone())),
        strangers: Box::new(Locations(env.clone())),
        database: Box::new(D1(env, meter.clone())),
        clock: Box::new(|| worker::Date::now().as_millis() / 1000),
        address_header: Some(HeaderName::from_static("cf-connecting-ip")),
        log: |event| worker::console_log!("{}", event.line()),
    }))
}

/// Cloudflare's own limiter, which counts in each of its locations. Its figure is in `wrangler.toml`.
struct Locations(Env);

impl Strangers for Locations {
    fn admit(&self, address: String, _now: u64) -> Pending<'_, Result<(), u64>> {
        Box::pin(SendFuture::new(async move {
            let outcome = match self.0.rate_limiter("STRANGERS") {
                Ok(limiter) => limiter.limit(address).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(outcome) if outcome.success => Ok(()),
                // It does not say when its minute ends.
                Ok(_) => Err(60),
                Err(error) => {
                    worker::console_error!("ERROR limit for strangers: {error}");
                    Err(60)
                }
            }
        }))
    }
}

fn previous_key(env: &Env, name: &str) -> worker::Result<Option<Key>> {
    env.secret(name).is_ok().then(|| secret_key(env, name)).transpose()
}

/// A Worker secret that is 32 bytes in base64url. The error names the secret and never shows it.
fn secret_key(env: &Env, name: &str) -> worker::Result<Key> {
    let cause =
        || worker::Error::RustError(format!("the secret {name} is missing or is not 32 bytes in base64url"));
    let text = zeroize::Zeroizing::new(env.secret(name).map_err(|_| cause())?.to_string());
    let bytes = Base64UrlUnpadded::decode_vec(&text).map(zeroize::Zeroizing::new).map_err(|_| cause())?;
    Key::from_slice(&bytes).ok_or_else(cause)
}
