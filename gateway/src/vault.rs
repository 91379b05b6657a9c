//! Asking the vault. An answer is typed or a refusal: a server's prose goes nowhere.

use crate::refusal::Refusal;
use protocol::{AccessToken, Code, Problem};
use serde::de::DeserializeOwned;
use std::{future::Future, pin::Pin, time::Duration};
use zeroize::Zeroizing;

/// A future that a handler may await on either host.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// No answer is longer: some hundred secrets of the free plan's longest. An isolate of Cloudflare's has 128 MB for all.
pub const LONGEST_ANSWER: usize = 16 << 20;

/// How long an answer may take, to its end.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A host's way to the one vault that its operator names.
pub trait Vault: Send + Sync {
    /// `GET` of a path there with this `Authorization`. Follows no redirect, which could carry a token to somebody else;
    /// ends after [`PATIENCE`] or [`LONGEST_ANSWER`].
    fn get<'a>(&'a self, path: &'a str, authorization: &'a str) -> Pending<'a, Result<Answer, Unreachable>>;
}

/// What came back.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why nothing came back that could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// Not in time.
    Late,
    /// The answer breaks off, or is longer than any.
    Broken,
    /// The connection fails.
    Failed,
}

/// The vault, and the token it is asked with.
pub(crate) struct Remote<'a> {
    vault: &'a dyn Vault,
    authorization: Zeroizing<String>,
}

impl<'a> Remote<'a> {
    pub(crate) fn new(vault: &'a dyn Vault, token: &AccessToken) -> Self {
        Self { vault, authorization: Zeroizing::new(format!("Bearer {}", *token.expose())) }
    }

    /// `GET`.
    ///
    /// # Errors
    /// The vault's refusal, or that there was no answer of a vault.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let Answer { status, body } = self.vault.get(path, &self.authorization).await?;
        if (200..300).contains(&status) {
            return serde_json::from_slice(&body).map_err(|_| Refusal::no_vault_there());
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Refusal::of_vault(&problem),
            Err(_) => Refusal::no_vault_there(),
        })
    }
}

impl From<Unreachable> for Refusal {
    fn from(unreachable: Unreachable) -> Self {
        let detail = match unreachable {
            Unreachable::Late => "the vault does not answer in time; try again in a moment",
            Unreachable::Broken => {
                "the vault's answer breaks off, or is larger than a gateway opens; try again, or ask /v1/secrets/NAME for each"
            }
            Unreachable::Failed => {
                "the vault cannot be reached; try again in a moment, and else the gateway's operator checks SECURECODE_VAULT_URL and that the vault runs"
            }
        };
        Self::new(Code::Unavailable, detail)
    }
}
