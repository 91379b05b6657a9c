//! An account in its owner's hands.

use crate::{Environment, admit, answer, entrance, output, pin, thrown::Thrown};
use protocol::{
    AddressRange, Email, EnvironmentId, KeyId, Label, Permission, Permissions, ProjectId,
    body::{
        DeleteAccount, Environments, Kdf, KeyEntry, NewEnvironment, NewKey, NewPassphrase, NewProject,
        OwnerProof, Page, Removal, RevokeKey, RotateKey, Versioned,
    },
};
use sealing::{
    AccountKey, AccountManifest, Audience, EnvironmentKey, EnvironmentNames, EnvironmentRecord, KeyDraft,
    KeyStatus, Passphrase, Pin, ProjectRecord, make_id,
};
use serde::{Serialize, de::DeserializeOwned};
use std::str::FromStr;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface Pin { version: number; digest: string }
export interface ProjectView { id: string; name: string }
export interface EnvironmentView { id: string; project: string; name: string; production: boolean }
export type Permission = "read" | "write" | "reveal" | "audit" | "gateway";
export interface KeyView {
  id: string; name: string; permissions: Permission[]; environments: string[]; addresses: string[];
  /** `locked`: the vault refuses it though the owner did not revoke it: a canary was read. */
  status: "active" | "expired" | "revoked" | "locked";
  /** Not what the owner's record says: the vault accepts a key that it must not. */
  warning: "unknown" | "revoked" | null;
  expires_at: number | null; created_at: number | null; used_at: number | null; replaced: boolean;
}
"#;

/// An account whose key is in here. Freed, it is wiped.
#[wasm_bindgen]
pub struct Account {
    pub(crate) key: AccountKey,
    email: Email,
    manifest: AccountManifest,
    pin: String,
}

/// A change of the account's record, to be sent.
#[wasm_bindgen]
pub struct Write {
    method: &'static str,
    path: String,
    body: String,
    api_key: Option<String>,
    next: AccountManifest,
    pin: Pin,
}

#[wasm_bindgen]
impl Write {
    /// The request's method.
    pub fn method(&self) -> String {
        self.method.into()
    }

    /// The request's path.
    pub fn path(&self) -> String {
        self.path.clone()
    }

    /// The request's body.
    pub fn body(&self) -> String {
        self.body.clone()
    }

    /// The API key that it makes, to show it once.
    #[wasm_bindgen(js_name = apiKey)]
    pub fn api_key(&self) -> Option<String> {
        self.api_key.clone()
    }
}

#[derive(Serialize)]
struct EnvironmentView<'a> {
    id: EnvironmentId,
    project: ProjectId,
    name: &'a Label,
    production: bool,
}

#[derive(Serialize)]
struct ProjectView<'a> {
    id: ProjectId,
    name: &'a Label,
}

#[derive(Serialize)]
struct KeyView<'a> {
    id: KeyId,
    name: Option<&'a Label>,
    permissions: Permissions,
    environments: Vec<EnvironmentId>,
    addresses: Vec<AddressRange>,
    status: &'static str,
    warning: Option<&'static str>,
    expires_at: Option<u64>,
    created_at: Option<u64>,
    used_at: Option<u64>,
    replaced: bool,
}

fn id<T: FromStr>(text: &str) -> Result<T, Thrown> {
    text.parse().map_err(|_| Thrown::mistake("that is no id"))
}

fn list<T: DeserializeOwned>(words: &[String]) -> Result<Vec<T>, Thrown> {
    words.iter().map(|word| crate::input(&output(word)?)).collect()
}

type Opened = Vec<(EnvironmentRecord, EnvironmentKey, EnvironmentNames)>;

impl Account {
    pub(crate) fn open(
        key: AccountKey,
        email: Email,
        served: &Versioned,
        seen: Option<&str>,
    ) -> Result<Self, Thrown> {
        let manifest = key.open_manifest(served)?;
        Ok(Self { key, email, manifest, pin: admit(seen, served)? })
    }

    fn write<T: Serialize>(
        &self,
        (method, path): (&'static str, String),
        edit: impl FnOnce(&mut AccountManifest),
        body: impl FnOnce(Versioned) -> T,
    ) -> Result<Write, Thrown> {
        let mut next = self.manifest.next();
        edit(&mut next);
        next.sort();
        let sealed = self.key.seal_manifest(&next)?;
        let pin = Pin::of(&sealed);
        Ok(Write { method, path, body: output(&body(sealed))?, api_key: None, next, pin })
    }

    fn record(&self, environment: &str) -> Result<&EnvironmentRecord, Thrown> {
        let wanted: EnvironmentId = id(environment)?;
        let found = self.manifest.environments.iter().find(|one| one.id == wanted);
        found.ok_or_else(|| Thrown::mistake("there is no such environment any more"))
    }

    fn opened(&self, served: &str, wanted: &[EnvironmentId]) -> Result<Opened, Thrown> {
        let served: Environments = answer(served)?;
        let records = self.manifest.environments.iter().filter(|one| wanted.contains(&one.id));
        let open = |record: &EnvironmentRecord| {
            let (key, names) = self.key.open_environment(record, &served.environments)?;
            Ok((record.clone(), key, names))
        };
        records.map(open).collect()
    }

    fn free_name<'a>(name: &Label, mut taken: impl Iterator<Item = &'a Label>) -> Result<(), Thrown> {
        if taken.any(|one| one == name) {
            return Err(Thrown::mistake(format!("there is one called {name} already")));
        }
        Ok(())
    }
}

#[wasm_bindgen]
impl Account {
    /// The account's id.
    pub fn id(&self) -> String {
        self.key.account().to_string()
    }

    /// Its address.
    pub fn email(&self) -> String {
        self.email.to_string()
    }

    /// What of its record this browser has seen, to be kept: `Pin` in JSON.
    pub fn pin(&self) -> String {
        self.pin.clone()
    }

    /// Takes over what the vault has now, of `GET /v1/account`: others may have written.
    ///
    /// # Errors
    /// When it is not newer than what was seen.
    pub fn renew(&mut self, served: &str) -> Result<(), Thrown> {
        let served: protocol::body::Account = answer(served)?;
        if served.account != self.key.account() {
            return Err(Thrown::distrusted("the vault answered with another account"));
        }
        let seen = admit(Some(&self.pin), &served.manifest)?;
        self.manifest = self.key.open_manifest(&served.manifest)?;
        self.pin = seen;
        Ok(())
    }

    /// The vault has what was written.
    ///
    /// # Errors
    /// Never.
    pub fn commit(&mut self, write: Write) -> Result<(), Thrown> {
        self.pin = pin(write.pin)?;
        self.manifest = write.next;
        Ok(())
    }

    /// `ProjectView[]` in JSON.
    ///
    /// # Errors
    /// Never.
    pub fn projects(&self) -> Result<String, Thrown> {
        let records = self.manifest.projects.iter();
        let views: Vec<_> = records.map(|one| ProjectView { id: one.id, name: &one.name }).collect();
        output(&views)
    }

    /// `EnvironmentView[]` in JSON.
    ///
    /// # Errors
    /// Never.
    pub fn environments(&self) -> Result<String, Thrown> {
        let views: Vec<_> = self
            .manifest
            .environments
            .iter()
            .map(|one| EnvironmentView {
                id: one.id,
                project: one.project,
                name: &one.name,
                production: one.production,
            })
            .collect();
        output(&views)
    }

    /// Makes a project.
    ///
    /// # Errors
    /// When that is no name, or is taken.
    #[wasm_bindgen(js_name = newProject)]
    pub fn new_project(&self, name: &str) -> Result<Write, Thrown> {
        let name: Label = name.parse()?;
        Self::free_name(&name, self.manifest.projects.iter().map(|one| &one.name))?;
        let id = ProjectId::from_bytes(make_id()?);
        self.write(
            ("PUT", format!("/v1/projects/{id}")),
            |next| next.projects.push(ProjectRecord { id, name }),
            |manifest| NewProject { manifest },
        )
    }

    /// Deletes a project, with everything in it.
    ///
    /// # Errors
    /// When that is no id.
    #[wasm_bindgen(js_name = removeProject)]
    pub fn remove_project(&self, project: &str) -> Result<Write, Thrown> {
        let id: ProjectId = id(project)?;
        self.write(
            ("POST", format!("/v1/projects/{id}/delete")),
            |next| next.remove_project(id),
            |manifest| Removal { manifest },
        )
    }

    /// Makes an environment.
    ///
    /// # Errors
    /// When that is no name, or is taken, or there is no such project.
    #[wasm_bindgen(js_name = newEnvironment)]
    pub fn new_environment(&self, project: &str, name: &str, production: bool) -> Result<Write, Thrown> {
        let project: ProjectId = id(project)?;
        let name: Label = name.parse()?;
        let owner = self.manifest.projects.iter().find(|one| one.id == project);
        let owner = owner.ok_or_else(|| Thrown::mistake("there is no such project any more"))?;
        let siblings = self.manifest.environments.iter().filter(|one| one.project == project);
        Self::free_name(&name, siblings.map(|one| &one.name))?;
        let draft = self.key.draft_environment(owner, name, production)?;
        let path = format!("/v1/environments/{}", draft.record.id);
        let (record, key, root, buckets) = (draft.record, draft.key, draft.root, draft.buckets);
        self.write(
            ("PUT", path),
            |next| next.environments.push(record),
            |manifest| NewEnvironment { project, key, root, buckets, manifest },
        )
    }

    /// Deletes an environment, with everything in it.
    ///
    /// # Errors
    /// When that is no id.
    #[wasm_bindgen(js_name = removeEnvironment)]
    pub fn remove_environment(&self, environment: &str) -> Result<Write, Thrown> {
        let id: EnvironmentId = id(environment)?;
        self.write(
            ("POST", format!("/v1/environments/{id}/delete")),
            |next| next.remove_environment(id),
            |manifest| Removal { manifest },
        )
    }

    /// Opens an environment with what `GET /v1/environments` answered.
    ///
    /// # Errors
    /// When the vault left it out, or serves another key or name than the owner's record has.
    #[wasm_bindgen(js_name = openEnvironment)]
    pub fn open_environment(&self, served: &str, environment: &str) -> Result<Environment, Thrown> {
        let served: Environments = answer(served)?;
        let record = self.record(environment)?;
        let (key, _) = self.key.open_environment(record, &served.environments)?;
        Ok(Environment::new(key, record.generation))
    }

    /// The owner's record of keys beside what `GET /v1/keys` answered: `KeyView[]` in JSON.
    ///
    /// # Errors
    /// When the answer is not of its form.
    pub fn keys(&self, served: &str, now: u32) -> Result<String, Thrown> {
        let served: Page<KeyEntry> = answer(served)?;
        let now = u64::from(now);
        let mut views = Vec::new();
        for key in &self.manifest.keys {
            let entry = served.items.iter().find(|entry| entry.id == key.id);
            let refused = entry.is_none_or(|entry| entry.revoked_at.is_some());
            let status = match key.status {
                KeyStatus::Revoked => "revoked",
                KeyStatus::Active if key.expires_at != 0 && key.expires_at <= now => "expired",
                KeyStatus::Active if refused => "locked",
                KeyStatus::Active => "active",
            };
            views.push(KeyView {
                id: key.id,
                name: Some(&key.name),
                permissions: key.permissions,
                environments: key.environments.clone(),
                addresses: entry.map(|entry| entry.addresses.clone()).unwrap_or_default(),
                status,
                warning: (key.status == KeyStatus::Revoked && !refused).then_some("revoked"),
                expires_at: (key.expires_at != 0).then_some(key.expires_at),
                created_at: entry.map(|entry| entry.created_at),
                used_at: entry.and_then(|entry| entry.used_at),
                replaced: entry.is_some_and(|entry| entry.replaced),
            });
        }
        for entry in served.items.iter().filter(|entry| self.manifest.key(entry.id).is_none()) {
            views.push(KeyView {
                id: entry.id,
                name: None,
                permissions: entry.permissions,
                environments: entry.environments.clone(),
                addresses: entry.addresses.clone(),
                status: if entry.revoked_at.is_some() { "revoked" } else { "active" },
                warning: entry.revoked_at.is_none().then_some("unknown"),
                expires_at: entry.expires_at,
                created_at: Some(entry.created_at),
                used_at: entry.used_at,
                replaced: entry.replaced,
            });
        }
        output(&views)
    }

    /// Makes an API key for environments that `GET /v1/environments` answered. `vault` is the page's own origin.
    ///
    /// # Errors
    /// When something that was asked for is none, or the vault's answer does not hold.
    #[wasm_bindgen(js_name = newKey)]
    #[allow(clippy::too_many_arguments, reason = "JavaScript has no other way to name them")]
    pub fn new_key(
        &self,
        vault: &str,
        served: &str,
        name: &str,
        environments: Vec<String>,
        permissions: Vec<String>,
        expires_at: Option<u32>,
        addresses: Vec<String>,
    ) -> Result<Write, Thrown> {
        let audience: Audience = vault.parse()?;
        let wanted: Vec<EnvironmentId> = list(&environments)?;
        if wanted.is_empty() {
            return Err(Thrown::mistake("a key needs at least one environment"));
        }
        let permissions: Permissions = list::<Permission>(&permissions)?.into_iter().collect();
        let addresses = list(&addresses)?;
        let opened = self.opened(served, &wanted)?;
        let expires_at = expires_at.map(u64::from);
        let draft = self.key.draft_key(&opened, name.parse()?, permissions, expires_at.unwrap_or(0))?;
        let KeyDraft { api_key, entry, record, grants } = draft;
        let token = api_key.derive_token(&audience);
        let write = self.write(
            ("PUT", format!("/v1/keys/{}", api_key.id())),
            |next| next.keys.push(entry),
            |manifest| NewKey { token, permissions, expires_at, addresses, grants, record, manifest },
        )?;
        Ok(Write { api_key: Some(api_key.expose().to_string()), ..write })
    }

    /// Makes the key that takes another's place, with its scope; the old one works until `old_expires_at`.
    ///
    /// # Errors
    /// When there is no such key in use, or the vault's answers do not hold.
    #[wasm_bindgen(js_name = rotateKey)]
    pub fn rotate_key(
        &self,
        vault: &str,
        served: &str,
        keys: &str,
        key: &str,
        old_expires_at: u32,
    ) -> Result<Write, Thrown> {
        let audience: Audience = vault.parse()?;
        let id: KeyId = id(key)?;
        let old = self.manifest.key(id).filter(|key| key.status == KeyStatus::Active);
        let old = old.ok_or_else(|| Thrown::mistake("there is no such key in use"))?;
        let listed: Page<KeyEntry> = answer(keys)?;
        let addresses = listed.items.into_iter().find(|entry| entry.id == id).map(|entry| entry.addresses);
        let addresses = addresses.ok_or(sealing::TrustError::Missing)?;
        let opened = self.opened(served, &old.environments)?;
        let draft = self.key.draft_key(&opened, old.name.clone(), old.permissions, old.expires_at)?;
        let KeyDraft { api_key, entry, record, grants } = draft;
        let (new_id, token) = (api_key.id(), api_key.derive_token(&audience));
        let until = u64::from(old_expires_at);
        let until = if old.expires_at == 0 { until } else { until.min(old.expires_at) };
        let (permissions, expires_at) = (old.permissions, (old.expires_at != 0).then_some(old.expires_at));
        let write = self.write(
            ("POST", format!("/v1/keys/{id}/rotate")),
            |next| {
                next.keys.push(entry);
                next.end_key(id, until);
            },
            |manifest| RotateKey {
                id: new_id,
                key: NewKey { token, permissions, expires_at, addresses, grants, record, manifest },
                old_expires_at: until,
            },
        )?;
        Ok(Write { api_key: Some(api_key.expose().to_string()), ..write })
    }

    /// Revokes an API key.
    ///
    /// # Errors
    /// When that is no id.
    #[wasm_bindgen(js_name = revokeKey)]
    pub fn revoke_key(&self, key: &str) -> Result<Write, Thrown> {
        let id: KeyId = id(key)?;
        self.write(
            ("POST", format!("/v1/keys/{id}/revoke")),
            |next| next.revoke_key(id),
            |manifest| RevokeKey { manifest },
        )
    }

    /// For `PUT /v1/account/passphrase`. `kdf` is what `POST /v1/prelogin` answered. Takes some seconds.
    ///
    /// # Errors
    /// When one of the two is no passphrase.
    #[wasm_bindgen(js_name = newPassphrase)]
    pub fn new_passphrase(&self, kdf: &str, so_far: String, chosen: String) -> Result<String, Thrown> {
        let chosen = entrance::passphrase(chosen)?;
        let so_far = entrance::passphrase(so_far)?.stretch(&answer::<Kdf>(kdf)?)?;
        let stretched = chosen.stretch(&Passphrase::make_kdf()?)?;
        output(&NewPassphrase {
            proof: OwnerProof::Login(so_far.login().clone()),
            kdf: *stretched.kdf(),
            login: stretched.login().clone(),
            account_key: self.key.wrap_by_passphrase(&self.email, &stretched)?,
            recovery: None,
        })
    }

    /// For `POST /v1/account/delete`. Takes a second or two.
    ///
    /// # Errors
    /// When that is no passphrase.
    #[wasm_bindgen(js_name = deletion)]
    pub fn deletion(&self, kdf: &str, typed: String) -> Result<String, Thrown> {
        let stretched = entrance::passphrase(typed)?.stretch(&answer::<Kdf>(kdf)?)?;
        output(&DeleteAccount { proof: OwnerProof::Login(stretched.login().clone()) })
    }
}
