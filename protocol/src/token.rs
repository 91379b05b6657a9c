//! The text form of keys and access tokens (`docs/protocol.md`, "Tokens").

use crate::{KeyId, base62};
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// What a token is; its prefix, which secret scanners look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// `sc_`: an API key, whose secret never leaves the client.
    ApiKey,
    /// `sct_`: an access token, which travels.
    Access,
    /// `scp_`: what a machine that is to be paired asks for. No secret.
    Pairing,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "sc_",
            Self::Access => "sct_",
            Self::Pairing => "scp_",
        }
    }
}

/// Why a text is not a token. Never quotes the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum ParseTokenError {
    /// Another prefix.
    #[error("it does not begin with `{0}`")]
    Prefix(&'static str),
    /// Too short or too long.
    #[error("it is not {expected} characters long")]
    Length {
        /// The length of every token of this kind.
        expected: usize,
    },
    /// A wrong character or a wrong checksum.
    #[error("its checksum does not match: a character is wrong or missing")]
    Checksum,
}

/// Without a table: it would be up to 16 KiB of the Worker, for 70 bytes a request.
const CRC_32: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// The CRC-32 of a text that a person may mistype.
pub fn checksum(text: &[u8]) -> [u8; 4] {
    CRC_32.checksum(text).to_be_bytes()
}

const BODY_DIGITS: usize = 65;
const CHECKSUM_DIGITS: usize = 6;

/// Writes a token: prefix, base62 of id and 32 secret bytes, base62 of the CRC-32 of all before.
pub fn encode(kind: TokenKind, id: &KeyId, secret: &[u8; 32]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 48]);
    for (slot, byte) in bytes.iter_mut().zip(id.as_bytes().iter().chain(secret)) {
        *slot = *byte;
    }
    let mut text = Zeroizing::new(String::with_capacity(80));
    text.push_str(kind.prefix());
    text.push_str(&Zeroizing::new(base62::encode(bytes.as_ref(), BODY_DIGITS)));
    let checksum = base62::encode(&checksum(text.as_bytes()), CHECKSUM_DIGITS);
    text.push_str(&checksum);
    text
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// When prefix, length, digits or checksum are wrong: before any network call.
pub fn decode(kind: TokenKind, text: &str) -> Result<(KeyId, Zeroizing<[u8; 32]>), ParseTokenError> {
    let prefix = kind.prefix();
    let body = text.strip_prefix(prefix).ok_or(ParseTokenError::Prefix(prefix))?;
    if body.len() != BODY_DIGITS + CHECKSUM_DIGITS {
        return Err(ParseTokenError::Length { expected: prefix.len() + BODY_DIGITS + CHECKSUM_DIGITS });
    }
    let checked = text.len() - CHECKSUM_DIGITS;
    let (before, sum) = text.split_at_checked(checked).ok_or(ParseTokenError::Checksum)?;
    let digits = body.get(..BODY_DIGITS).ok_or(ParseTokenError::Checksum)?;
    if base62::decode::<4>(sum) != Some(checksum(before.as_bytes())) {
        return Err(ParseTokenError::Checksum);
    }
    let bytes = Zeroizing::new(base62::decode::<48>(digits).ok_or(ParseTokenError::Checksum)?);
    let (id, secret) = bytes.split_first_chunk::<16>().ok_or(ParseTokenError::Checksum)?;
    let secret = secret.first_chunk::<32>().ok_or(ParseTokenError::Checksum)?;
    Ok((KeyId::from_bytes(*id), Zeroizing::new(*secret)))
}

/// What a client sends to prove who it is: a credential's id and 32 bytes that only its holder can derive.
/// Prints as its id alone.
#[derive(Clone)]
pub struct AccessToken {
    id: KeyId,
    auth: Zeroizing<[u8; 32]>,
}

impl AccessToken {
    /// Joins a credential's id with its authenticator.
    pub fn new(id: KeyId, auth: Zeroizing<[u8; 32]>) -> Self {
        Self { id, auth }
    }

    /// Whose token this is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The authenticator: the vault makes a verifier of it, and nothing else.
    pub fn expose_auth(&self) -> &[u8; 32] {
        &self.auth
    }

    /// The token as text, for the `Authorization` header or a body.
    pub fn expose(&self) -> Zeroizing<String> {
        encode(TokenKind::Access, &self.id, &self.auth)
    }
}

impl FromStr for AccessToken {
    type Err = ParseTokenError;
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        decode(TokenKind::Access, text).map(|(id, auth)| Self { id, auth })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({}, …)", self.id)
    }
}

/// The form in a body: a registration or a login names its new token.
struct OnTheWire<'a>(&'a AccessToken);

impl fmt::Display for OnTheWire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.expose())
    }
}

impl serde::Serialize for AccessToken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&OnTheWire(self))
    }
}

impl<'de> serde::Deserialize<'de> for AccessToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(<String as serde::Deserialize>::deserialize(deserializer)?);
        text.parse().map_err(serde::de::Error::custom)
    }
}

crate::schema_of_text!(
    AccessToken,
    "AccessToken",
    "^sct_[0-9A-Za-z]{71}$",
    "An access token: id, authenticator and checksum."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let id = KeyId::from_bytes([0xab; 16]);
        let text = encode(TokenKind::ApiKey, &id, &[7; 32]);
        assert_eq!(text.len(), 74);
        let (same, secret) = decode(TokenKind::ApiKey, &text).unwrap();
        assert_eq!((same, *secret), (id, [7; 32]));
        for position in 0..text.len() {
            for other in ["0", "z", "-"] {
                let mut altered = text.to_string();
                altered.replace_range(position..=position, other);
                assert_eq!(decode(TokenKind::ApiKey, &altered).is_ok(), altered == *text, "at {position}");
            }
        }
    }

    #[test]
    fn wrong_texts_say_what_is_wrong_and_never_quote() {
        let cases = [
            ("", "it does not begin with `sc_`"),
            ("sk_abc", "it does not begin with `sc_`"),
            ("sc_abc", "it is not 74 characters long"),
            (&format!("sc_{}", "0".repeat(70) + "é"), "it is not 74 characters long"),
            (
                &format!("sc_{}", "0".repeat(69) + "é"),
                "its checksum does not match: a character is wrong or missing",
            ),
            (
                &format!("sc_{}", "0".repeat(71)),
                "its checksum does not match: a character is wrong or missing",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(decode(TokenKind::ApiKey, text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn an_access_token_prints_its_id_alone() {
        let token = AccessToken::new(KeyId::from_bytes([1; 16]), Zeroizing::new([2; 32]));
        assert_eq!(format!("{token:?}"), "AccessToken(01010101010101010101010101010101, …)");
    }
}
