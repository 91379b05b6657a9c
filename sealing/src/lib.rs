//! The hierarchy of scheme 1: account key, environment keys, API keys, passphrase, recovery code, secrets,
//! policies and manifests; and the reading of files of assignments.
//!
//! Specified in `docs/protocol.md`. The one implementation of every format: clients link it natively, browsers
//! and Node as wasm. The vault does not link it, so that it has no code to open anything with.
//!
//! Verbs: `derive_` is deterministic, `make_` draws random bytes; secrets are sealed and opened, keys wrapped
//! and unwrapped.

mod account;
mod account_manifest;
mod api_key;
mod approval;
pub mod assignments;
mod audience;
pub mod dotenv;
mod draft;
mod environment;
pub mod export;
mod json;
mod manifest;
mod pairing;
mod passphrase;
mod policy;
mod random;
mod recovery;
mod value;

pub use account::{AccountKey, KeyRecord};
pub use account_manifest::{AccountManifest, EnvironmentRecord, KeyStatus, ManifestKey, ProjectRecord};
pub use api_key::{ApiKey, WrapKey};
pub use approval::{Question, Wanted};
pub use audience::{Audience, ParseAudienceError};
pub use draft::{EnvironmentDraft, KeyDraft};
pub use environment::{EnvironmentKey, EnvironmentNames, Meta, OpenedSecret, Place};
pub use manifest::{Entry, Manifest, Pin, Proof, TrustError};
pub use pairing::{Paired, PairingError, PairingKey, PairingRequest};
pub use passphrase::{KdfRefused, Passphrase, PassphraseError, Stretched};
pub use policy::{Consent, Policy, Rules};
pub use protocol;
pub use random::{make_id, make_session};
pub use recovery::{ParseRecoveryCodeError, RecoveryCode};
pub use seal::{OpenError, SealError};
pub use value::{SecretValue, ValueError};

use hkdf::Hkdf;
use seal::{Key, Writer};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The labels that keep derived keys apart (`docs/protocol.md`, "The hierarchy").
mod label {
    pub(crate) const LOGIN: &[u8] = b"securecode/1/login";
    pub(crate) const KEK: &[u8] = b"securecode/1/kek";
    pub(crate) const KEY_AUTH: &[u8] = b"securecode/1/key/auth";
    pub(crate) const KEY_WRAP: &[u8] = b"securecode/1/key/wrap";
    pub(crate) const RECOVERY: &[u8] = b"securecode/1/recovery";
    pub(crate) const RECOVERY_AUTH: &[u8] = b"securecode/1/recovery/auth";
    pub(crate) const RECOVERY_WRAP: &[u8] = b"securecode/1/recovery/wrap";
    pub(crate) const PAIRING: &[u8] = b"securecode/1/pairing";
    pub(crate) const PAIRING_WORDS: &[u8] = b"securecode/1/pairing/words";
    pub(crate) const INDEX: &[u8] = b"securecode/1/index";
}

/// `Expand(prk, LP(field) ‖ …, 32)`. One block of HMAC: it cannot fail.
fn expand(prk: &Hkdf<Sha256>, fields: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let info = fields.iter().fold(Writer::new(), |writer, field| writer.bytes(field)).finish();
    let mut out = Zeroizing::new([0; 32]);
    // 32 bytes are far below HKDF's limit of 255 blocks, the only cause of an error.
    let _ = prk.expand(&info, out.as_mut());
    out
}

fn expand_key(prk: &Hkdf<Sha256>, fields: &[&[u8]]) -> Key {
    Key::from_bytes(*expand(prk, fields))
}

/// A pseudo-random key that already is one: 32 uniform bytes.
fn prk(bytes: &[u8; 32]) -> Hkdf<Sha256> {
    // `from_prk` refuses only keys shorter than a hash.
    Hkdf::from_prk(bytes).unwrap_or_else(|_| Hkdf::new(None, bytes))
}
