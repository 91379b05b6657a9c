use crate::{ApiKey, Audience, label, random::make_bytes};
use argon2::{Algorithm, Argon2, Params, Version};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ExportOnlyAead, kdf::HkdfSha256,
    kem::X25519HkdfSha256, setup_receiver, setup_sender,
};
use protocol::{
    Blob, KeyId, Label, PairingId, ParseTokenError, TokenKind,
    token::{decode, encode},
};
use seal::{Context, Key, Kind, OpenError, Reader, SealError, Writer};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// Nothing can be sealed for that request.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("nothing can be sealed for that pairing request: its key is none")]
pub struct PairingError;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;

/// What stretches the words: 64 MiB, 3 passes, 1 lane, so that nobody finds another key with the same words while
/// a person compares them.
const STRETCH: (u32, u32, u32) = (64 * 1024, 3, 1);
/// BIP 39's English words, a line each: as one text, because a browser would load a table of their places, too.
const LIST: &str = include_str!("words.txt");

/// Words that are compared, of 11 bits each.
const WORDS: usize = 4;

/// A machine's half of its pairing: it opens what was sealed for its [`PairingRequest`], and is kept nowhere.
pub struct PairingKey {
    request: PairingRequest,
    private: PrivateKey,
}

impl PairingKey {
    /// Draws a key, and the id of its pairing.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Result<Self, SealError> {
        let seed = Zeroizing::new(make_bytes::<32>()?);
        let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_ref());
        let id = PairingId::from_bytes(make_bytes()?);
        Ok(Self { request: PairingRequest { id, public: public.to_bytes().into() }, private })
    }

    /// What whoever approves this machine has to know.
    pub fn request(&self) -> &PairingRequest {
        &self.request
    }

    /// Opens what was sealed for this pairing (kind 9).
    ///
    /// # Errors
    /// When it was sealed for another key, pairing or vault, or was altered.
    pub fn open(&self, audience: &Audience, sealed: &Blob) -> Result<Paired, OpenError> {
        let info = self.request.info(audience);
        let (encapsulated, sealed) = sealed.as_bytes().split_first_chunk::<32>().ok_or(OpenError)?;
        let encapsulated = Deserializable::from_bytes(encapsulated).map_err(|_| OpenError)?;
        let context = setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            &info,
        )
        .map_err(|_| OpenError)?;
        let mut exported = Zeroizing::new([0; 32]);
        context.export(label::PAIRING, exported.as_mut()).map_err(|_| OpenError)?;
        let key = Key::from_bytes(*exported);
        let plaintext = seal::open(&key, &self.request.context(), sealed)?;
        Paired::decode(&plaintext)
    }
}

/// What a machine asks to be paired with: its pairing's id and its public key. Travels as a link's fragment or by a
/// person's hand; the words tell whether it is the one that the machine made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingRequest {
    id: PairingId,
    public: [u8; 32],
}

impl PairingRequest {
    /// The pairing's id.
    pub fn id(&self) -> PairingId {
        self.id
    }

    /// The words that a person compares on both sides: 44 bits of the request and the vault it is for. Takes a good
    /// part of a second and 64 MiB, on purpose.
    pub fn words(&self, audience: &Audience) -> String {
        let input = Writer::new()
            .bytes(label::PAIRING_WORDS)
            .bytes(self.id.as_bytes())
            .bytes(&self.public)
            .bytes(audience.as_str().as_bytes())
            .finish();
        let mut stretched = [0; 8];
        let (memory, passes, lanes) = STRETCH;
        // Constant parameters within Argon2's bounds, so neither fails; zeros would show as words that differ.
        if let Ok(params) = Params::new(memory, passes, lanes, Some(stretched.len())) {
            let _ = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                &input,
                self.id.as_bytes(),
                &mut stretched,
            );
        }
        let bits = u64::from_be_bytes(stretched);
        let word = |n: usize| LIST.lines().nth((bits >> (64 - 11 * (n + 1))) as usize & 2047);
        (0..WORDS).filter_map(word).collect::<Vec<_>>().join(" ")
    }

    /// Seals a key for the machine that asked (kind 9).
    ///
    /// # Errors
    /// When the request's public key is none that anything can be sealed for.
    ///
    /// # Panics
    /// When the system has no random bytes: it had some for the API key a moment before.
    pub fn seal(&self, audience: &Audience, paired: &Paired) -> Result<Blob, PairingError> {
        let public = PublicKey::from_bytes(&self.public).map_err(|_| PairingError)?;
        let info = self.info(audience);
        let (encapsulated, context) =
            setup_sender::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &public, &info)
                .map_err(|_| PairingError)?;
        let mut exported = Zeroizing::new([0; 32]);
        context.export(label::PAIRING, exported.as_mut()).map_err(|_| PairingError)?;
        let key = Key::from_bytes(*exported);
        let sealed = seal::seal(&key, &self.context(), &paired.encode()).map_err(|_| PairingError)?;
        Ok(Blob::from_sealed([encapsulated.to_bytes().as_slice(), &sealed].concat()))
    }

    fn info(&self, audience: &Audience) -> Vec<u8> {
        Writer::new()
            .bytes(label::PAIRING)
            .bytes(self.id.as_bytes())
            .bytes(audience.as_str().as_bytes())
            .finish()
    }

    fn context(&self) -> Context<'_> {
        Context { subject: self.id.as_bytes(), index: &self.public, ..Context::new(Kind::PAIRING) }
    }
}

impl fmt::Display for PairingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(TokenKind::Pairing, &KeyId::from_bytes(*self.id.as_bytes()), &self.public))
    }
}

impl FromStr for PairingRequest {
    type Err = ParseTokenError;
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        let (id, public) = decode(TokenKind::Pairing, text)?;
        Ok(Self { id: PairingId::from_bytes(*id.as_bytes()), public: *public })
    }
}

/// What a paired machine gets.
#[derive(Debug)]
pub struct Paired {
    /// Its API key.
    pub key: ApiKey,
    /// The project that it was paired with.
    pub project: Label,
    /// The environment that it was paired with.
    pub environment: Label,
}

impl Paired {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let writer = Writer::new().bytes(self.key.expose().as_bytes());
        let writer = writer.bytes(self.project.as_str().as_bytes());
        writer.bytes(self.environment.as_str().as_bytes()).finish_secret()
    }

    fn decode(plaintext: &[u8]) -> Result<Self, OpenError> {
        fn text<T: FromStr>(reader: &mut Reader<'_>) -> Result<T, OpenError> {
            reader.text().ok().and_then(|text| text.parse().ok()).ok_or(OpenError)
        }
        let mut reader = Reader::new(plaintext);
        let paired =
            Self { key: text(&mut reader)?, project: text(&mut reader)?, environment: text(&mut reader)? };
        reader.end().map_err(|_| OpenError)?;
        Ok(paired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(text: &str) -> Audience {
        text.parse().unwrap()
    }

    fn paired() -> Paired {
        Paired {
            key: ApiKey::make().unwrap(),
            project: "shop".parse().unwrap(),
            environment: "dev".parse().unwrap(),
        }
    }

    #[test]
    fn the_machine_that_asked_opens_what_was_sealed_for_it_and_nobody_else_does() {
        let vault = audience("https://vault.example");
        let machine = PairingKey::make().unwrap();
        // As it travels.
        let request: PairingRequest = machine.request().to_string().parse().unwrap();
        let given = paired();
        let sealed = request.seal(&vault, &given).unwrap();
        let got = machine.open(&vault, &sealed).unwrap();
        assert_eq!(*got.key.expose(), *given.key.expose());
        assert_eq!((got.project, got.environment), (given.project, given.environment));

        assert!(machine.open(&audience("https://other.example"), &sealed).is_err());
        assert!(PairingKey::make().unwrap().open(&vault, &sealed).is_err());
        let other = PairingRequest { id: PairingId::from_bytes([7; 16]), ..request };
        assert!(machine.open(&vault, &other.seal(&vault, &paired()).unwrap()).is_err());
    }

    #[test]
    fn no_altered_byte_opens() {
        let vault = audience("https://vault.example");
        let machine = PairingKey::make().unwrap();
        let sealed = machine.request().seal(&vault, &paired()).unwrap();
        for at in 0..sealed.as_bytes().len() {
            let mut altered = sealed.as_bytes().to_vec();
            altered[at] ^= 1;
            assert!(machine.open(&vault, &Blob::from_sealed(altered)).is_err(), "byte {at}");
        }
        assert!(machine.open(&vault, &Blob::from_sealed(vec![0; 20])).is_err());
    }

    #[test]
    fn a_public_key_without_a_secret_is_refused() {
        // The group's element of order one: whatever is multiplied by it is zero.
        let request = PairingRequest { id: PairingId::from_bytes([1; 16]), public: [0; 32] };
        assert!(request.seal(&audience("https://vault.example"), &paired()).is_err());
    }

    #[test]
    fn the_list_is_bip_39s() {
        assert!(LIST.lines().eq(bip39::Language::English.word_list().iter().copied()));
    }

    #[test]
    fn the_words_are_of_key_id_and_vault() {
        let vault = audience("https://vault.example");
        let request = PairingRequest { id: PairingId::from_bytes([1; 16]), public: [2; 32] };
        let words = request.words(&vault);
        assert_eq!(words.split(' ').count(), WORDS);
        assert_eq!(request.words(&vault), words);
        let others = [
            PairingRequest { id: PairingId::from_bytes([3; 16]), ..request.clone() }.words(&vault),
            PairingRequest { public: [4; 32], ..request.clone() }.words(&vault),
            request.words(&audience("https://vault.example:8443")),
        ];
        assert!(others.iter().all(|other| *other != words));
    }
}
