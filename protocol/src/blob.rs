use crate::{schema_of_text, serde_as_text};
use base64ct::{Base64UrlUnpadded, Encoding};
use std::{fmt, str::FromStr};

/// The text is not base64url without padding, or not of the right length.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("not base64url without padding, or of the wrong length")]
pub struct ParseBlobError;

/// Sealed bytes. Nobody on the way can open them, so they may print and travel.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

/// What sealing adds to a plaintext, and the smallest padded plaintext: no blob is shorter.
const SHORTEST: usize = 81 + 64;

impl Blob {
    /// Takes what `seal` made.
    pub fn from_sealed(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Blob {
    type Err = ParseBlobError;
    fn from_str(text: &str) -> Result<Self, ParseBlobError> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| ParseBlobError)?;
        if bytes.len() < SHORTEST { Err(ParseBlobError) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

serde_as_text!(Blob);

/// 32 bytes that prove something to the vault: a login token or a recovery authenticator. Wiped, and not shown.
#[derive(Clone)]
pub struct Bytes32(zeroize::Zeroizing<[u8; 32]>);

impl Bytes32 {
    /// Takes derived bytes.
    pub fn new(bytes: zeroize::Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes; the vault makes a verifier of them, and nothing else.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Bytes32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bytes32(…)")
    }
}

impl serde::Serialize for Bytes32 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(self.0.as_ref()))
    }
}

impl<'de> serde::Deserialize<'de> for Bytes32 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(<String as serde::Deserialize>::deserialize(deserializer)?);
        let bytes = Base64UrlUnpadded::decode_vec(&text).map(zeroize::Zeroizing::new);
        let bytes = bytes.map_err(|_| serde::de::Error::custom(ParseBlobError))?;
        let bytes: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| serde::de::Error::custom(ParseBlobError))?;
        Ok(Self(zeroize::Zeroizing::new(bytes)))
    }
}

/// The 16 public bytes that make one passphrase derive different keys for different accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl FromStr for Salt {
    type Err = ParseBlobError;
    fn from_str(text: &str) -> Result<Self, ParseBlobError> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| ParseBlobError)?;
        bytes.try_into().map(Self).map_err(|_| ParseBlobError)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

serde_as_text!(Salt);
schema_of_text!(Blob, "Blob", "^[0-9A-Za-z_-]{194,}$", "Sealed bytes, base64url without padding.");
schema_of_text!(Salt, "Salt", "^[0-9A-Za-z_-]{21}[AQgw]$", "16 bytes, base64url without padding.");
schema_of_text!(
    Bytes32,
    "Bytes32",
    "^[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]$",
    "32 bytes, base64url without padding."
);
