//! Scheme 1 for JavaScript, without the requests: what an owner does in a browser (the feature `owner`), and what an
//! application does in Node with an API key (`client`). Each is a module of its own, so that neither carries the other.
//!
//! Keys stay in here, behind handles that JavaScript can hold and free but not look into. Each step takes what
//! the vault answered and gives what is to be sent; both are JSON text, so that every body is read and written by
//! the types of `protocol`. Nothing is believed before it was checked against the owner's own record, a manifest
//! and a pin.
//!
//! What is listed comes in no order: a page sorts by itself, and a sort for each type would be a tenth of the module.
//!
//! What is thrown is an `Error` whose `name` is `Mistake` (the input is wrong), `Distrusted` (the vault's answer
//! does not hold) or `Failure` (this machine), and whose message says what happened without quoting a secret.

#[cfg(feature = "owner")]
mod account;
#[cfg(feature = "owner")]
mod answers;
#[cfg(feature = "owner")]
mod audit;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "owner")]
mod entrance;
#[cfg(feature = "owner")]
mod environment;
#[cfg(feature = "owner")]
mod import;
#[cfg(feature = "owner")]
mod pairing;
mod thrown;

#[cfg(feature = "client")]
pub use client::{Client, Contents};
#[cfg(feature = "owner")]
pub use {
    account::{Account, Write},
    audit::LogCheck,
    entrance::{LogIn, Recovery, SignUp},
    environment::{Draft, Environment, Opened, SealedChange},
    import::Import,
    pairing::PairingRequest,
};

use sealing::{Pin, TrustError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thrown::Thrown;
#[cfg(feature = "owner")]
use {
    protocol::Tag,
    sealing::{Meta, SecretValue},
    wasm_bindgen::prelude::wasm_bindgen,
    zeroize::Zeroizing,
};

/// An answer of the vault.
fn answer<T: DeserializeOwned>(json: &str) -> Result<T, Thrown> {
    serde_json::from_str(json)
        .map_err(|_| Thrown::distrusted("the vault's answer is not of the form it must have"))
}

/// What the page hands in.
#[cfg(feature = "owner")]
fn input<T: DeserializeOwned>(json: &str) -> Result<T, Thrown> {
    serde_json::from_str(json).map_err(|error| Thrown::mistake(error.to_string()))
}

fn output<T: Serialize>(body: &T) -> Result<String, Thrown> {
    serde_json::to_string(body).map_err(|error| Thrown::failure(error.to_string()))
}

/// A pin, as a page keeps it: it is no secret.
#[derive(Serialize, Deserialize)]
struct Seen {
    version: u64,
    digest: protocol::Digest,
}

/// The newest state that was seen, if one was; it must admit what is served now.
fn admit(seen: Option<&str>, served: &protocol::body::Versioned) -> Result<String, Thrown> {
    if let Some(seen) = seen {
        let seen: Seen = serde_json::from_str(seen).map_err(|_| {
            // A memory that is ignored protects nothing.
            Thrown::failure(
                "what this browser remembers cannot be read; clear this site's data to begin anew",
            )
        })?;
        Pin { version: seen.version, digest: *seen.digest.as_bytes() }.admits(served)?;
    }
    pin(Pin::of(served))
}

fn pin(pin: Pin) -> Result<String, Thrown> {
    output(&Seen { version: pin.version, digest: protocol::Digest::from_bytes(pin.digest) })
}

#[cfg(feature = "owner")]
fn meta(tags: Vec<String>, note: String) -> Result<Meta, Thrown> {
    let tags = tags.iter().map(|tag| tag.parse::<Tag>()).collect::<Result<Vec<_>, _>>()?;
    Meta::new(tags, note)
        .ok_or_else(|| Thrown::mistake("a secret has at most 16 tags and a note of at most 1024 bytes"))
}

#[cfg(feature = "owner")]
fn value(text: String) -> Result<SecretValue, Thrown> {
    Ok(SecretValue::new(Zeroizing::new(text.into_bytes()))?)
}

/// A value that nobody chose: letters and digits.
///
/// # Errors
/// When the length is not 8 to 4096.
#[cfg(feature = "owner")]
#[wasm_bindgen]
pub fn generate(length: usize) -> Result<String, Thrown> {
    let value = SecretValue::generate(length)?
        .ok_or_else(|| Thrown::mistake("a generated value has 8 to 4096 characters"))?;
    Ok(String::from_utf8_lossy(value.expose()).into_owned())
}

/// Why this is no name of a project, an environment or a key; nothing if it is one.
#[cfg(feature = "owner")]
#[wasm_bindgen(js_name = wrongLabel)]
pub fn wrong_label(text: &str) -> Option<String> {
    text.parse::<protocol::Label>().err().map(|error| error.to_string())
}

/// Why this is no name of a secret; nothing if it is one.
#[cfg(feature = "owner")]
#[wasm_bindgen(js_name = wrongSecretName)]
pub fn wrong_secret_name(text: &str) -> Option<String> {
    match text.parse::<protocol::SecretName>() {
        Ok(name) => import::refused_name(&name),
        Err(error) => Some(error.to_string()),
    }
}

impl From<TrustError> for Thrown {
    fn from(error: TrustError) -> Self {
        Self::distrusted(error.to_string())
    }
}
