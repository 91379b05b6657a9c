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
use axum::{Router, http::HeaderName};
use base64ct::{Base64UrlUnpadded, Encoding};
use seal::Key;
use std::{
    cell::OnceCell,
    sync::atomic::{AtomicBool, Ordering},
};
use tower_service::Service;
use worker::{
    Context, Env, HttpRequest, Response, ResponseBuilder, ScheduleContext, ScheduledEvent, event,
    send::SendFuture,
};

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _context: Context) -> worker::Result<Response> {
    let meter = Meter::new(&env);
    let answer = router(env, &meter).await?.call(request).await?;
    let (mut parts, body) = answer.into_parts();
    if let Some(counts) = meter.read() {
        parts.headers.insert(meter::HEADER, counts);
    }
    // Every answer is in memory already, and a stream of one piece costs more than the piece.
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| error.to_string())?;
    let answer = ResponseBuilder::new().with_status(parts.status.as_u16()).with_headers(parts.headers.into());
    Ok(if body.is_empty() { answer.empty() } else { answer.fixed(body.into()) })
}

thread_local! {
    /// Made once for an isolate, whose bindings are the same for each of its requests.
    static ROUTER: OnceCell<Router> = const { OnceCell::new() };
}

/// What answers. Where requests are metered each has its own, which counts for it.
async fn router(env: Env, meter: &Meter) -> worker::Result<Router> {
    if let Some(router) = ROUTER.with(|router| router.get().cloned()) {
        return Ok(router);
    }
    let host = host(env, meter)?;
    if !is_known_schema(&host).await {
        return Ok(crate::closed(host));
    }
    let router = crate::router(host);
    if meter.read().is_none() {
        // Another request may have made it meanwhile.
        let _ = ROUTER.with(|made| made.set(router.clone()));
    }
    Ok(router)
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
