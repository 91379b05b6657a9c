//! Requests to a vault. An answer is typed or an error: a server's prose goes nowhere.

use crate::{
    config::VaultAddress,
    error::{Error, Kind, Result},
};
use protocol::{AccessToken, Problem};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};
use ureq::http::{Request, Response};
use zeroize::Zeroizing;

/// No answer is longer: an environment of some hundred large secrets.
const LONGEST_ANSWER: u64 = 32 << 20;

/// How long a request waits in all because it came too fast: longer than the minute that a vault asks strangers for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A vault, and the credential it is asked with.
#[derive(Clone)]
pub struct Remote {
    agent: ureq::Agent,
    address: VaultAddress,
    authorization: Option<Zeroizing<String>>,
}

impl Remote {
    /// A vault, asked without a credential.
    pub fn new(address: VaultAddress) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect could carry a token to somebody else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(60)))
            .user_agent(concat!("securecode/", env!("CARGO_PKG_VERSION")));
        if address.url.starts_with("http://") {
            // Loopback: no proxy in between.
            config = config.proxy(None);
        }
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        Self { agent: config.tls_config(tls).build().new_agent(), address, authorization: None }
    }

    /// The same, with this credential.
    #[must_use]
    pub fn with(mut self, token: &AccessToken) -> Self {
        self.authorization = Some(Zeroizing::new(format!("Bearer {}", *token.expose())));
        self
    }

    /// The vault's address.
    pub fn address(&self) -> &VaultAddress {
        &self.address
    }

    /// `GET`.
    ///
    /// # Errors
    /// The refusal, or that there was no answer of a vault.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.paced(|| self.read(self.agent.run(self.request("GET", path)?.body(()).map_err(malformed)?)))
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.paced(|| self.read(self.agent.run(self.request("DELETE", path)?.body(()).map_err(malformed)?)))
    }

    /// `PUT` of JSON.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send("PUT", path, body)
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send("POST", path, body)
    }

    fn send<T: DeserializeOwned>(&self, method: &str, path: &str, body: &impl Serialize) -> Result<T> {
        let json =
            serde_json::to_vec(body).map_err(|error| Error::local(error.to_string(), "report this"))?;
        self.paced(|| {
            let request = self.request(method, path)?.header("content-type", "application/json");
            self.read(self.agent.run(request.body(json.as_slice()).map_err(malformed)?))
        })
    }

    /// Waits as long as the vault asks for, where that is not long, and asks again.
    fn paced<T>(&self, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            match ask() {
                Err(error) => match error.retry_after {
                    Some(wait) if started.elapsed() + wait <= PATIENCE => {
                        let time = humantime::format_duration(wait);
                        let _ =
                            writeln!(std::io::stderr(), "securecode: too many requests; going on in {time}");
                        std::thread::sleep(wait);
                    }
                    _ => return Err(error),
                },
                done => return done,
            }
        }
    }

    fn request(&self, method: &str, path: &str) -> Result<ureq::http::request::Builder> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.address.url));
        if let Some(authorization) = &self.authorization {
            let mut value =
                ureq::http::HeaderValue::from_str(authorization).map_err(|error| malformed(error.into()))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        if std::env::var_os("CLAUDECODE").is_some() {
            request = request.header("securecode-agent", "claude-code");
        }
        Ok(request)
    }

    fn read<T: DeserializeOwned>(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<T> {
        let mut response = answer.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let mut reader = response.body_mut().as_reader().take(LONGEST_ANSWER);
        reader.read_to_end(&mut body).map_err(|error| self.unreachable(&ureq::Error::Io(error)))?;
        if (200..300).contains(&status) {
            let body = if body.is_empty() { b"null".as_slice() } else { &body };
            return serde_json::from_slice(body).map_err(|_| self.nonsense());
        }
        let problem: Problem = serde_json::from_slice(&body).map_err(|_| self.nonsense())?;
        let mut error = Error::refused(problem.code, problem.limit);
        if let Some(seconds) = problem.retry_after {
            error.retry_after = Some(Duration::from_secs(seconds));
            let wait = humantime::format_duration(Duration::from_secs(seconds));
            error.remedy = format!("try again in {wait}");
        }
        Err(error)
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        let cause = match error {
            ureq::Error::Timeout(_) => "it does not answer in time",
            ureq::Error::HostNotFound => "there is no host of that name",
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "its TLS certificate is not valid",
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nothing listens at that address"
            }
            _ => "the connection fails",
        };
        Error::new(
            Kind::Unreachable,
            format!("the vault at {} cannot be reached: {cause}", self.address.url),
            "check the address, the network, and that the vault runs; then try again",
        )
    }

    fn nonsense(&self) -> Error {
        Error::new(
            Kind::Unreachable,
            format!("what answers at {} is not a SecureCode vault of this version", self.address.url),
            "check the vault's address; if it is right, update this program or the vault",
        )
    }
}

fn malformed(error: ureq::http::Error) -> Error {
    Error::local(format!("the request cannot be made: {error}"), "check the vault's URL")
}
