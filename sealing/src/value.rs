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
    fn a_value_has_no_nul_and_at_most_512_kib() {
        let value = |bytes: Vec<u8>| SecretValue::new(Zeroizing::new(bytes)).map(drop);
        assert_eq!(value(vec![b'x'; 524_288]), Ok(()));
        assert_eq!(value(vec![b'x'; 524_289]), Err(ValueError::TooLong { length: 524_289 }));
        assert_eq!(value(b"a\0b".to_vec()), Err(ValueError::Nul));
    }
}
