//! Blobs, and what lies in them where whoever sealed them has the key: a leaked one, or an older program.

use hkdf::Hkdf;
use protocol::{
    AccountId, Blob, EnvironmentId, KeyId, NameIndex, ProjectId, SecretId, TokenKind, body::Versioned, token,
};
use seal::{Context, Key, Kind, Writer};
use sealing::{
    ApiKey, Audience, EnvironmentKey, Manifest, PairingKey, PairingRequest, Place, Proof, SecretValue,
};
use sha2::Sha256;
use std::sync::OnceLock;

const BYTES: [u8; 32] = [7; 32];

pub(crate) fn blob(data: &[u8]) {
    let key = Key::from_bytes(BYTES);
    let context = Context { subject: b"subject", ..Context::new(Kind::VALUE) };
    assert!(seal::open(&key, &context, data).is_err(), "a blob that nobody sealed opens");
    let Ok(mut sealed) = seal::seal(&key, &context, data) else { return };
    assert_eq!(seal::open(&key, &context, &sealed).ok().as_deref().map(Vec::as_slice), Some(data));
    // One bit of it is another.
    let at = data.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let bits = sealed.len() * 8;
    sealed[at % bits / 8] ^= 1 << (at % 8);
    assert!(seal::open(&key, &context, &sealed).is_err(), "an altered blob opens");
}

fn place() -> Place {
    Place {
        account: AccountId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        environment: EnvironmentId::from_bytes([3; 16]),
    }
}

fn at(kind: Kind, subject: &'static [u8], index: &'static [u8], version: u64) -> Context<'static> {
    Context { kind, account: &[1; 16], project: &[2; 16], environment: &[3; 16], subject, index, version }
}

fn sealed(key: &Key, context: &Context<'_>, plaintext: &[u8]) -> Blob {
    Blob::from_sealed(seal::seal(key, context, plaintext).unwrap_or_default())
}

/// The environment whose key is `BYTES`, as an API key of which everything is known opens it (docs/protocol.md).
fn environment() -> &'static EnvironmentKey {
    static KEY: OnceLock<EnvironmentKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let id = KeyId::from_bytes([4; 16]);
        let text = token::encode(TokenKind::ApiKey, &id, &BYTES);
        let key: ApiKey = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let mut wrap = [0; 32];
        let info = Writer::new().bytes(b"securecode/1/key/wrap").finish();
        let _ = Hkdf::<Sha256>::new(Some(&[4; 16]), &BYTES).expand(&info, &mut wrap);
        let plaintext = Writer::new().raw(&BYTES).bytes(b"shop").bytes(b"dev").u8(0).finish();
        let context = at(Kind::ENVIRONMENT_KEY_OF_API_KEY, &[4; 16], &[], 1);
        let wrapped = sealed(&Key::from_bytes(wrap), &context, &plaintext);
        let opened = key.derive_wrap().unwrap_environment_key(&place(), 1, &wrapped);
        opened
            .unwrap_or_else(|error| panic!("the key that docs/protocol.md describes does not open: {error}"))
            .0
    })
}

/// Plaintexts of each kind that an environment's key seals.
pub(crate) fn opened(data: &[u8]) {
    let Some((kind, plaintext)) = data.split_first() else { return };
    let (own, key) = (Key::from_bytes(BYTES), environment());
    let versioned = |blob| Versioned { version: 5, blob };
    match kind % 6 {
        0 => {
            let root = sealed(&own, &at(Kind::ENVIRONMENT_MANIFEST, b"root", &[], 5), plaintext);
            let _ = Manifest::open(key, &versioned(root.clone()), &[]);
            let Ok(name) = "NAME".parse() else { return };
            let bucket = sealed(&own, &at(Kind::ENVIRONMENT_MANIFEST, b"bucket", &[0; 4], 0), plaintext);
            let _ = Proof::open(key, &name, &versioned(root), &bucket);
        }
        1 => {
            // A root that vouches for the bucket, whatever that holds.
            let bucket = sealed(&own, &at(Kind::ENVIRONMENT_MANIFEST, b"bucket", &[0; 4], 0), plaintext);
            let digest = <Sha256 as sha2::Digest>::digest(bucket.as_bytes());
            let count = plaintext
                .get(..4)
                .map_or(0, |count| u32::from_be_bytes([count[0], count[1], count[2], count[3]]));
            let root = Writer::new().u64(5).u32(count).u32(1).raw(&digest).finish();
            let root = sealed(&own, &at(Kind::ENVIRONMENT_MANIFEST, b"root", &[], 5), &root);
            if let Ok(manifest) = Manifest::open(key, &versioned(root), &[bucket]) {
                assert_eq!(manifest.len(), count as usize, "a manifest of another size than its root says");
            }
        }
        2 => {
            let _ = key.open_rules(5, &sealed(&own, &at(Kind::POLICY, b"rules", &[], 5), plaintext));
        }
        3 => {
            let blob = sealed(&own, &at(Kind::POLICY, &[6; 16], &[8; 16], 5), plaintext);
            let _ = key.open_policy(SecretId::from_bytes([6; 16]), NameIndex::from_bytes([8; 16]), 5, &blob);
        }
        4 => {
            let index = NameIndex::from_bytes([8; 16]);
            let name = sealed(&own, &at(Kind::NAME, &[6; 16], &[8; 16], 0), plaintext);
            let meta = sealed(&own, &at(Kind::META, &[6; 16], &[8; 16], 5), plaintext);
            let opened = key.open_named(SecretId::from_bytes([6; 16]), index, 5, &name, &meta);
            assert!(opened.is_err(), "a name opens that is not its index's");
        }
        _ => {
            if let Ok(value) = SecretValue::new(plaintext.to_vec().into()) {
                assert!(!value.expose().contains(&0), "a value that no variable can hold");
            }
        }
    }
}

pub(crate) fn pairing(data: &[u8]) {
    let Ok(audience) = "https://vault.example.com".parse::<Audience>() else { return };
    static KEY: OnceLock<Option<PairingKey>> = OnceLock::new();
    if let Some(key) = KEY.get_or_init(|| PairingKey::make().ok()) {
        assert!(
            key.open(&audience, &Blob::from_sealed(data.to_vec())).is_err(),
            "a pairing that nobody sealed opens"
        );
    }
    if let Some(request) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<PairingRequest>().ok())
    {
        assert_eq!(request.to_string().as_bytes(), data);
    }
}
