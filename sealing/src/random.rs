use protocol::{AccessToken, KeyId};
use seal::SealError;
use zeroize::Zeroizing;

/// Draws `N` bytes from the system.
pub(crate) fn make_bytes<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::Randomness)?;
    Ok(bytes)
}

/// Draws an id: `make_id().map(SecretId::from_bytes)`.
///
/// # Errors
/// When the system has no random bytes.
pub fn make_id() -> Result<[u8; 16], SealError> {
    make_bytes()
}

/// Draws a session's token.
///
/// # Errors
/// When the system has no random bytes.
pub fn make_session() -> Result<AccessToken, SealError> {
    Ok(AccessToken::new(KeyId::from_bytes(make_bytes()?), Zeroizing::new(make_bytes()?)))
}
