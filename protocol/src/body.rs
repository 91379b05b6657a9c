//! Request and response bodies of the HTTP API, version 1. Requests refuse unknown fields.

use crate::{
    AccessToken, AccountId, AddressRange, ApprovalId, Blob, Bytes32, DeviceId, Digest, Email, EnvironmentId,
    KeyId, NameIndex, Permissions, ProjectId, Resource, Salt, SecretId,
};
use serde::{Deserialize, Serialize};

/// Argon2id parameters of a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Kdf {
    /// The account's salt.
    pub salt: Salt,
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// A sealed record with its version, for compare-and-set: a write names the version it makes, which must be
/// one above the stored one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    /// The version, from 1.
    pub version: u64,
    /// The sealed record of this version.
    pub blob: Blob,
}

/// `POST /v1/accounts`: makes an account. Everything in it is sealed or is a verifier's preimage.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The new account's id.
    pub account: AccountId,
    /// The address that finds the account at log-in.
    pub email: Email,
    /// How the passphrase was stretched.
    pub kdf: Kdf,
    /// Half of the stretched passphrase.
    pub login: Bytes32,
    /// Kind 6.
    pub account_key: Blob,
    /// The recovery code's authenticator.
    pub recovery: Bytes32,
    /// Kind 7.
    pub account_key_by_recovery: Blob,
    /// Kind 12, version 1.
    pub manifest: Versioned,
}

/// `POST /v1/prelogin`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PreLogin {
    /// Whose parameters. An unknown address gets stable made-up ones.
    pub email: Email,
}

/// `POST /v1/sessions`: logs in and registers the session's token.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The account's address.
    pub email: Email,
    /// Half of the stretched passphrase.
    pub login: Bytes32,
    /// The session's token, made by the client.
    pub session: AccessToken,
    /// What this machine was answered when it logged in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// That somebody logged in on this machine before. It opens nothing: a log-in with it is counted by itself, so that
/// others who try the account's passphrase do not lock this machine out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The machine's id, made by the vault.
    pub id: DeviceId,
    /// The vault's own MAC.
    pub proof: Bytes32,
}

/// What an owner's session works with: the answer of `POST /v1/sessions` and `GET /v1/account`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// The account's id.
    pub account: AccountId,
    /// How the passphrase was stretched.
    pub kdf: Kdf,
    /// Kind 6.
    pub account_key: Blob,
    /// Kind 12.
    pub manifest: Versioned,
    /// When this session ends, in seconds since 1970.
    pub session_expires_at: u64,
    /// To be sent with the next log-in. Answered to a log-in alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// One session in `GET /v1/sessions`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Its id.
    pub id: KeyId,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970.
    pub expires_at: u64,
}

/// A list that comes in pages; `next` goes back as `cursor` for the page after, and is absent on the last.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page<T> {
    /// This page's items.
    pub items: Vec<T>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PUT /v1/projects/{id}`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// The account manifest that names it.
    pub manifest: Versioned,
}

/// `PUT /v1/environments/{id}`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewEnvironment {
    /// The project it belongs to.
    pub project: ProjectId,
    /// Kind 4, generation 1.
    pub key: Blob,
    /// Kind 8, the root of version 1.
    pub root: Versioned,
    /// Kind 8, the buckets that the root names, in order.
    pub buckets: Vec<Blob>,
    /// The account manifest that names it.
    pub manifest: Versioned,
}

/// What kind of credential a caller used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CredentialClass {
    /// An API key.
    Key,
    /// An owner's session.
    Session,
}

/// `GET /v1/environments`: what this credential may use.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environments {
    /// The credential's account.
    pub account: AccountId,
    /// The credential.
    pub credential: KeyId,
    /// Key or session.
    pub class: CredentialClass,
    /// What a key may do; a session may do everything.
    pub permissions: Permissions,
    /// Each environment in scope, with the environment key wrapped for this credential.
    pub environments: Vec<Environment>,
}

/// One environment and its key, wrapped for the caller: kind 5 for an API key, kind 4 for a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Its project.
    pub project: ProjectId,
    /// Which of its keys this is, from 1.
    pub generation: u64,
    /// The wrapped environment key.
    pub key: Blob,
}

/// `PUT /v1/keys/{id}`: registers an API key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The key's access token for this vault.
    pub token: AccessToken,
    /// What it may do.
    pub permissions: Permissions,
    /// Seconds since 1970; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// From where it may be used, at most 16 ranges; from everywhere if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressRange>,
    /// The environments it may use, at least one.
    pub grants: Vec<Grant>,
    /// Kind 11.
    pub record: Blob,
    /// The account manifest that names it.
    pub manifest: Versioned,
}

/// An environment key wrapped for an API key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The environment.
    pub environment: EnvironmentId,
    /// Kind 5.
    pub key: Blob,
}

/// `POST /v1/keys/{id}/rotate`: registers the key that takes the place of this one.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// The new key's id.
    pub id: KeyId,
    /// The new key. Its manifest also says until when the old one works.
    pub key: NewKey,
    /// Until when the old key works, in seconds since 1970: at most 30 days ahead.
    pub old_expires_at: u64,
}

/// `POST /v1/keys/{id}/revoke`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// The account manifest that says so.
    pub manifest: Versioned,
}

/// One API key in `GET /v1/keys`. Its name is in the account manifest, sealed.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyEntry {
    /// Its id.
    pub id: KeyId,
    /// What it may do.
    pub permissions: Permissions,
    /// What it may use.
    pub environments: Vec<EnvironmentId>,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Seconds since 1970; it has worked no more since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
    /// Seconds since 1970: its newest request that was audited. Absent: it was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<u64>,
    /// From where it may be used; from everywhere if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressRange>,
    /// Whether another key takes its place.
    pub replaced: bool,
    /// Kind 11: the owner's copy of its wrapping half and scope.
    pub record: Blob,
}

/// Why a secret is read; stands in the audit row. `reveal` and `gateway` need a permission of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Into an agent's session file.
    Inject,
    /// Into a command's environment.
    Run,
    /// Into an application, by the SDK.
    Sdk,
    /// To a person.
    Reveal,
    /// To be compared with what is about to be written.
    Write,
    /// By a gateway, which opens it and answers it to whoever sent it the key.
    Gateway,
}

/// `?how=`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadQuery {
    /// Why it is read.
    pub how: How,
}

/// `GET /v1/bundle?how=…&environment=…`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BundleQuery {
    /// Why it is read.
    pub how: How,
    /// Which environment; may be absent when the credential has exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentId>,
}

/// A secret as it is stored: all that is human is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SealedSecret {
    /// Its id.
    pub id: SecretId,
    /// The blind index of its name.
    pub index: NameIndex,
    /// Counts its writes, from 1.
    pub version: u64,
    /// Kind 2.
    pub name: Blob,
    /// Kind 3.
    pub meta: Blob,
    /// Kind 1.
    pub value: Blob,
    /// Kind 13 with its own version, where the owner laid one down. Not to be written with the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Versioned>,
}

/// A secret in a list: everything but the value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretEntry {
    /// Its id.
    pub id: SecretId,
    /// The blind index of its name.
    pub index: NameIndex,
    /// Counts its writes, from 1.
    pub version: u64,
    /// Kind 2.
    pub name: Blob,
    /// Kind 3.
    pub meta: Blob,
    /// Kind 13 with its own version, where the owner laid one down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Versioned>,
    /// Seconds since 1970.
    pub updated_at: u64,
}

/// `GET /v1/environments/{id}/secrets/{index}/versions`: what the secret was before, newest first, without values.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Version {
    /// The secret's id.
    pub id: SecretId,
    /// Which version.
    pub version: u64,
    /// Kind 2.
    pub name: Blob,
    /// Kind 3.
    pub meta: Blob,
    /// When it was written, in seconds since 1970.
    pub updated_at: u64,
}

/// `GET /v1/environments/{id}/secrets/{index}/versions/{version}` and `GET /v1/environments/{id}/bin/{secret}`: an
/// earlier version, or a deleted secret. No manifest speaks for it: that it opens proves that it was once written.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadEarlier {
    /// Of this read's audit row.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The environment, with its key wrapped for the caller.
    pub environment: Environment,
    /// What was asked for.
    pub secret: SealedSecret,
}

/// One deleted secret in `GET /v1/environments/{id}/bin`, without its value.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Binned {
    /// Its id.
    pub id: SecretId,
    /// The blind index of its name.
    pub index: NameIndex,
    /// Its newest version. Putting it again with the next one, under this id, restores it.
    pub version: u64,
    /// Kind 2.
    pub name: Blob,
    /// Kind 3.
    pub meta: Blob,
    /// When it was written, in seconds since 1970.
    pub updated_at: u64,
    /// When it was deleted, in seconds since 1970: 30 days later it is gone.
    pub deleted_at: u64,
    /// The number of the audit row of its deletion.
    pub deleted_by: u64,
}

/// `PUT /v1/environments/{id}/secrets/{index}/policy`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// Kind 13 and its version, one above the stored.
    pub policy: Versioned,
    /// Whether the secret is a canary: an API key that reads it is revoked.
    pub canary: bool,
    /// The root that results, one version above the one it replaces.
    pub root: Versioned,
    /// The buckets that differ.
    pub buckets: Vec<Bucket>,
}

/// `GET /v1/environments/{id}/rules`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadRules {
    /// Of this read's audit row.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The environment, with its key wrapped for the caller.
    pub environment: Environment,
    /// Kind 8: the newest root, which names the rules.
    pub root: Versioned,
    /// Kind 13 with its own version, if the owner laid any down.
    pub rules: Option<Versioned>,
}

/// `PUT /v1/environments/{id}/rules`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRules {
    /// Kind 13 and its version, one above the stored.
    pub rules: Versioned,
    /// The root that results, one version above the one it replaces.
    pub root: Versioned,
}

/// `GET /v1/environments/{id}/secrets/{index}`: one secret or its proven absence.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Read {
    /// Of this read's audit row.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The environment, with its key wrapped for the caller.
    pub environment: Environment,
    /// Kind 8: the newest root.
    pub root: Versioned,
    /// Kind 8: the bucket that the index belongs to.
    pub bucket: Blob,
    /// The secret, if there is one of this index.
    pub secret: Option<SealedSecret>,
}

/// `GET /v1/bundle`: a whole environment in one trip and one audit row.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bundle {
    /// The account, which every context names.
    pub account: AccountId,
    /// Of this read's audit row.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The environment, with its key wrapped for the caller.
    pub environment: Environment,
    /// Kind 8: the newest root.
    pub root: Versioned,
    /// Kind 8: every bucket, in order.
    pub buckets: Vec<Blob>,
    /// Every secret but the canaries, by index.
    pub secrets: Vec<SealedSecret>,
    /// The canaries, by index: a key that reads a whole environment is no thief for that, and gets no value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canaries: Vec<SecretEntry>,
}

/// `GET /v1/environments/{id}/secrets`: everything but the values.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Listing {
    /// The environment, with its key wrapped for the caller.
    pub environment: Environment,
    /// Kind 8: the newest root.
    pub root: Versioned,
    /// Kind 8: every bucket, in order.
    pub buckets: Vec<Blob>,
    /// Secrets by index, one page of them.
    pub items: Vec<SecretEntry>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/environments/{id}/changes`: puts and deletes secrets, all or nothing.
///
/// Safe to repeat: the same change again, when it is the newest, answers as the first time.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// New secrets (version 1) and new versions (one above the stored).
    #[serde(default)]
    pub put: Vec<SealedSecret>,
    /// Secrets to delete, by index.
    #[serde(default)]
    pub delete: Vec<NameIndex>,
    /// The root that results, one version above the one it replaces.
    pub root: Versioned,
    /// The buckets that differ.
    pub buckets: Vec<Bucket>,
}

/// One replaced bucket.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its number, from 0.
    pub number: u32,
    /// Kind 8.
    pub blob: Blob,
}

/// `PUT /v1/environments/{id}/rotation`: begins, or goes on, with the environment key of the next generation.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRotation {
    /// Of the new key: one above the one in use.
    pub generation: u64,
    /// Kind 4 of that generation.
    pub key: Blob,
}

/// The rotation that is under way: the one that was begun first.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rotation {
    /// Of the new key.
    pub generation: u64,
    /// Kind 4 of that generation.
    pub key: Blob,
    /// How many of the secrets, versions and deleted secrets are sealed anew.
    pub done: u64,
    /// How many there are.
    pub all: u64,
}

/// `GET /v1/environments/{id}/rotation/pending`: some of what is to be sealed anew; nothing when all is.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pending {
    /// Secrets, earlier versions and deleted secrets, under the key in use.
    pub items: Vec<SealedSecret>,
}

/// `POST /v1/environments/{id}/rotation/resealed`: the same, under the new key: ids and versions stay.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Resealed {
    /// At most 1 MiB of them.
    pub items: Vec<SealedSecret>,
}

/// `POST /v1/environments/{id}/rotation/finish`: the environment turns to the new key, with everything in it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishRotation {
    /// The root under the new key, one version above the one it replaces.
    pub root: Versioned,
    /// All buckets that the root names.
    pub buckets: Vec<Bucket>,
    /// The new key wrapped for each API key that may still use the environment.
    pub grants: Vec<KeyGrant>,
    /// The environment's rules under the new key, in the version that is stored, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Versioned>,
    /// The account manifest that names the new generation.
    pub manifest: Versioned,
}

/// An environment key wrapped for one of the account's API keys.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyGrant {
    /// The API key.
    pub credential: KeyId,
    /// Kind 5.
    pub key: Blob,
}

/// What proves that an account's owner is there, beside a session.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OwnerProof {
    /// Half of the stretched passphrase.
    Login(Bytes32),
    /// The recovery code's authenticator.
    Recovery(Bytes32),
}

/// `PUT /v1/account/passphrase`: another passphrase. Every other session ends.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPassphrase {
    /// The passphrase so far, or the recovery code.
    pub proof: OwnerProof,
    /// How the new passphrase was stretched.
    pub kdf: Kdf,
    /// Half of the new stretched passphrase.
    pub login: Bytes32,
    /// Kind 6, under the new one.
    pub account_key: Blob,
    /// Another recovery code: after the one so far was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<NewRecovery>,
}

/// A recovery code, as the vault sees it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRecovery {
    /// Its authenticator.
    pub recovery: Bytes32,
    /// Kind 7.
    pub account_key_by_recovery: Blob,
}

/// `POST /v1/recoveries`: logs in with the recovery code.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Recover {
    /// The account's address.
    pub email: Email,
    /// The recovery code's authenticator.
    pub recovery: Bytes32,
    /// The session's token, made by the client.
    pub session: AccessToken,
    /// What this machine was answered when it logged in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// The answer of `POST /v1/recoveries`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recovered {
    /// The account's id.
    pub account: AccountId,
    /// Kind 7.
    pub account_key_by_recovery: Blob,
    /// Kind 12.
    pub manifest: Versioned,
    /// To be sent with the next log-in.
    pub device: Device,
}

/// `POST /v1/account/delete`: the account and everything in it, at once and for good.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    /// The passphrase, or the recovery code.
    pub proof: OwnerProof,
}

/// `POST /v1/projects/{id}/delete` and `POST /v1/environments/{id}/delete`: with everything in it, for good.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// The account manifest that names it no more.
    pub manifest: Versioned,
}

/// What an agent's client asks a person for.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// Kind 14: the question; 8192 bytes at most.
    pub question: Blob,
}

/// What was asked and not answered yet, as its owner sees it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenApproval {
    /// Its id.
    pub id: ApprovalId,
    /// Where.
    pub environment: EnvironmentId,
    /// The key that asks.
    pub credential: KeyId,
    /// Kind 14.
    pub question: Blob,
    /// Until when it can be answered: seconds since 1970.
    pub expires_at: u64,
}

/// What an owner says to a question.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Kind 14: the answer; 1024 bytes at most.
    pub answer: Blob,
}

/// What an owner leaves for a machine that is being paired.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// Kind 9: the machine's API key with the names of its project and environment; 1024 bytes at most.
    pub sealed: Blob,
}

/// The answer to a write that was audited.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Written {
    /// Of this write's audit row; absent when the same write had been made before.
    #[serde(flatten)]
    pub receipt: Option<Receipt>,
}

/// What a client keeps of an audit row that was written for it, to prove later that the row is still there and
/// says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The row's number.
    pub seq: u64,
    /// The row's hash.
    pub leaf: Digest,
}

/// `GET /v1/usage`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Usage {
    /// The plan's name.
    pub plan: String,
    /// Each limit and its use.
    pub limits: Vec<Limit>,
}

/// One limit of the plan.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// What is used of it; absent for limits of a single thing's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// How much the plan allows.
    pub allowed: u64,
}

/// The header of a segment: rows of the audit log that were closed over, so that they cannot change unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Segment {
    /// Counts an account's segments, from 1.
    pub n: u64,
    /// The number of its first row; one more than the last of the segment before.
    pub first: u64,
    /// The number of its last row.
    pub last: u64,
    /// The root of the Merkle tree over the leaves of its rows.
    pub root: Digest,
    /// The hash of the segment before; zeros in the first.
    pub previous: Digest,
    /// Seconds since 1970.
    pub closed_at: u64,
    /// Of everything above, and of the account.
    pub hash: Digest,
}

/// `GET /v1/audit/segments`: headers, oldest first.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Segments {
    /// This page's headers.
    pub items: Vec<Segment>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How long the rows of a closed segment are kept in the database, in days; after that they are archived, if the
    /// plan says so. Headers stay.
    pub audit_days: u64,
    /// Rows up to this number are no longer kept at all.
    pub dropped: u64,
}

/// `POST /v1/audit/segments`: one segment was closed, of the oldest rows that were open.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Closed {
    /// The new segment; absent when nothing was open, or somebody else was quicker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    /// Rows that are still open, besides this request's own: ask again while there are any.
    pub open: u64,
    /// Of this request's audit row, which the next segment will have.
    #[serde(flatten)]
    pub receipt: Receipt,
}

/// One row of `GET /v1/audit/rows` and one line of `GET /v1/audit/export`, oldest first: enough to check its
/// leaf, if the caller may see it; else the leaf alone; and neither, when the stored row is not what the vault
/// wrote. A row that the vault cannot open is named so, with its leaf if that is still one.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoggedRow {
    /// Dense for each account, from 1.
    pub seq: u64,
    /// The leaf, as it was when the row was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Digest>,
    /// Whether the vault cannot open the row: it was altered where it is stored, or sealed under a column key that the
    /// vault has no more. Nobody can tell then who may see it, so all who may ask are told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// What the leaf is of.
    #[serde(flatten)]
    pub content: Option<RowContent>,
}

/// What the leaf of a row is of.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RowContent {
    /// Seconds since 1970.
    pub at: u64,
    /// How many of the day's reads it counts for.
    pub cost: u64,
    /// The request that was decided.
    pub request_id: String,
    /// An [`AuditEntry`] in JSON, byte for byte as it was hashed.
    pub entry: String,
}

/// `GET /v1/audit`: rows, newest first.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditRows {
    /// This page's rows that the caller may see.
    pub items: Vec<AuditRow>,
    /// This page's rows that the vault cannot open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A row that the vault cannot open: it was altered where it is stored, or sealed under a column key that the vault
/// has no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnreadableRow {
    /// Its number.
    pub seq: u64,
    /// Its leaf, if what is stored is still one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Digest>,
}

/// One row of `GET /v1/audit`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditRow {
    /// Dense for each account, from 1.
    pub seq: u64,
    /// Seconds since 1970.
    pub at: u64,
    /// The request that was decided.
    pub request_id: String,
    /// What was asked, by whom, and how it was decided.
    #[serde(flatten)]
    pub entry: AuditEntry,
}

/// What an audit row says, sealed at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// 16 random bytes in hex: nobody can guess what the row says and prove it by the row's leaf.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
    /// Who: a key or a session. Absent at sign-up, before there is either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<KeyId>,
    /// What: `read`, `bundle`, `list`, `change`, `sign_up`, …
    pub action: String,
    /// `allowed`, or the refusal's code.
    pub result: String,
    /// Why a secret was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// Where. Absent when the request named none: a key's only environment, or the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentId>,
    /// Which secrets, by the blind index of their names; empty for a whole environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<NameIndex>,
    /// The caller's network address, as the host saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The caller's `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The coding agent that the client works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl AuditEntry {
    /// Every `action` that a vault of this version writes down. A client shows a model no other word of it.
    pub const ACTIONS: &[&str] = &[
        "account",
        "answer_approval",
        "approvals",
        "approve_pairing",
        "ask_approval",
        "audit",
        "audit_export",
        "audit_rows",
        "bin",
        "bundle",
        "canary",
        "change",
        "change_passphrase",
        "close_segment",
        "create_environment",
        "create_key",
        "create_project",
        "delete_account",
        "delete_environment",
        "delete_project",
        "end_session",
        "environments",
        "finish_rotation",
        "forget",
        "keys",
        "list",
        "log_in",
        "read",
        "read_binned",
        "read_version",
        "recover",
        "revoke_key",
        "rotate",
        "rotate_key",
        "rotate_read",
        "rotate_write",
        "rules",
        "segments",
        "sessions",
        "sign_up",
        "usage",
        "versions",
        "write_policy",
        "write_rules",
    ];
}
