use crate::{expand, expand_key, label, random::make_bytes};
use data_encoding::BASE32_NOPAD;
use hkdf::Hkdf;
use protocol::Bytes32;
use seal::{Key, SealError};
use sha2::Sha256;
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

const PREFIX: &str = "scr_";

/// The text is no recovery code.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error(
    "a recovery code is `scr_` and eight groups of four letters or digits; a character is wrong or missing"
)]
pub struct ParseRecoveryCodeError;

/// 128 random bits that open the account when the passphrase is lost. Shown once. Does not print by accident.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<[u8; 16]>);

impl RecoveryCode {
    /// Draws a code.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Result<Self, SealError> {
        Ok(Self(Zeroizing::new(make_bytes()?)))
    }

    /// The code as text, to show it once to its owner.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(self.0.to_vec());
        bytes.extend_from_slice(&checksum(&self.0));
        let digits = Zeroizing::new(BASE32_NOPAD.encode(&bytes));
        let mut text = Zeroizing::new(String::with_capacity(48));
        text.push_str(PREFIX);
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && position % 4 == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// What is sent to recover.
    pub fn derive_auth(&self) -> Bytes32 {
        Bytes32::new(expand(&self.prk(), &[label::RECOVERY_AUTH]))
    }

    /// What unwraps the account key; never sent.
    pub(crate) fn derive_wrap(&self) -> Key {
        expand_key(&self.prk(), &[label::RECOVERY_WRAP])
    }

    fn prk(&self) -> Hkdf<Sha256> {
        Hkdf::new(Some(label::RECOVERY), self.0.as_ref())
    }
}

fn checksum(code: &[u8; 16]) -> [u8; 4] {
    protocol::token::checksum(&Zeroizing::new([PREFIX.as_bytes(), code].concat()))
}

impl FromStr for RecoveryCode {
    type Err = ParseRecoveryCodeError;

    /// Reads what a person typed: in any case, with or without hyphens and spaces.
    fn from_str(text: &str) -> Result<Self, ParseRecoveryCodeError> {
        let plain: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect());
        let (prefix, digits) = plain.split_at_checked(PREFIX.len()).ok_or(ParseRecoveryCodeError)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return Err(ParseRecoveryCodeError);
        }
        let digits = Zeroizing::new(digits.to_ascii_uppercase());
        let bytes =
            BASE32_NOPAD.decode(digits.as_bytes()).map(Zeroizing::new).map_err(|_| ParseRecoveryCodeError)?;
        let (code, sum) = bytes.split_first_chunk::<16>().ok_or(ParseRecoveryCodeError)?;
        if sum != checksum(code) { Err(ParseRecoveryCodeError) } else { Ok(Self(Zeroizing::new(*code))) }
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_typed() {
        let code = RecoveryCode(Zeroizing::new([0xa5; 16]));
        let text = code.expose();
        assert_eq!(text.len(), 4 + 32 + 7);
        for typed in [
            text.to_string(),
            text.to_lowercase(),
            text.replace('-', " "),
            format!("  {}\n", text.replace('-', "")),
        ] {
            assert_eq!(*typed.parse::<RecoveryCode>().unwrap().0, [0xa5; 16]);
        }
    }

    #[test]
    fn a_typing_error_is_noticed() {
        let text = RecoveryCode::make().unwrap().expose();
        for position in 4..text.len() {
            let mut typed = text.to_string();
            let other = if &typed[position..=position] == "A" { "B" } else { "A" };
            typed.replace_range(position..=position, other);
            assert!(typed.parse::<RecoveryCode>().is_err(), "at {position}");
        }
        assert!("scr_".parse::<RecoveryCode>().is_err());
        assert!("é".parse::<RecoveryCode>().is_err());
    }
}
