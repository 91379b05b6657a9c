//! What the vault makes of things it must recognise and must not keep: MACs under the pepper, a secret of the
//! deployment (`docs/protocol.md`, "What the vault stores and checks").

use base64ct::{Base64UrlUnpadded, Encoding};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use protocol::{
    AccessToken, AccountId, Bytes32, DeviceId, Email, KeyId, Salt,
    body::{CredentialClass, Device},
};
use seal::{Key, Writer};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The pepper in use, and the one before it while what was made with that is made anew: each thing when it is used.
pub struct Pepper {
    current: Key,
    previous: Option<Key>,
}

/// What stands in a verifier column: base64url of a MAC. Says nothing of the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier(String);

impl Verifier {
    /// Whether a stored column is this verifier, in constant time.
    pub fn matches(&self, stored: &str) -> bool {
        self.0.as_bytes().ct_eq(stored.as_bytes()).into()
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The columns of a credential that its MAC covers.
#[derive(serde::Deserialize, Debug, Clone)]
pub struct CredentialRow {
    /// Its id.
    pub id: KeyId,
    /// Its account.
    pub account: AccountId,
    /// Key or session.
    pub class: CredentialClass,
    /// Permission bits.
    pub permissions: u32,
    /// Ids in scope, joined by a space.
    pub environments: String,
    /// 0 for never.
    pub expires_at: u64,
    /// 0 for not revoked.
    pub revoked_at: u64,
    /// JSON of the ranges from which it may be used; empty for everywhere.
    pub addresses: String,
    /// The stored verifier.
    pub verifier: String,
    /// The stored MAC.
    pub mac: String,
}

impl Pepper {
    /// The pepper in use, and the one before it if credentials made with it still count.
    pub fn new(current: Key, previous: Option<Key>) -> Self {
        Self { current, previous }
    }

    /// The verifier to store for a token.
    pub fn verifier(&self, token: &AccessToken) -> Verifier {
        verifier(&self.current, token)
    }

    /// The verifiers that a token may have been stored with: with each pepper that counts. Twice the same where
    /// there is but one, so that a look-up always has two.
    pub fn verifiers(&self, token: &AccessToken) -> [Verifier; 2] {
        self.both().map(|pepper| verifier(pepper, token))
    }

    /// The same credential as it is stored with the pepper in use, if it is stored with the one before it.
    pub fn renew(&self, token: &AccessToken, row: &CredentialRow) -> Option<CredentialRow> {
        let verifier = self.verifier(token).0;
        let row_mac = |row| encode(&row_mac(&self.current, row));
        if row.verifier == verifier && row_mac(row).matches(&row.mac) {
            return None;
        }
        let mut renewed = CredentialRow { verifier, ..row.clone() };
        renewed.mac = row_mac(&renewed).0;
        Some(renewed)
    }

    /// The verifier to store of a login token.
    pub fn login(&self, account: AccountId, login: &Bytes32) -> Verifier {
        account_verifier(&self.current, LOGIN, account, login)
    }

    /// Whether a login token is the one that this verifier was made of.
    pub fn is_login(&self, account: AccountId, login: &Bytes32, stored: &str) -> bool {
        self.is_proof(LOGIN, account, login, stored)
    }

    /// The verifier to store of a recovery code's authenticator.
    pub fn recovery(&self, account: AccountId, auth: &Bytes32) -> Verifier {
        account_verifier(&self.current, RECOVERY, account, auth)
    }

    /// Whether a recovery code's authenticator is the one that this verifier was made of.
    pub fn is_recovery(&self, account: AccountId, auth: &Bytes32, stored: &str) -> bool {
        self.is_proof(RECOVERY, account, auth, stored)
    }

    fn is_proof(&self, label: &[u8], account: AccountId, proof: &Bytes32, stored: &str) -> bool {
        self.both()
            .map(|pepper| account_verifier(pepper, label, account, proof).matches(stored))
            .contains(&true)
    }

    /// What an account is found by, to store.
    pub fn email_index(&self, email: &Email) -> Verifier {
        email_index(&self.current, email)
    }

    /// What an account may be stored under: with each pepper that counts, as [`Pepper::verifiers`].
    pub fn email_indexes(&self, email: &Email) -> [Verifier; 2] {
        self.both().map(|pepper| email_index(pepper, email))
    }

    /// The pepper in use, and the one before it, or that in use once more: so that the same is always done.
    fn both(&self) -> [&Key; 2] {
        [&self.current, self.previous.as_ref().unwrap_or(&self.current)]
    }

    /// The salt that an address without an account is always answered with: until there is another pepper and the one
    /// before it is gone.
    pub fn made_up_salt(&self, email: &Email) -> Salt {
        let [_, oldest] = self.both();
        let mac =
            mac(oldest, Writer::new().bytes(b"securecode/1/no-account").bytes(email.as_str().as_bytes()));
        let mut salt = [0; 16];
        for (slot, byte) in salt.iter_mut().zip(mac) {
            *slot = byte;
        }
        Salt(salt)
    }

    /// What counts tries at the account with that index of its address: its own if `by` is empty, or somebody's.
    pub fn tries(&self, account: &str, by: &str) -> Verifier {
        encode(&mac(
            &self.current,
            Writer::new().bytes(b"securecode/1/tries").bytes(account.as_bytes()).bytes(by.as_bytes()),
        ))
    }

    /// What a machine shows at its next log-in. Nothing of it is stored.
    pub fn device(&self, email: &Email, id: DeviceId) -> Device {
        Device { id, proof: Bytes32::new(Zeroizing::new(device_proof(&self.current, email, id))) }
    }

    /// Whether this vault made the device, for that address.
    pub fn knows(&self, email: &Email, device: &Device) -> bool {
        let made = |pepper| device_proof(pepper, email, device.id).ct_eq(device.proof.expose()).into();
        self.both().map(made).contains(&true)
    }

    /// The MAC to store with a credential's row.
    pub fn row_mac(&self, row: &CredentialRow) -> String {
        encode(&row_mac(&self.current, row)).0
    }

    /// Whether a row is as the vault wrote it.
    pub fn vouches_for(&self, row: &CredentialRow) -> bool {
        let matches = |pepper| encode(&row_mac(pepper, row)).matches(&row.mac);
        matches(&self.current) | self.previous.as_ref().is_some_and(matches)
    }
}

const LOGIN: &[u8] = b"securecode/1/login-verifier";
const RECOVERY: &[u8] = b"securecode/1/recovery-verifier";

fn account_verifier(pepper: &Key, label: &[u8], account: AccountId, proof: &Bytes32) -> Verifier {
    encode(&mac(pepper, Writer::new().bytes(label).bytes(account.as_bytes()).bytes(proof.expose())))
}

fn email_index(pepper: &Key, email: &Email) -> Verifier {
    encode(&mac(pepper, Writer::new().bytes(b"securecode/1/email").bytes(email.as_str().as_bytes())))
}

fn device_proof(pepper: &Key, email: &Email, id: DeviceId) -> [u8; 32] {
    let fields =
        Writer::new().bytes(b"securecode/1/device").bytes(email.as_str().as_bytes()).bytes(id.as_bytes());
    mac(pepper, fields)
}

fn verifier(pepper: &Key, token: &AccessToken) -> Verifier {
    let fields =
        Writer::new().bytes(b"securecode/1/verifier").bytes(token.id().as_bytes()).bytes(token.expose_auth());
    encode(&mac(pepper, fields))
}

fn row_mac(pepper: &Key, row: &CredentialRow) -> [u8; 32] {
    let mut row_key = Zeroizing::new([0; 32]);
    if let Ok(prk) = Hkdf::<Sha256>::from_prk(pepper.expose()) {
        // 32 bytes are below HKDF's limit, the only cause of an error.
        let _ = prk.expand(&Writer::new().bytes(b"securecode/1/rowkey").finish(), row_key.as_mut());
    }
    let class: &[u8] = match row.class {
        CredentialClass::Key => b"key",
        CredentialClass::Session => b"session",
    };
    let mut fields = Writer::new()
        .bytes(b"securecode/1/keyrow")
        .bytes(row.id.as_bytes())
        .bytes(row.account.as_bytes())
        .bytes(class)
        .bytes(row.environments.as_bytes())
        .u64(row.permissions.into())
        .u64(row.expires_at)
        .u64(row.revoked_at)
        .bytes(row.verifier.as_bytes());
    // Left out when empty: as the rows were made that know of no ranges.
    if !row.addresses.is_empty() {
        fields = fields.bytes(row.addresses.as_bytes());
    }
    mac(&Key::from_bytes(*row_key), fields)
}

fn mac(key: &Key, fields: Writer) -> [u8; 32] {
    // HMAC takes keys of every length, so this cannot fail.
    <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()).map_or([0; 32], |mut mac| {
        mac.update(&fields.finish_secret());
        mac.finalize().into_bytes().into()
    })
}

fn encode(mac: &[u8; 32]) -> Verifier {
    Verifier(Base64UrlUnpadded::encode_string(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> CredentialRow {
        CredentialRow {
            id: KeyId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            class: CredentialClass::Key,
            permissions: 1,
            environments: "aa bb".into(),
            expires_at: 5,
            revoked_at: 0,
            addresses: String::new(),
            verifier: "v".into(),
            mac: String::new(),
        }
    }

    #[test]
    fn no_column_of_a_credential_can_be_edited() {
        let pepper = Pepper::new(Key::from_bytes([9; 32]), None);
        let good = CredentialRow { mac: pepper.row_mac(&row()), ..row() };
        assert!(pepper.vouches_for(&good));
        let edits: [fn(&mut CredentialRow); 9] = [
            |row| row.id = KeyId::from_bytes([3; 16]),
            |row| row.account = AccountId::from_bytes([3; 16]),
            |row| row.class = CredentialClass::Session,
            |row| row.permissions = 3,
            |row| row.environments = "aa bb cc".into(),
            |row| row.expires_at = 0,
            |row| row.revoked_at = 1,
            |row| row.addresses = "[]".into(),
            |row| row.verifier = "w".into(),
        ];
        for edit in edits {
            let mut edited = good.clone();
            edit(&mut edited);
            assert!(!pepper.vouches_for(&edited), "{edited:?}");
        }
    }

    #[test]
    fn rows_of_the_previous_pepper_still_count() {
        let old = Pepper::new(Key::from_bytes([9; 32]), None);
        let new = Pepper::new(Key::from_bytes([8; 32]), Some(Key::from_bytes([9; 32])));
        let other = Pepper::new(Key::from_bytes([8; 32]), None);
        let made = CredentialRow { mac: old.row_mac(&row()), ..row() };
        assert!(new.vouches_for(&made));
        assert!(!other.vouches_for(&made));
    }
}
