//! The edge host: a Cloudflare Worker without storage. Variables and bindings are named in `wrangler.toml`.

use crate::{
    Gateway, closed,
    log::Event,
    router,
    vault::{Answer, LONGEST_ANSWER, PATIENCE, Pending, Unreachable, Vault},
};
use axum::{body::Body, response::Response};
use futures_util::future::{Either, select};
use std::pin::pin;
use tower_service::Service;
use worker::{
    Context, Delay, Env, Fetch, Headers, HttpRequest, HttpResponse, Request, RequestInit, RequestRedirect,
    event, send::SendFuture,
};

#[event(fetch)]
async fn fetch(request: HttpRequest, env: Env, _context: Context) -> worker::Result<Response<Body>> {
    let url = env.var("SECURECODE_VAULT_URL").map(|url| url.to_string()).unwrap_or_default();
    let caller = request.headers().get(ADDRESS).and_then(|address| address.to_str().ok().map(str::to_owned));
    let vault = Box::new(Fetching { env, url: url.trim_end_matches('/').to_owned(), caller });
    let mut router = match Gateway::new(&url, vault) {
        Ok(gateway) => router(gateway, log),
        Err(_) => closed(log),
    };
    Ok(router.call(request).await?)
}

fn log(event: &Event<'_>) {
    worker::console_log!("{}", event.line());
}

/// The vault, asked by the binding `VAULT` if there is one: a Worker does not reach another of its own account by its
/// address. Else by its address.
struct Fetching {
    env: Env,
    url: String,
    /// The address of who asks the gateway. A vault of the same account is told; another is told by Cloudflare that a
    /// Worker asks.
    caller: Option<String>,
}

/// Where Cloudflare says who asks.
const ADDRESS: &str = "cf-connecting-ip";

impl Vault for Fetching {
    fn get<'a>(&'a self, path: &'a str, authorization: &'a str) -> Pending<'a, Result<Answer, Unreachable>> {
        Box::pin(SendFuture::new(async move {
            let asking = pin!(self.ask(path, authorization));
            match select(asking, Delay::from(PATIENCE)).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => Err(Unreachable::Late),
            }
        }))
    }
}

impl Fetching {
    async fn ask(&self, path: &str, authorization: &str) -> Result<Answer, Unreachable> {
        let response = self.send(path, authorization).await.map_err(|_| Unreachable::Failed)?;
        let status = response.status().as_u16();
        match axum::body::to_bytes(Body::new(response.into_body()), LONGEST_ANSWER).await {
            Ok(body) => Ok(Answer { status, body: body.into() }),
            Err(_) => Err(Unreachable::Broken),
        }
    }

    async fn send(&self, path: &str, authorization: &str) -> worker::Result<HttpResponse> {
        let headers = Headers::new();
        headers.set("authorization", authorization)?;
        headers.set("user-agent", concat!("securecode-gateway/", env!("CARGO_PKG_VERSION")))?;
        let vault = self.env.service("VAULT");
        if let (Ok(_), Some(caller)) = (&vault, &self.caller) {
            headers.set(ADDRESS, caller)?;
        }
        let mut init = RequestInit::new();
        init.with_headers(headers).with_redirect(RequestRedirect::Manual);
        let request = Request::new_with_init(&format!("{}{path}", self.url), &init)?;
        match vault {
            Ok(vault) => vault.fetch_request(request).await,
            Err(_) => Fetch::Request(request).send().await?.try_into(),
        }
    }
}
