use crate::{expand, expand_key, label, prk, random::make_bytes};
use argon2::{Algorithm, Argon2, Params, Version};
use protocol::{Bytes32, Salt, body::Kdf};
use seal::{Key, SealError};
use zeroize::Zeroizing;

/// Why a text is no passphrase.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("a passphrase is 8 to 1024 bytes long")]
pub struct PassphraseError;

/// The vault asked for a passphrase to be stretched with parameters outside the bounds. Nothing was computed
/// or sent: too little would make guessing cheap, too much would stall the client.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("the vault asks for key-stretching parameters that this client does not accept")]
pub struct KdfRefused;

const MEMORY_KIB: std::ops::RangeInclusive<u32> = 64 * 1024..=1024 * 1024;
const PASSES: std::ops::RangeInclusive<u32> = 3..=10;
const LANES: std::ops::RangeInclusive<u32> = 1..=4;

/// An owner's passphrase, normalised (NFKC). Wiped when dropped; does not print.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what a person typed.
    ///
    /// # Errors
    /// When it is shorter than 8 bytes or longer than 1024.
    pub fn new(text: &str) -> Result<Self, PassphraseError> {
        if text.len() > 1024 {
            return Err(PassphraseError);
        }
        let normal = nfkc(text);
        if (8..=1024).contains(&normal.len()) { Ok(Self(normal)) } else { Err(PassphraseError) }
    }

    /// Parameters for a new account: 64 MiB, 3 passes, 1 lane, and a fresh salt.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make_kdf() -> Result<Kdf, SealError> {
        Ok(Kdf {
            salt: Salt(make_bytes()?),
            memory_kib: *MEMORY_KIB.start(),
            passes: *PASSES.start(),
            lanes: *LANES.start(),
        })
    }

    /// Stretches the passphrase. Takes a good part of a second and 64 MiB or more, on purpose.
    ///
    /// # Errors
    /// When the parameters are outside the client's bounds, whoever named them.
    pub fn stretch(&self, kdf: &Kdf) -> Result<Stretched, KdfRefused> {
        if !MEMORY_KIB.contains(&kdf.memory_kib)
            || !PASSES.contains(&kdf.passes)
            || !LANES.contains(&kdf.lanes)
        {
            return Err(KdfRefused);
        }
        let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32)).map_err(|_| KdfRefused)?;
        let mut r = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.as_bytes(), &kdf.salt.0, r.as_mut())
            .map_err(|_| KdfRefused)?;
        let prk = prk(&r);
        Ok(Stretched {
            login: Bytes32::new(expand(&prk, &[label::LOGIN])),
            kek: expand_key(&prk, &[label::KEK]),
            kdf: *kdf,
        })
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn nfkc(text: &str) -> Zeroizing<String> {
    // It grows a text at most 18-fold; reserved whole so that no reallocation leaves a copy.
    let mut normal = Zeroizing::new(String::with_capacity(text.len() * 18));
    normal.extend(unicode_normalization::UnicodeNormalization::nfkc(text));
    normal
}

/// Where JavaScript runs, it had the passphrase before and its engine has the tables: they would be a quarter of
/// what a browser loads.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn nfkc(text: &str) -> Zeroizing<String> {
    Zeroizing::new(js_sys::JsString::from(text).normalize("NFKC").into())
}

/// A stretched passphrase: one half logs in, the other unwraps the account key.
pub struct Stretched {
    login: Bytes32,
    kek: Key,
    kdf: Kdf,
}

impl Stretched {
    /// The half that is sent.
    pub fn login(&self) -> &Bytes32 {
        &self.login
    }

    /// The half that never leaves the client.
    pub(crate) fn kek(&self) -> &Key {
        &self.kek
    }

    /// How it was stretched.
    pub fn kdf(&self) -> &Kdf {
        &self.kdf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kdf(memory_kib: u32, passes: u32, lanes: u32) -> Kdf {
        Kdf { salt: Salt([0; 16]), memory_kib, passes, lanes }
    }

    #[test]
    fn weak_and_monstrous_parameters_are_refused_before_any_work() {
        let passphrase = Passphrase::new("correct horse").unwrap();
        for bad in [
            kdf(65535, 3, 1),
            kdf(65536, 2, 1),
            kdf(65536, 3, 0),
            kdf(1 << 21, 3, 1),
            kdf(65536, 11, 1),
            kdf(65536, 3, 5),
            kdf(0, 0, 0),
        ] {
            assert_eq!(passphrase.stretch(&bad).err(), Some(KdfRefused));
        }
    }

    #[test]
    fn spellings_of_one_passphrase_are_one() {
        let composed = Passphrase::new("caf\u{e9} caf\u{e9}").unwrap();
        let decomposed = Passphrase::new("cafe\u{301} cafe\u{301}").unwrap();
        assert_eq!(*composed.0, *decomposed.0);
        assert!(Passphrase::new("short").is_err());
        assert!(Passphrase::new(&"x".repeat(1025)).is_err());
    }
}
