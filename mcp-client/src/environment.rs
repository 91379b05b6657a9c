//! An environment as its API key sees it: opened, read, listed and changed. Every answer is checked against the
//! manifest and the pin before anything of it is used.

use crate::{
    audit::memory,
    config::KeyConfig,
    error::{Error, Kind, Result},
    pins,
    remote::Remote,
};
use protocol::{
    AccountId, ApprovalId, Blob, Code, Digest, EnvironmentId, Label, NameIndex, SecretId, SecretName,
    body::{
        Approval, Binned, Bundle, Change, Environment as Served, Environments, How, Listing, NewApproval,
        NewPolicy, NewRules, Page, Read, ReadEarlier, ReadRules, SecretEntry, Version, Versioned, Written,
    },
};
use sealing::{
    EnvironmentKey, EnvironmentNames, Manifest, Meta, OpenedSecret, Policy, Proof, Question, Rules, WrapKey,
    make_id,
};
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

/// How long a write that meets other writers is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// A vault and an API key for it.
pub struct Client {
    remote: Remote,
    credential: Credential,
    project: Option<Label>,
    environment: Option<Label>,
    /// Replaced when its owner gave the environment another key.
    opened: RefCell<Option<Environment>>,
    /// The rules that were asked for last, by their digest.
    rules: RefCell<Option<(Digest, Rules)>>,
    least_version: u64,
}

/// A question that the owner was asked.
#[derive(Clone)]
pub struct Asked {
    id: ApprovalId,
    question: Blob,
    at: Instant,
}

impl Asked {
    /// Whether it can still be answered.
    pub fn is_open(&self) -> bool {
        self.at.elapsed() < Duration::from_secs(600)
    }
}

/// What an environment's key is unwrapped with.
enum Credential {
    /// An API key's wrapping half.
    Key(WrapKey),
    /// Nothing any more: the owner's account key has opened the one environment that is meant.
    Owner,
}

/// An environment whose key was unwrapped.
#[derive(Clone)]
pub struct Environment {
    key: EnvironmentKey,
    generation: u64,
    /// What it is called, and whether it is production.
    pub names: EnvironmentNames,
}

/// A secret as a list has it.
pub struct Listed {
    /// Its name.
    pub name: SecretName,
    /// Its tags and note.
    pub meta: Meta,
    /// What the owner laid down for it.
    pub policy: Policy,
    /// Its version.
    pub version: u64,
    /// Seconds since 1970.
    pub updated_at: u64,
}

/// A whole environment, to compare with and to change.
pub struct Contents {
    /// What is in it now.
    pub secrets: Vec<OpenedSecret>,
    manifest: Manifest,
    buckets: Vec<Blob>,
}

impl Client {
    /// Takes a key's configuration; `environment` of a flag or a tool's argument wins over it.
    pub fn new(config: &KeyConfig, environment: Option<Label>) -> Self {
        Self {
            remote: Remote::new(config.vault.clone()).with(&config.key.derive_token(&config.vault.audience)),
            credential: Credential::Key(config.key.derive_wrap()),
            project: config.project.clone(),
            environment: environment.or_else(|| config.environment.clone()),
            opened: RefCell::new(None),
            rules: RefCell::default(),
            least_version: 0,
        }
    }

    /// An environment in its owner's hands: `remote` asks with a session.
    pub fn of_owner(remote: Remote, environment: Environment) -> Self {
        Self {
            remote,
            credential: Credential::Owner,
            project: None,
            environment: None,
            opened: RefCell::new(Some(environment)),
            rules: RefCell::default(),
            least_version: 0,
        }
    }

    /// The same, for an environment of this project.
    #[must_use]
    pub fn in_project(self, project: Label) -> Self {
        Self { project: Some(project), ..self }
    }

    /// The same, refusing manifests below this version: for machines without memory.
    #[must_use]
    pub fn at_least(self, version: u64) -> Self {
        Self { least_version: version, ..self }
    }

    /// The requests that need no environment.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The key's account. The vault says which, and what is wrapped for the key proves it.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn account(&self) -> Result<AccountId> {
        let served: Environments = self.remote.get("/v1/environments")?;
        let first = served.environments.first().ok_or_else(|| self.no_such_environment())?;
        self.open(served.account, first)?;
        Ok(served.account)
    }

    /// The environment that is meant, opened; asks the vault once.
    ///
    /// # Errors
    /// When the key may not use it, or none is named and the key has several.
    pub fn environment(&self) -> Result<Environment> {
        if let Some(opened) = self.known() {
            return Ok(opened);
        }
        let served: Environments = self.remote.get("/v1/environments")?;
        let mut found = Vec::new();
        for environment in &served.environments {
            let opened = self.open(served.account, environment)?;
            if self.means(&opened.names) {
                found.push(opened);
            }
        }
        let mut found = found.into_iter();
        let first = found.next().ok_or_else(|| self.no_such_environment())?;
        if found.next().is_some() {
            return Err(Error::local(
                "this key may use several environments and none is named",
                "name one: --environment E, or `environment` in .securecoderc",
            ));
        }
        self.opened.replace(Some(first.clone()));
        Ok(first)
    }

    fn known(&self) -> Option<Environment> {
        self.opened.borrow().clone()
    }

    /// The environment anew, if an answer shows that it has another key than the one it was asked with.
    fn has_turned(&self, asked: &Environment, served: &Served) -> Result<bool> {
        if served.id != asked.id() {
            return Err(sealing::TrustError::NotCurrent.into());
        }
        if served.generation == asked.generation {
            return Ok(false);
        }
        let opened = self.open(asked.key.place().account, served)?;
        if served.generation < asked.generation || opened.names != asked.names {
            return Err(sealing::TrustError::NotCurrent.into());
        }
        self.opened.replace(Some(opened));
        Ok(true)
    }

    fn means(&self, names: &EnvironmentNames) -> bool {
        names.are(self.project.as_ref(), self.environment.as_ref())
    }

    fn no_such_environment(&self) -> Error {
        let name = |label: &Option<Label>| label.as_ref().map_or("any".to_owned(), Label::to_string);
        Error::new(
            Kind::Refused,
            format!(
                "this key may not use environment {} of project {}",
                name(&self.environment),
                name(&self.project)
            ),
            "check the names, or ask the owner for a key: securecode keys create --environment E",
        )
    }

    /// Unwraps an environment's key. What it is called is sealed with it, so the vault cannot pass off another.
    fn open(&self, account: AccountId, served: &Served) -> Result<Environment> {
        match &self.credential {
            Credential::Key(wrap) => {
                let (key, names) = wrap.open_environment(account, served)?;
                Ok(Environment { key, generation: served.generation, names })
            }
            Credential::Owner => {
                let known = self
                    .known()
                    .filter(|known| (known.id(), known.generation) == (served.id, served.generation));
                known.ok_or_else(|| sealing::TrustError::NotCurrent.into())
            }
        }
    }

    /// Reads one secret, or the proof that there is none.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn read(&self, name: &SecretName, how: How) -> Result<Option<OpenedSecret>> {
        let environment = self.environment()?;
        let id = environment.id();
        let index = environment.key.derive_index(name);
        let read: Read =
            self.remote.get(&format!("/v1/environments/{id}/secrets/{index}?how={}", word(how)))?;
        if self.has_turned(&environment, &read.environment)? {
            return self.read(name, how);
        }
        let proof = Proof::open(&environment.key, name, &read.root, &read.bucket)?;
        proof.admits(read.secret.as_ref())?;
        memory::keep(environment.key.place().account, read.receipt);
        pins::check_and_advance(id, &read.root, self.least_version)?;
        let Some(secret) = read.secret else { return Ok(None) };
        let mut secret = environment.key.open_secret(&secret)?;
        self.lay_down(&environment, proof.rules(), std::slice::from_mut(&mut secret))?;
        Ok(Some(secret))
    }

    /// Lays the environment's rules down for secrets of it, if it has any.
    fn lay_down(
        &self,
        environment: &Environment,
        named: Option<Digest>,
        secrets: &mut [OpenedSecret],
    ) -> Result<()> {
        let Some(named) = named.filter(|_| !secrets.is_empty()) else { return Ok(()) };
        if self.rules.borrow().as_ref().is_none_or(|(digest, _)| *digest != named) {
            // Newer ones than were named hold already; older ones are refused.
            let (rules, _, _) = self.rules_of(environment)?.ok_or_else(changing)?;
            self.rules.replace(Some((named, rules)));
        }
        if let Some((_, rules)) = &*self.rules.borrow() {
            rules.lay_down(secrets);
        }
        Ok(())
    }

    /// Asks the owner, who sees it in the dashboard.
    ///
    /// # Errors
    /// The refusal.
    pub fn ask(&self, question: &Question) -> Result<Asked> {
        let environment = self.environment()?;
        let id = ApprovalId::from_bytes(make_id()?);
        let question = environment.key.seal_question(id, question)?;
        let path = format!("/v1/environments/{}/approvals/{id}", environment.id());
        let written: Written = self.remote.put(&path, &NewApproval { question: question.clone() })?;
        memory::keep(environment.key.place().account, written.receipt);
        Ok(Asked { id, question, at: Instant::now() })
    }

    /// What the owner answered: nothing yet, or whether it is yes.
    ///
    /// # Errors
    /// When the vault cannot be reached, or it is no answer to this question.
    pub fn answer_to(&self, asked: &Asked) -> Result<Option<bool>> {
        let environment = self.environment()?;
        match self.remote.get::<Approval>(&format!("/v1/approvals/{}/answer", asked.id)) {
            Ok(approval) => {
                Ok(Some(environment.key.open_answer(asked.id, &asked.question, &approval.answer)?))
            }
            Err(error) if error.code == Some(Code::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the whole environment in one request.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn read_all(&self, how: How) -> Result<Contents> {
        let query = format!("/v1/bundle?how={}", word(how));
        let answer = match self.known() {
            Some(environment) => self.remote.get(&format!("{query}&environment={}", environment.id())),
            None => self.remote.get::<Bundle>(&query),
        };
        let bundle = match answer {
            Err(error) if error.code == Some(Code::EnvironmentAmbiguous) => {
                self.remote.get(&format!("{query}&environment={}", self.environment()?.id()))?
            }
            other => other?,
        };
        let environment = self.open(bundle.account, &bundle.environment)?;
        if !self.means(&environment.names) {
            return Err(self.no_such_environment());
        }
        memory::keep(bundle.account, bundle.receipt);
        let mut contents = environment.open_contents(bundle, self.least_version)?;
        if how != How::Write {
            self.lay_down(&environment, contents.manifest.rules(), &mut contents.secrets)?;
        }
        self.opened.replace(Some(environment));
        Ok(contents)
    }

    /// Lists the secrets, without values.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn list(&self) -> Result<Vec<Listed>> {
        // A change between two pages shows in the root; begin anew then.
        for _ in 0..5 {
            if let Some(listed) = self.list_once(&self.environment()?)? {
                return Ok(listed);
            }
        }
        Err(changing())
    }

    fn list_once(&self, environment: &Environment) -> Result<Option<Vec<Listed>>> {
        let Some(listing) = self.listing(environment)? else { return Ok(None) };
        let mut listed = Vec::with_capacity(listing.items.len());
        for entry in &listing.items {
            let (name, meta, policy) = environment.key.open_entry(entry)?;
            listed.push(Listed { name, meta, policy, version: entry.version, updated_at: entry.updated_at });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(listed))
    }

    /// The newest root and what it names, values left out.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn entries(&self) -> Result<(Versioned, Vec<SecretEntry>)> {
        let listing = self.listing(&self.environment()?)?.ok_or_else(changing)?;
        Ok((listing.root, listing.items))
    }

    /// All pages of the list, checked against the manifest; nothing if it changed meanwhile.
    fn listing(&self, environment: &Environment) -> Result<Option<Listing>> {
        let path = format!("/v1/environments/{}/secrets", environment.id());
        let mut listing: Listing = self.remote.get(&path)?;
        if self.has_turned(environment, &listing.environment)? {
            return Ok(None);
        }
        while let Some(cursor) = listing.next.take() {
            // The cursor is the vault's: only an index is sent back.
            let cursor: NameIndex = cursor.parse().map_err(|_| sealing::TrustError::DoesNotOpen)?;
            let page: Listing = self.remote.get(&format!("{path}?cursor={cursor}"))?;
            if page.root != listing.root {
                return Ok(None);
            }
            listing.items.extend(page.items);
            listing.next = page.next;
        }
        let manifest = Manifest::open(&environment.key, &listing.root, &listing.buckets)?;
        manifest.admits_entries(&listing.items)?;
        pins::check_and_advance(environment.id(), &listing.root, self.least_version)?;
        Ok(Some(listing))
    }

    /// The versions of a secret that are kept, newest first: its name, tags and time of writing.
    ///
    /// # Errors
    /// The refusal, also when there is no such secret; or that the answer is not trusted.
    pub fn versions(&self, name: &SecretName) -> Result<Vec<Listed>> {
        let environment = self.environment()?;
        let index = environment.key.derive_index(name);
        let path = format!("/v1/environments/{}/secrets/{index}/versions", environment.id());
        let page: Page<Version> = self.remote.get(&path).map_err(|error| absent(error, name))?;
        let open = |version: Version| {
            let Version { id, version, name, meta, updated_at } = version;
            let (name, meta) = environment.key.open_named(id, index, version, &name, &meta)?;
            Ok(Listed { name, meta, policy: Policy::default(), version, updated_at })
        };
        page.items.into_iter().map(open).collect()
    }

    /// An earlier version of a secret.
    ///
    /// # Errors
    /// The refusal, also when that version is not kept; or that the answer is not trusted.
    pub fn read_version(&self, name: &SecretName, version: u64, how: How) -> Result<OpenedSecret> {
        let environment = self.environment()?;
        let index = environment.key.derive_index(name);
        let path = format!(
            "/v1/environments/{}/secrets/{index}/versions/{version}?how={}",
            environment.id(),
            word(how)
        );
        let read: ReadEarlier = self.remote.get(&path)?;
        memory::keep(environment.key.place().account, read.receipt);
        if (read.secret.index, read.secret.version) != (index, version) {
            return Err(sealing::TrustError::NotCurrent.into());
        }
        Ok(environment.key.open_secret(&read.secret)?)
    }

    /// The deleted secrets that can be restored.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn bin(&self) -> Result<Vec<(Binned, Listed)>> {
        let environment = self.environment()?;
        let path = format!("/v1/environments/{}/bin", environment.id());
        let mut page: Page<Binned> = self.remote.get(&path)?;
        let mut rows = std::mem::take(&mut page.items);
        while let Some(cursor) = page.next.take() {
            let cursor: SecretId = cursor.parse().map_err(|_| sealing::TrustError::DoesNotOpen)?;
            page = self.remote.get(&format!("{path}?cursor={cursor}"))?;
            rows.append(&mut page.items);
        }
        let open = |row: Binned| {
            let (name, meta) =
                environment.key.open_named(row.id, row.index, row.version, &row.name, &row.meta)?;
            let listed = Listed {
                name,
                meta,
                policy: Policy::default(),
                version: row.version,
                updated_at: row.updated_at,
            };
            Ok((row, listed))
        };
        rows.into_iter().map(open).collect()
    }

    /// A deleted secret.
    ///
    /// # Errors
    /// The refusal, also when it is not in the bin; or that the answer is not trusted.
    pub fn read_binned(&self, id: SecretId, how: How) -> Result<OpenedSecret> {
        let environment = self.environment()?;
        let path = format!("/v1/environments/{}/bin/{id}?how={}", environment.id(), word(how));
        let read: ReadEarlier = self.remote.get(&path)?;
        memory::keep(environment.key.place().account, read.receipt);
        if read.secret.id != id {
            return Err(sealing::TrustError::NotCurrent.into());
        }
        Ok(environment.key.open_secret(&read.secret)?)
    }

    /// Lays down a secret's policy, as its owner: `edit` is given the one it has.
    ///
    /// # Errors
    /// The refusal, also when there is no such secret; or that the answer is not trusted.
    pub fn change_policy(&self, name: &SecretName, edit: impl Fn(&mut Policy)) -> Result<Policy> {
        self.until_written(|| {
            let environment = self.environment()?;
            let listing = self.listing(&environment)?.ok_or_else(changing)?;
            let index = environment.key.derive_index(name);
            let found = listing.items.iter().find(|entry| entry.index == index);
            let entry = found.ok_or_else(|| Error::absent(name))?;
            let (_, _, mut policy) = environment.key.open_entry(entry)?;
            edit(&mut policy);
            let version = entry.policy.as_ref().map_or(1, |policy| policy.version.saturating_add(1));
            let blob = environment.key.seal_policy(entry.id, index, version, &policy)?;
            let mut manifest = Manifest::open(&environment.key, &listing.root, &listing.buckets)?;
            manifest.set_policy(index, &blob);
            let (root, buckets) = manifest.seal_next(&environment.key, &listing.buckets)?;
            let body = NewPolicy {
                policy: Versioned { version, blob },
                canary: policy.canary,
                root: root.clone(),
                buckets,
            };
            let path = format!("/v1/environments/{}/secrets/{index}/policy", environment.id());
            let written: Written = self.remote.put(&path, &body)?;
            memory::keep(environment.key.place().account, written.receipt);
            pins::check_and_advance(environment.id(), &root, self.least_version)?;
            Ok(policy)
        })
    }

    /// The environment's rules by tag, with the version of what is stored; none, and 0, where the owner laid none down.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted.
    pub fn rules(&self) -> Result<(Rules, u64)> {
        for _ in 0..5 {
            if let Some((rules, version, _)) = self.rules_of(&self.environment()?)? {
                return Ok((rules, version));
            }
        }
        Err(changing())
    }

    /// The rules, their version and the root that names them; nothing if the environment turned to another key.
    fn rules_of(&self, environment: &Environment) -> Result<Option<(Rules, u64, Versioned)>> {
        let read: ReadRules = self.remote.get(&format!("/v1/environments/{}/rules", environment.id()))?;
        memory::keep(environment.key.place().account, read.receipt);
        if self.has_turned(environment, &read.environment)? {
            return Ok(None);
        }
        let rules = environment.key.open_current_rules(&read.root, read.rules.as_ref())?;
        pins::check_and_advance(environment.id(), &read.root, self.least_version)?;
        Ok(Some((rules.unwrap_or_default(), read.rules.map_or(0, |rules| rules.version), read.root)))
    }

    /// Lays down the environment's rules, as its owner: `edit` is given those that there are.
    ///
    /// # Errors
    /// The refusal, or that the answer is not trusted; or what `edit` says.
    pub fn change_rules(&self, edit: impl Fn(&mut Rules) -> Result<()>) -> Result<Rules> {
        self.until_written(|| {
            let environment = self.environment()?;
            let listing = self.listing(&environment)?.ok_or_else(changing)?;
            let (mut rules, version, named_by) = self.rules_of(&environment)?.ok_or_else(changing)?;
            if named_by != listing.root {
                return Err(Error::refused(Code::ManifestOutdated, None));
            }
            edit(&mut rules)?;
            let version = version.saturating_add(1);
            let blob = environment.key.seal_rules(version, &rules)?;
            let mut manifest = Manifest::open(&environment.key, &listing.root, &listing.buckets)?;
            manifest.set_rules(&blob);
            let (root, _) = manifest.seal_next(&environment.key, &listing.buckets)?;
            let body = NewRules { rules: Versioned { version, blob }, root: root.clone() };
            let written: Written =
                self.remote.put(&format!("/v1/environments/{}/rules", environment.id()), &body)?;
            memory::keep(environment.key.place().account, written.receipt);
            pins::check_and_advance(environment.id(), &root, self.least_version)?;
            Ok(rules)
        })
    }

    /// Tries a write again for as long as others are quicker, with full jitter.
    ///
    /// # Errors
    /// What `write` says, when it says anything else or when it takes too long.
    pub fn until_written<T>(&self, mut write: impl FnMut() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let mut longest_wait = Duration::from_millis(50);
        loop {
            match write() {
                Err(error) if error.code == Some(Code::ManifestOutdated) && started.elapsed() < PATIENCE => {
                    std::thread::sleep(jitter(longest_wait));
                    longest_wait = (longest_wait * 2).min(Duration::from_secs(5));
                }
                done => return done,
            }
        }
    }

    /// Changes the environment: `edit` is given what is there now, and may be asked again when somebody else
    /// was quicker.
    ///
    /// # Errors
    /// The refusal; nothing is stored then.
    pub fn change<T>(
        &self,
        mut edit: impl FnMut(&Environment, Contents) -> Result<Option<(Draft, T)>>,
    ) -> Result<Option<T>> {
        self.until_written(|| {
            let contents = self.read_all(How::Write)?;
            // The one that was read: what is sealed goes beside what was read.
            let environment = self.environment()?;
            let Some((draft, result)) = edit(&environment, contents)? else { return Ok(None) };
            let (change, root) = draft.seal(&environment)?;
            let path = format!("/v1/environments/{}/changes", environment.id());
            let written: Written = self.remote.post(&path, &change)?;
            memory::keep(environment.key.place().account, written.receipt);
            pins::check_and_advance(environment.id(), &root, self.least_version)?;
            Ok(Some(result))
        })
    }
}

impl Environment {
    /// An environment that its owner opened.
    pub fn new(key: EnvironmentKey, generation: u64, names: EnvironmentNames) -> Self {
        Self { key, generation, names }
    }

    /// Its id.
    pub fn id(&self) -> EnvironmentId {
        self.key.place().environment
    }

    /// Its key, to seal with.
    pub fn key(&self) -> &EnvironmentKey {
        &self.key
    }

    fn open_contents(&self, bundle: Bundle, least_version: u64) -> Result<Contents> {
        let (manifest, secrets) = self.key.open_contents(&bundle)?;
        pins::check_and_advance(self.id(), &bundle.root, least_version)?;
        Ok(Contents { secrets, manifest, buckets: bundle.buckets })
    }
}

/// What is about to be written.
pub struct Draft {
    contents: Contents,
    put: Vec<protocol::body::SealedSecret>,
    delete: Vec<NameIndex>,
}

impl Draft {
    /// Begins from what is there.
    pub fn new(contents: Contents) -> Self {
        Self { contents, put: vec![], delete: vec![] }
    }

    /// Puts a secret: a new one, or the next version of the one of its name.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn put(
        &mut self,
        environment: &Environment,
        name: &SecretName,
        meta: &Meta,
        value: &sealing::SecretValue,
    ) -> Result<()> {
        let known = self
            .contents
            .manifest
            .entry(environment.key.derive_index(name))
            .map(|entry| (entry.id, entry.version));
        let (id, version) = match known {
            Some((id, version)) => (id, version.saturating_add(1)),
            None => (protocol::SecretId::from_bytes(sealing::make_id()?), 1),
        };
        let sealed = environment.key.seal_secret(id, version, name, meta, value)?;
        self.contents.manifest.put(EnvironmentKey::entry(&sealed));
        self.put.push(sealed);
        Ok(())
    }

    /// Puts a deleted secret back: its next version, under its id.
    ///
    /// # Errors
    /// When a secret of its name is there.
    pub fn restore(&mut self, environment: &Environment, deleted: &OpenedSecret) -> Result<()> {
        let OpenedSecret { id, name, version, meta, value, .. } = deleted;
        if self.contents.manifest.entry(environment.key.derive_index(name)).is_some() {
            return Err(Error::local(
                format!("there is a secret {name} again"),
                format!("delete or rename that one first: securecode rm {name}"),
            ));
        }
        let sealed = environment.key.seal_secret(*id, version.saturating_add(1), name, meta, value)?;
        self.contents.manifest.put(EnvironmentKey::entry(&sealed));
        self.put.push(sealed);
        Ok(())
    }

    /// Deletes the secret of this name.
    pub fn delete(&mut self, environment: &Environment, name: &SecretName) {
        let index = environment.key.derive_index(name);
        self.contents.manifest.remove(index);
        self.delete.push(index);
    }

    fn seal(self, environment: &Environment) -> Result<(Change, Versioned)> {
        let (root, buckets) = self.contents.manifest.seal_next(&environment.key, &self.contents.buckets)?;
        Ok((Change { put: self.put, delete: self.delete, root: root.clone(), buckets }, root))
    }
}

fn word(how: How) -> &'static str {
    match how {
        How::Inject => "inject",
        How::Run => "run",
        How::Sdk => "sdk",
        How::Reveal => "reveal",
        How::Write => "write",
        How::Gateway => "gateway",
    }
}

fn changing() -> Error {
    Error::new(Kind::Refused, "the environment changes while it is being listed", "try again")
}

/// The vault's `not_found`, in words about the secret.
fn absent(error: Error, name: &SecretName) -> Error {
    if error.code == Some(Code::NotFound) { Error::absent(name) } else { error }
}

/// A random part of `longest`, so that writers who met do not meet again.
fn jitter(longest: Duration) -> Duration {
    let mut byte = [128];
    let _ = getrandom::fill(&mut byte);
    longest * u32::from(byte[0]) / 255
}
