use crate::{Answer, Http, Vault};
use protocol::{
    AccessToken, AccountId, Blob, Bytes32, EnvironmentId, KeyId, NameIndex, Permission, ProjectId, Salt,
    SecretId,
    body::{
        Account, Change, Device, Environments, Grant, How, Kdf, Listing, LogIn, NewEnvironment, NewKey,
        NewPolicy, NewProject, NewRules, Read, RevokeKey, SignUp, Versioned, Written,
    },
};
use sealing::{
    AccountKey, AccountManifest, ApiKey, Audience, EnvironmentKey, EnvironmentNames, EnvironmentRecord,
    KeyRecord, KeyStatus, Manifest, ManifestKey, Meta, Place, Policy, ProjectRecord, Rules, SecretValue,
    make_id,
};
use zeroize::Zeroizing;

/// An e-mail address that nobody has used.
pub fn make_email() -> String {
    format!("{}@example.com", AccountId::from_bytes(make_id().expect("random")))
}

fn random32() -> Bytes32 {
    let halves = [make_id().expect("random"), make_id().expect("random")].concat();
    Bytes32::new(Zeroizing::new(halves.try_into().expect("32 bytes")))
}

/// A blob that nobody will open: what a test's account would wrap its key in.
pub fn random_blob() -> Blob {
    Blob::from_sealed((0..13).flat_map(|_| make_id().expect("random")).collect())
}

/// An account's owner, with a session. The login token is random: nobody stretches a passphrase here.
pub struct Owner {
    /// Raw requests with the session.
    pub http: Http,
    /// The account.
    pub account: AccountId,
    /// Its address.
    pub email: String,
    /// Half of a passphrase that never was.
    pub login: Bytes32,
    /// The authenticator of a recovery code that never was.
    pub recovery: Bytes32,
    /// The session's token.
    pub session: AccessToken,
    /// By what the vault knows the owner's machine.
    pub device: Device,
    audience: Audience,
    key: AccountKey,
    manifest: AccountManifest,
}

impl Owner {
    /// Signs up and logs in.
    pub fn sign_up(vault: &Vault) -> Self {
        let account = AccountId::from_bytes(make_id().expect("random"));
        let key = AccountKey::make(account).expect("random");
        let manifest = AccountManifest::first();
        let (email, login, recovery) = (make_email(), random32(), random32());
        let body = SignUp {
            account,
            email: email.parse().expect("an address"),
            kdf: Kdf { salt: Salt(make_id().expect("random")), memory_kib: 65536, passes: 3, lanes: 1 },
            login: login.clone(),
            account_key: random_blob(),
            recovery: recovery.clone(),
            account_key_by_recovery: random_blob(),
            manifest: key.seal_manifest(&manifest).expect("random"),
        };
        vault.http().post("/v1/accounts", &body).ok();
        let session = make_token();
        let body = LogIn {
            email: email.parse().expect("an address"),
            login: login.clone(),
            session: session.clone(),
            device: None,
        };
        let answer: Account = vault.http().post("/v1/sessions", &body).json();
        assert_eq!(answer.account, account);
        let audience = vault.url().parse().expect("an audience");
        Self {
            http: vault.http().with(&session),
            account,
            email,
            login,
            recovery,
            session,
            device: answer.device.expect("a device"),
            audience,
            key,
            manifest,
        }
    }

    /// Requests with another session.
    pub fn log_in_again(&self, vault: &Vault) -> Http {
        let session = make_token();
        let body = LogIn {
            email: self.email.parse().expect("an address"),
            login: self.login.clone(),
            session: session.clone(),
            device: Some(self.device.clone()),
        };
        let _: Account = vault.http().post("/v1/sessions", &body).json();
        vault.http().with(&session)
    }

    /// The account manifest as it would be after `edit`, sealed.
    pub fn next_manifest(&self, edit: impl FnOnce(&mut AccountManifest)) -> (AccountManifest, Versioned) {
        let mut next = self.manifest.next();
        edit(&mut next);
        next.sort();
        let sealed = self.key.seal_manifest(&next).expect("random");
        (next, sealed)
    }

    /// Makes a project.
    pub fn project(&mut self) -> ProjectId {
        let id = ProjectId::from_bytes(make_id().expect("random"));
        let name = format!("p{}", self.manifest.projects.len()).parse().expect("a label");
        let (next, manifest) =
            self.next_manifest(|manifest| manifest.projects.push(ProjectRecord { id, name }));
        let _: Written = self.http.put(&format!("/v1/projects/{id}"), &NewProject { manifest }).json();
        self.manifest = next;
        id
    }

    /// Makes an environment in that project.
    pub fn environment(&mut self, project: ProjectId) -> EnvironmentKey {
        let environment = EnvironmentId::from_bytes(make_id().expect("random"));
        let place = Place { account: self.account, project, environment };
        let key = EnvironmentKey::make(place).expect("random");
        let name: protocol::Label =
            format!("e{}", self.manifest.environments.len()).parse().expect("a label");
        let names = EnvironmentNames {
            project: "p0".parse().expect("a label"),
            environment: name.clone(),
            production: false,
        };
        let (next, manifest) = self.next_manifest(|manifest| {
            manifest.environments.push(EnvironmentRecord {
                id: environment,
                project,
                name,
                production: false,
                generation: 1,
            });
        });
        let (root, buckets) = Manifest::empty().seal_next(&key, &[]).expect("random");
        let body = NewEnvironment {
            project,
            key: self.key.wrap_environment_key(&place, 1, &key, &names).expect("random"),
            root,
            buckets: buckets.into_iter().map(|bucket| bucket.blob).collect(),
            manifest,
        };
        let _: Written = self.http.put(&format!("/v1/environments/{environment}"), &body).json();
        self.manifest = next;
        key
    }

    /// The body that makes an API key for these environments.
    pub fn new_key(
        &self,
        api_key: &ApiKey,
        environments: &[&EnvironmentKey],
        permissions: &[Permission],
    ) -> (AccountManifest, NewKey) {
        let ids: Vec<EnvironmentId> = environments.iter().map(|key| key.place().environment).collect();
        let permissions = permissions.iter().copied().collect();
        let name: protocol::Label = "k".parse().expect("a label");
        let (next, manifest) = self.next_manifest(|manifest| {
            let (id, environments) = (api_key.id(), ids.clone());
            manifest.keys.push(ManifestKey {
                id,
                name: name.clone(),
                permissions,
                expires_at: 0,
                status: KeyStatus::Active,
                environments,
            });
        });
        let wrap = api_key.derive_wrap();
        let names = EnvironmentNames {
            project: "p0".parse().expect("a label"),
            environment: "e0".parse().expect("a label"),
            production: false,
        };
        let grants = environments.iter().map(|key| Grant {
            environment: key.place().environment,
            key: wrap.wrap_environment_key(key.place(), 1, key, &names).expect("random"),
        });
        let body = NewKey {
            token: api_key.derive_token(&self.audience),
            permissions,
            expires_at: None,
            addresses: vec![],
            grants: grants.collect(),
            record: self
                .key
                .seal_key_record(&KeyRecord {
                    wrap: wrap.clone(),
                    name,
                    permissions,
                    expires_at: 0,
                    environments: ids,
                })
                .expect("random"),
            manifest,
        };
        (next, body)
    }

    /// Makes an API key for one environment.
    pub fn key(&mut self, environment: &EnvironmentKey, permissions: &[Permission]) -> Key {
        let api_key = ApiKey::make().expect("random");
        let (next, body) = self.new_key(&api_key, &[environment], permissions);
        let _: Written = self.http.put(&format!("/v1/keys/{}", api_key.id()), &body).json();
        self.manifest = next;
        Key {
            http: self.http.with(&api_key.derive_token(&self.audience)),
            id: api_key.id(),
            api_key,
            environment: environment.clone(),
        }
    }

    /// Revokes an API key.
    pub fn revoke(&mut self, id: KeyId) {
        let (next, manifest) = self.next_manifest(|manifest| {
            for key in manifest.keys.iter_mut().filter(|key| key.id == id) {
                key.status = KeyStatus::Revoked;
            }
        });
        let _: Written = self.http.post(&format!("/v1/keys/{id}/revoke"), &RevokeKey { manifest }).json();
        self.manifest = next;
    }

    /// Lays down that version of a secret's policy.
    pub fn lay_down(&self, key: &Key, name: &str, version: u64, policy: &Policy) -> Answer {
        let listing = key.list();
        let index = key.index(name);
        let id = listing.items.iter().find(|entry| entry.index == index).map(|entry| entry.id);
        let id = id.unwrap_or(SecretId::from_bytes([7; 16]));
        let blob = key.environment.seal_policy(id, index, version, policy).expect("random");
        let mut manifest =
            Manifest::open(&key.environment, &listing.root, &listing.buckets).expect("a manifest");
        manifest.set_policy(index, &blob);
        let (root, buckets) = manifest.seal_next(&key.environment, &listing.buckets).expect("random");
        let policy = NewPolicy { policy: Versioned { version, blob }, canary: policy.canary, root, buckets };
        self.http.put(&key.path(&format!("/secrets/{index}/policy")), &policy)
    }

    /// Takes over a manifest that a test wrote by itself.
    pub fn wrote(&mut self, manifest: AccountManifest) {
        self.manifest = manifest;
    }
}

/// An authenticator that belongs to nobody.
pub fn make_token_auth() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(*random32().expose())
}

/// A session's token.
pub fn make_token() -> AccessToken {
    AccessToken::new(KeyId::from_bytes(make_id().expect("random")), make_token_auth())
}

/// An API key of one environment, in somebody's hands.
pub struct Key {
    /// Raw requests with the key's token.
    pub http: Http,
    /// The key's id.
    pub id: KeyId,
    /// The key.
    pub api_key: ApiKey,
    /// The environment and its key.
    pub environment: EnvironmentKey,
}

impl Key {
    /// The path of this environment.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/environments/{}{rest}", self.environment.place().environment)
    }

    /// The path of a secret.
    pub fn secret_path(&self, name: &str, how: How) -> String {
        let how = serde_json::to_value(how).expect("a word");
        let how = how.as_str().expect("a word");
        self.path(&format!("/secrets/{}?how={how}", self.index(name)))
    }

    /// A name's blind index.
    pub fn index(&self, name: &str) -> NameIndex {
        self.environment.derive_index(&name.parse().expect("a name"))
    }

    /// The whole list, pages joined.
    pub fn list(&self) -> Listing {
        let mut listing: Listing = self.http.get(&self.path("/secrets")).json();
        while let Some(cursor) = listing.next.take() {
            let page: Listing = self.http.get(&self.path(&format!("/secrets?cursor={cursor}"))).json();
            listing.items.extend(page.items);
            listing.next = page.next;
        }
        listing
    }

    /// The change that puts these values and deletes these names, on what is there now.
    pub fn change(&self, put: &[(&str, &[u8])], delete: &[&str]) -> Change {
        let listing = self.list();
        self.change_of(&listing.root, &listing.buckets, put, delete)
    }

    /// The same, on this manifest.
    pub fn change_of(
        &self,
        root: &Versioned,
        buckets: &[Blob],
        put: &[(&str, &[u8])],
        delete: &[&str],
    ) -> Change {
        let mut manifest = Manifest::open(&self.environment, root, buckets).expect("a manifest");
        let mut sealed = Vec::new();
        for (name, value) in put {
            let name = name.parse().expect("a name");
            let index = self.environment.derive_index(&name);
            let (id, version) = manifest.entry(index).map_or_else(
                || (SecretId::from_bytes(make_id().expect("random")), 1),
                |entry| (entry.id, entry.version + 1),
            );
            let value = SecretValue::new(Zeroizing::new(value.to_vec())).expect("a value");
            let secret =
                self.environment.seal_secret(id, version, &name, &Meta::default(), &value).expect("random");
            manifest.put(EnvironmentKey::entry(&secret));
            sealed.push(secret);
        }
        let delete: Vec<NameIndex> = delete.iter().map(|name| self.index(name)).collect();
        for index in &delete {
            manifest.remove(*index);
        }
        let (root, buckets) = manifest.seal_next(&self.environment, buckets).expect("random");
        Change { put: sealed, delete, root, buckets }
    }

    /// That version of the environment's rules, and the root that names them beside what is there.
    pub fn new_rules(&self, version: u64, rules: &Rules) -> NewRules {
        let blob = self.environment.seal_rules(version, rules).expect("random");
        let listing = self.list();
        let mut manifest =
            Manifest::open(&self.environment, &listing.root, &listing.buckets).expect("a manifest");
        manifest.set_rules(&blob);
        let (root, _) = manifest.seal_next(&self.environment, &listing.buckets).expect("random");
        NewRules { rules: Versioned { version, blob }, root }
    }

    /// Puts one secret.
    pub fn put(&self, name: &str, value: &[u8]) {
        let _: Written = self.http.post(&self.path("/changes"), &self.change(&[(name, value)], &[])).json();
    }

    /// Reads one secret and opens it.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.open(name, self.http.get(&self.secret_path(name, How::Inject)).json())
    }

    /// Opens what was read of a secret.
    pub fn open(&self, name: &str, read: Read) -> Option<Vec<u8>> {
        let proof =
            sealing::Proof::open(&self.environment, &name.parse().expect("a name"), &read.root, &read.bucket)
                .expect("a proof");
        proof.admits(read.secret.as_ref()).expect("the current secret");
        read.secret
            .map(|secret| self.environment.open_secret(&secret).expect("a secret").value.expose().to_vec())
    }

    /// What the vault says that this key may use.
    pub fn environments(&self) -> Environments {
        self.http.get("/v1/environments").json()
    }
}
