use seal::SealError;
use zeroize::Zeroizing;

/// Why bytes are not a secret's value.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum ValueError {
    /// No environment variable and no file that a shell sources can carry a NUL.
    #[error(
        "the value holds a NUL byte, which no environment variable can carry; store it encoded, as base64 for example"
    )]
    Nul,
    /// More than any plan stores.
    #[error("the value is {length} bytes long; at most 524288 are stored, and 65536 on the free plan")]
    TooLong {
        /// How long it is.
        length: usize,
    },
}

/// A secret's value. Wiped when dropped; does not print, compare or serialise.
#[derive(Clone)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// The longest value, in bytes.
    pub const LONGEST: usize = 512 * 1024;

    /// Takes these bytes as a value.
    ///
    /// # Errors
    /// When they hold a NUL or are too many.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, ValueError> {
        if bytes.contains(&0) {
            return Err(ValueError::Nul);
        }
        if bytes.len() > Self::LONGEST {
            return Err(ValueError::TooLong { length: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// Draws a value of this many letters and digits, each equally likely. Nothing if that is not 8 to 4096.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate(length: usize) -> Result<Option<Self>, SealError> {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        if !(8..=4096).contains(&length) {
            return Ok(None);
        }
        let mut value = Zeroizing::new(Vec::with_capacity(length));
        let mut drawn = Zeroizing::new([0_u8; 64]);
        while value.len() < length {
            getrandom::fill(drawn.as_mut()).map_err(|_| SealError::Randomness)?;
            // Bytes past the last whole 62 are drawn again.
            let digits = drawn
                .iter()
                .filter(|byte| **byte < 248)
                .filter_map(|byte| DIGITS.get(usize::from(byte % 62)));
            let wanted = length - value.len();
            value.extend(digits.take(wanted));
        }
        Ok(Some(Self(value)))
    }

    /// The bytes: to seal them, to write them into a session file, to put them into a child's environment, or
    /// to show them to a person who asked.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_value_has_the_length_asked_for_and_letters_and_digits_alone() {
        for length in [8, 32, 63, 64, 65, 4096] {
            let value = SecretValue::generate(length).unwrap().unwrap();
            assert_eq!(value.expose().len(), length);
            assert!(value.expose().iter().all(u8::is_ascii_alphanumeric));
        }
        assert!(SecretValue::generate(7).unwrap().is_none());
        assert!(SecretValue::generate(4097).unwrap().is_none());
    }

    #[test]
    fn a_value_has_no_nul_and_at_most_512_kib() {
        let value = |bytes: Vec<u8>| SecretValue::new(Zeroizing::new(bytes)).map(drop);
        assert_eq!(value(vec![b'x'; 524_288]), Ok(()));
        assert_eq!(value(vec![b'x'; 524_289]), Err(ValueError::TooLong { length: 524_289 }));
        assert_eq!(value(b"a\0b".to_vec()), Err(ValueError::Nul));
    }
}
