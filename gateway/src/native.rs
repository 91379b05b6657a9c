//! The native host: the gateway on loopback or behind a proxy with TLS.

use crate::{
    log::Event,
    vault::{Answer, LONGEST_ANSWER, PATIENCE, Pending, Unreachable, Vault},
};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{
    io::{Read, Write},
    pin::pin,
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};
use ureq::http::{HeaderValue, Request};

/// How long a client may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection is kept, whatever happens on it.
const CONNECTION_ENDS: Duration = Duration::from_secs(120);

/// The vault, asked by threads that wait.
pub struct Blocking {
    agent: ureq::Agent,
    url: String,
}

impl Blocking {
    /// Takes the vault's URL.
    pub fn new(url: &str) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("securecode-gateway/", env!("CARGO_PKG_VERSION")));
        if url.starts_with("http://") {
            // Loopback: no proxy in between.
            config = config.proxy(None);
        }
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        Self { agent: config.tls_config(tls).build().new_agent(), url: url.trim_end_matches('/').to_owned() }
    }
}

impl Vault for Blocking {
    fn get<'a>(&'a self, path: &'a str, authorization: &'a str) -> Pending<'a, Result<Answer, Unreachable>> {
        let request = Request::builder().uri(format!("{}{path}", self.url));
        let request = HeaderValue::from_str(authorization).map(|mut value| {
            value.set_sensitive(true);
            request.header("authorization", value).body(())
        });
        let agent = self.agent.clone();
        Box::pin(async move {
            let Ok(Ok(request)) = request else { return Err(Unreachable::Failed) };
            let ask = tokio::task::spawn_blocking(move || ask(&agent, request));
            ask.await.unwrap_or(Err(Unreachable::Failed))
        })
    }
}

fn ask(agent: &ureq::Agent, request: Request<()>) -> Result<Answer, Unreachable> {
    let mut response = agent.run(request).map_err(|error| match error {
        ureq::Error::Timeout(_) => Unreachable::Late,
        _ => Unreachable::Failed,
    })?;
    let mut body = Vec::new();
    let mut reader = response.body_mut().as_reader().take(LONGEST_ANSWER as u64 + 1);
    let read = reader.read_to_end(&mut body).map_err(ureq::Error::from);
    match read {
        Ok(_) if body.len() <= LONGEST_ANSWER => {}
        Err(ureq::Error::Timeout(_)) => return Err(Unreachable::Late),
        _ => return Err(Unreachable::Broken),
    }
    Ok(Answer { status: response.status().as_u16(), body })
}

/// Writes an event to standard error.
pub fn log(event: &Event<'_>) {
    let _ = writeln!(std::io::stderr(), "{}", event.line());
}

/// Serves until `stop` resolves, then lets the requests in flight end.
pub async fn serve(router: Router, listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let service = TowerToHyperService::new(router.clone());
                    let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
                    tokio::spawn(timeout(CONNECTION_ENDS, connection));
                }
                // No more files can be open: wait until some are closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            () = &mut stop => break,
        }
    }
    let _ = timeout(CONNECTION_ENDS, connections.shutdown()).await;
}
