use zeroize::Zeroizing;

/// A 256-bit key. Wiped when dropped; does not print, compare or serialise.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// Takes these bytes as a key.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes 32 bytes that were opened from a blob.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_bytes)
    }

    /// Draws a key from the system.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Result<Self, crate::SealError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut()).map_err(|_| crate::SealError::Randomness)?;
        Ok(Self(key))
    }

    /// The key's bytes, to derive from or to wrap.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
