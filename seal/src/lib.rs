//! The one sealing construction of scheme 1 (`docs/protocol.md`, "The one sealing construction").
//!
//! A blob is bound to a key and to a [`Context`], its place. It opens with exactly these two, or not at all,
//! and every failure is the same [`OpenError`]. This crate knows no hierarchy of keys: it does not care what a
//! key or a place means. It does no I/O but to draw a salt.

mod context;
mod fields;
mod key;
mod padding;

pub use context::{Context, Kind};
pub use fields::{FieldsError, Reader, Writer};
pub use key::Key;

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead, aead::Payload};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The only scheme there is; the first byte of every blob.
const SCHEME: u8 = 1;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
/// What sealing adds to the padded plaintext, in bytes.
pub const OVERHEAD: usize = 1 + SALT + COMMITMENT + TAG;

/// The blob does not open: another key, another place, altered bytes, an unknown scheme, or wrong padding.
/// Which of these is deliberately not said.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("sealed bytes do not open at this place with this key")]
pub struct OpenError;

/// Nothing was sealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum SealError {
    /// The system gave no random bytes.
    #[error("the system's random number generator failed")]
    Randomness,
    /// The plaintext is longer than 4 GiB or the cipher refused it.
    #[error("the plaintext is too long to seal")]
    TooLong,
}

/// Seals `plaintext` under `key` at the place `context`, with a fresh salt.
///
/// # Errors
/// [`SealError::Randomness`] when the system has no random bytes; nothing is sealed then.
pub fn seal(key: &Key, context: &Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|_| SealError::Randomness)?;
    seal_with_salt(key, context, plaintext, &salt)
}

/// [`seal`] with a salt that the caller chose. A salt used twice with one key and context reuses a nonce, so
/// this exists for test vectors alone and is not exported.
fn seal_with_salt(
    key: &Key,
    context: &Context<'_>,
    plaintext: &[u8],
    salt: &[u8; SALT],
) -> Result<Vec<u8>, SealError> {
    let context = context.encode();
    let once = OneUse::derive(key, &context, salt).map_err(|_| SealError::TooLong)?;
    let padded = padding::pad(plaintext).ok_or(SealError::TooLong)?;
    let aad = associated_data(&context, salt, &once.commitment);
    let ciphertext = once
        .cipher
        .encrypt(&once.nonce, Payload { msg: &padded, aad: &aad })
        .map_err(|_| SealError::TooLong)?;
    let mut blob = Vec::with_capacity(1 + SALT + COMMITMENT + ciphertext.len());
    blob.push(SCHEME);
    blob.extend_from_slice(salt);
    blob.extend_from_slice(&once.commitment);
    blob.extend_from_slice(&ciphertext);
    Ok(blob)
}

/// Opens `blob` with `key` at the place `context`.
///
/// The commitment is compared, in constant time, before any decryption: a blob made to open under two keys
/// never reaches the cipher.
///
/// # Errors
/// One [`OpenError`] for every cause.
pub fn open(key: &Key, context: &Context<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (scheme, rest) = blob.split_first().ok_or(OpenError)?;
    let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(OpenError)?;
    let (commitment, ciphertext) = rest.split_first_chunk::<COMMITMENT>().ok_or(OpenError)?;
    if *scheme != SCHEME || ciphertext.len() < TAG {
        return Err(OpenError);
    }
    let context = context.encode();
    let once = OneUse::derive(key, &context, salt).map_err(|_| OpenError)?;
    if !bool::from(once.commitment.ct_eq(commitment)) {
        return Err(OpenError);
    }
    let aad = associated_data(&context, salt, commitment);
    let padded = once
        .cipher
        .decrypt(&once.nonce, Payload { msg: ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| OpenError)?;
    padding::unpad(padded).ok_or(OpenError)
}

/// What one salt derives: a cipher for one message, its nonce, and the commitment to key and place.
struct OneUse {
    cipher: Aes256Gcm,
    nonce: Nonce<aes_gcm::aead::consts::U12>,
    commitment: [u8; COMMITMENT],
}

impl OneUse {
    fn derive(key: &Key, context: &[u8], salt: &[u8; SALT]) -> Result<Self, OpenError> {
        let info = [Writer::new().bytes(b"securecode/1/seal").finish(), context.to_vec()].concat();
        let mut okm = Zeroizing::new([0; 76]);
        Hkdf::<Sha256>::new(Some(salt), key.expose()).expand(&info, okm.as_mut()).map_err(|_| OpenError)?;
        let (cipher_key, rest) = okm.split_first_chunk::<32>().ok_or(OpenError)?;
        let (nonce, rest) = rest.split_first_chunk::<12>().ok_or(OpenError)?;
        let commitment = *rest.first_chunk::<COMMITMENT>().ok_or(OpenError)?;
        Ok(Self {
            cipher: Aes256Gcm::new_from_slice(cipher_key).map_err(|_| OpenError)?,
            nonce: Nonce::from(*nonce),
            commitment,
        })
    }
}

fn associated_data(context: &[u8], salt: &[u8; SALT], commitment: &[u8; COMMITMENT]) -> Vec<u8> {
    [&[SCHEME][..], context, salt, commitment].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Context<'static> {
        Context { account: &[1; 16], subject: b"s", version: 3, ..Context::new(Kind::VALUE) }
    }

    fn key(byte: u8) -> Key {
        Key::from_bytes([byte; 32])
    }

    #[test]
    fn a_blob_is_the_same_bytes_for_the_same_salt() {
        let a = seal_with_salt(&key(7), &place(), b"value", &[9; SALT]).unwrap();
        let b = seal_with_salt(&key(7), &place(), b"value", &[9; SALT]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.len(), 64 + OVERHEAD);
    }

    #[test]
    fn no_flipped_bit_of_a_blob_opens() {
        let blob = seal(&key(7), &place(), &[5; 150]).unwrap();
        for bit in 0..blob.len() * 8 {
            let mut altered = blob.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&key(7), &place(), &altered), Err(OpenError), "bit {bit}");
        }
    }

    #[test]
    fn no_shortened_or_lengthened_blob_opens() {
        let blob = seal(&key(7), &place(), b"v").unwrap();
        for length in 0..blob.len() {
            assert!(open(&key(7), &place(), &blob[..length]).is_err());
        }
        assert!(open(&key(7), &place(), &[blob, vec![0]].concat()).is_err());
    }

    #[test]
    fn each_field_of_the_place_is_bound() {
        let base = Context {
            account: b"a",
            project: b"p",
            environment: b"e",
            subject: b"s",
            index: b"i",
            version: 1,
            ..Context::new(Kind::VALUE)
        };
        let blob = seal(&key(7), &base, b"v").unwrap();
        assert!(open(&key(7), &base, &blob).is_ok());
        for moved in [
            Context { kind: Kind::NAME, ..base },
            Context { account: b"b", ..base },
            Context { project: b"q", ..base },
            Context { environment: b"f", ..base },
            Context { subject: b"t", ..base },
            Context { index: b"j", ..base },
            Context { version: 2, ..base },
            // The same bytes, cut elsewhere.
            Context { account: b"ap", project: b"", ..base },
        ] {
            assert_eq!(open(&key(7), &moved, &blob), Err(OpenError));
        }
        assert_eq!(open(&key(8), &base, &blob), Err(OpenError));
    }

    #[test]
    fn values_of_up_to_64_kib_have_23_sizes() {
        let sizes: std::collections::BTreeSet<usize> =
            (0..=65536).map(|n| padding::padded_length(n).unwrap()).collect();
        assert_eq!(sizes.len(), 23);
    }

    #[test]
    fn salts_do_not_repeat() {
        let salts: std::collections::HashSet<Vec<u8>> =
            (0..2000).map(|_| seal(&key(7), &place(), b"").unwrap()[1..33].to_vec()).collect();
        assert_eq!(salts.len(), 2000);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(plaintext in proptest::collection::vec(any::<u8>(), 0..9000)) {
            let blob = seal(&key(7), &place(), &plaintext).unwrap();
            prop_assert_eq!(&*open(&key(7), &place(), &blob).unwrap(), &plaintext);
        }

        #[test]
        fn arbitrary_bytes_never_open(blob in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(open(&key(7), &place(), &blob).is_err());
        }
    }
}
