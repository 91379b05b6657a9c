//! The words that SecureCode's clients and its vault both speak.
//!
//! Ids, names, tokens, blobs, permissions, request and response bodies, and error codes: every type parses at
//! the edge and cannot hold a wrong value afterwards. There are no keys here, no I/O and no clock.
//! Formats are specified in `docs/protocol.md`.

pub mod address;
mod answer;
mod base62;
mod blob;
pub mod body;
mod digest;
mod email;
mod id;
mod name;
mod permissions;
mod problem;
pub mod token;

pub use address::AddressRange;
pub use answer::HEADERS;
pub use blob::{Blob, Bytes32, Salt};
pub use digest::{Digest, ParseDigestError};
pub use email::Email;
pub use id::{
    AccountId, ApprovalId, DeviceId, EnvironmentId, KeyId, NameIndex, PairingId, ProjectId, SecretId,
};
pub use name::{Label, ParseNameError, SecretName, Tag};
pub use permissions::{Permission, Permissions};
pub use problem::{Code, Problem, Resource};
pub use token::{AccessToken, ParseTokenError, TokenKind};

/// Parses with a type's own `FromStr` when serde meets it, so that there is one way in.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}
pub(crate) use serde_as_text;

/// The JSON Schema of a type that travels as text of that pattern (ECMA-262).
macro_rules! schema_of_text {
    ($type:ty, $name:literal, $pattern:expr, $says:literal) => {
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $says })
            }
        }
    };
}
pub(crate) use schema_of_text;
