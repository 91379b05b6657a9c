//! An environment in its owner's hands: listed, read, changed.

use crate::answers::{Bundle, Read, ReadEarlier, ReadRules};
use crate::{Import, admit, answer, import, input, meta, output, pin, thrown::Thrown, value};
use protocol::{
    ApprovalId, Blob, NameIndex, SecretId, SecretName, Tag,
    body::{
        Approval, Binned, Change, Listing, NewPolicy, NewRules, Page, SealedSecret, SecretEntry, Version,
        Versioned,
    },
};
use sealing::{
    Consent, EnvironmentKey, Manifest, Meta, OpenedSecret, Pin, Policy, Proof, Rules, TrustError, Wanted,
    make_id,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export type Consent = "allow" | "ask" | "block";
export interface PolicyView {
  use: Consent; reveal: Consent; production: boolean; canary: boolean; hosts: string[]; commands: string[];
}
export interface RuleView { tag: string; policy: PolicyView }
export interface SecretView {
  id: string; index: string; name: string; tags: string[]; note: string; version: number; updated_at: number;
  production: boolean; policy: PolicyView | null;
}
export interface QuestionView { wanted: "use" | "reveal"; names: string[] }
export interface VersionView { version: number; tags: string[]; note: string; updated_at: number }
export interface BinnedView {
  id: string; index: string; name: string; tags: string[]; note: string; version: number; deleted_at: number;
}
"#;

/// How the page spells a consent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Allow,
    Ask,
    Block,
}

impl From<Consent> for Word {
    fn from(consent: Consent) -> Self {
        match consent {
            Consent::Allow => Self::Allow,
            Consent::Ask => Self::Ask,
            Consent::Block => Self::Block,
        }
    }
}

impl From<Word> for Consent {
    fn from(word: Word) -> Self {
        match word {
            Word::Allow => Self::Allow,
            Word::Ask => Self::Ask,
            Word::Block => Self::Block,
        }
    }
}

#[derive(Serialize)]
struct QuestionView {
    wanted: &'static str,
    names: Vec<SecretName>,
}

fn approval_id(text: &str) -> Result<ApprovalId, Thrown> {
    text.parse().map_err(|_| Thrown::mistake("that is no id"))
}

fn blob(text: &str) -> Result<Blob, Thrown> {
    text.parse().map_err(|_| Thrown::distrusted("the vault's answer is not of the form it must have"))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyView {
    r#use: Word,
    reveal: Word,
    production: bool,
    canary: bool,
    hosts: Vec<String>,
    commands: Vec<String>,
}

#[derive(Serialize)]
struct RuleView {
    tag: Tag,
    policy: PolicyView,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        let Policy { usage, reveal, production, canary, hosts, commands } = policy;
        Self { r#use: usage.into(), reveal: reveal.into(), production, canary, hosts, commands }
    }
}

impl PolicyView {
    fn policy(self) -> Policy {
        let sorted = |mut list: Vec<String>| {
            list.sort_unstable();
            list.dedup();
            list
        };
        Policy {
            usage: self.r#use.into(),
            reveal: self.reveal.into(),
            production: self.production,
            canary: self.canary,
            hosts: sorted(self.hosts),
            commands: sorted(self.commands),
        }
    }
}

#[derive(Serialize)]
struct SecretView {
    id: SecretId,
    index: NameIndex,
    name: SecretName,
    tags: Vec<protocol::Tag>,
    note: String,
    version: u64,
    updated_at: u64,
    production: bool,
    policy: Option<PolicyView>,
}

#[derive(Serialize)]
struct VersionView {
    version: u64,
    tags: Vec<protocol::Tag>,
    note: String,
    updated_at: u64,
}

#[derive(Serialize)]
struct BinnedView {
    id: SecretId,
    index: NameIndex,
    name: SecretName,
    tags: Vec<protocol::Tag>,
    note: String,
    version: u64,
    deleted_at: u64,
}

/// What the vault had when it was asked last: where a change begins.
struct State {
    root: Versioned,
    buckets: Vec<Blob>,
    entries: Vec<SecretEntry>,
}

/// An environment whose key is in here. Freed, it is wiped.
#[wasm_bindgen]
pub struct Environment {
    pub(crate) key: EnvironmentKey,
    generation: u64,
    state: Option<State>,
    /// The pin of the newest root that was served.
    newest: Option<String>,
}

/// A secret that was opened.
#[wasm_bindgen]
pub struct Opened(pub(crate) OpenedSecret);

#[wasm_bindgen]
impl Opened {
    /// The value, to be shown or copied.
    ///
    /// # Errors
    /// When it is not text.
    pub fn reveal(&self) -> Result<String, Thrown> {
        String::from_utf8(self.0.value.expose().to_vec())
            .map_err(|_| Thrown::mistake("this value is not text; it can be used by `securecode run`"))
    }

    /// Its tags.
    pub fn tags(&self) -> Vec<String> {
        self.0.meta.tags().iter().map(ToString::to_string).collect()
    }

    /// Its note.
    pub fn note(&self) -> String {
        self.0.meta.note().to_owned()
    }
}

fn name(text: &str) -> Result<SecretName, Thrown> {
    let name: SecretName = text.parse()?;
    import::refused_name(&name).map_or(Ok(name), |why| Err(Thrown::mistake(why)))
}

impl Environment {
    pub(crate) fn new(key: EnvironmentKey, generation: u64) -> Self {
        Self { key, generation, state: None, newest: None }
    }

    fn state(&self) -> Result<&State, Thrown> {
        self.state.as_ref().ok_or_else(|| Thrown::failure("the environment was not listed yet"))
    }

    fn manifest(&self) -> Result<(Manifest, &State), Thrown> {
        let state = self.state()?;
        Ok((Manifest::open(&self.key, &state.root, &state.buckets)?, state))
    }

    fn is_this(&self, served: &protocol::body::Environment) -> Result<(), Thrown> {
        if served.id != self.key.place().environment || served.generation != self.generation {
            return Err(TrustError::NotCurrent.into());
        }
        Ok(())
    }

    fn current_rules(&self, served: &str) -> Result<(Rules, ReadRules), Thrown> {
        let read: ReadRules = answer(served)?;
        self.is_this(&read.environment)?;
        let rules = self.key.open_current_rules(&read.root, read.rules.as_ref())?.unwrap_or_default();
        Ok((rules, read))
    }

    fn entry(&self, index: NameIndex) -> Result<&SecretEntry, Thrown> {
        let found = self.state()?.entries.iter().find(|entry| entry.index == index);
        found.ok_or_else(|| Thrown::mistake("there is no such secret any more"))
    }
}

#[wasm_bindgen]
impl Environment {
    /// Which of the environment's keys this is: another one is served after a rotation.
    pub fn generation(&self) -> u32 {
        u32::try_from(self.generation).unwrap_or(u32::MAX)
    }

    /// All that the vault sees of a name.
    ///
    /// # Errors
    /// When that is no name.
    pub fn index(&self, secret: &str) -> Result<String, Thrown> {
        Ok(self.key.derive_index(&secret.parse()?).to_string())
    }

    /// Takes all pages of `GET …/secrets` and checks them: `SecretView[]` in JSON. Nothing if something
    /// changed between two pages: ask again.
    ///
    /// # Errors
    /// When a secret is left out, made up or not current, or the whole is older than what was seen.
    pub fn list(&mut self, pages: Vec<String>, seen: Option<String>) -> Result<Option<String>, Thrown> {
        let mut pages =
            pages.iter().map(|page| answer::<Listing>(page)).collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut listing = pages.next().ok_or(TrustError::Missing)?;
        for page in pages {
            if page.root != listing.root {
                return Ok(None);
            }
            listing.items.extend(page.items);
        }
        self.is_this(&listing.environment)?;
        let manifest = Manifest::open(&self.key, &listing.root, &listing.buckets)?;
        manifest.admits_entries(&listing.items)?;
        self.newest = Some(admit(seen.as_deref(), &listing.root)?);
        let view = |entry: &SecretEntry| {
            let (name, meta, policy) = self.key.open_entry(entry)?;
            Ok(SecretView {
                id: entry.id,
                index: entry.index,
                production: meta.is_production() || policy.production,
                name,
                tags: meta.tags().to_vec(),
                note: meta.note().to_owned(),
                version: entry.version,
                updated_at: entry.updated_at,
                policy: entry.policy.is_some().then(|| policy.into()),
            })
        };
        let views = listing.items.iter().map(view).collect::<Result<Vec<_>, Thrown>>()?;
        self.state = Some(State { root: listing.root, buckets: listing.buckets, entries: listing.items });
        output(&views).map(Some)
    }

    /// What of the environment this browser has seen, to be kept: `Pin` in JSON.
    pub fn pin(&self) -> Option<String> {
        self.newest.clone()
    }

    /// What an agent asks: `QuestionView` in JSON.
    ///
    /// # Errors
    /// When it is no question of this environment's.
    pub fn question(&self, approval: &str, question: &str) -> Result<String, Thrown> {
        let question = self.key.open_question(approval_id(approval)?, &blob(question)?)?;
        let wanted = match question.wanted {
            Wanted::Use => "use",
            Wanted::Reveal => "reveal",
        };
        output(&QuestionView { wanted, names: question.names })
    }

    /// The body that answers it.
    ///
    /// # Errors
    /// When that is no id, or nothing that was asked.
    pub fn answer(&self, approval: &str, question: &str, yes: bool) -> Result<String, Thrown> {
        let answer = self.key.seal_answer(approval_id(approval)?, &blob(question)?, yes)?;
        output(&Approval { answer })
    }

    /// Opens what `GET …/secrets/{index}` answered for this name; nothing if there is none, which is proven.
    ///
    /// # Errors
    /// When the answer does not hold.
    pub fn read(
        &mut self,
        secret: &str,
        served: &str,
        seen: Option<String>,
    ) -> Result<Option<Opened>, Thrown> {
        let name: SecretName = secret.parse()?;
        let read: Read = answer(served)?;
        self.is_this(&read.environment)?;
        Proof::open(&self.key, &name, &read.root, &read.bucket)?.admits(read.secret.as_ref())?;
        self.newest = Some(admit(seen.as_deref(), &read.root)?);
        Ok(read.secret.map(|sealed| self.key.open_secret(&sealed).map(Opened)).transpose()?)
    }

    /// `VersionView[]` in JSON, newest first, of what `GET …/versions` answered.
    ///
    /// # Errors
    /// When the answer does not hold.
    pub fn versions(&self, secret: &str, served: &str) -> Result<String, Thrown> {
        let index = self.key.derive_index(&secret.parse()?);
        let page: Page<Version> = answer(served)?;
        let open = |one: &Version| {
            let (_, meta) = self.key.open_named(one.id, index, one.version, &one.name, &one.meta)?;
            Ok(VersionView {
                version: one.version,
                tags: meta.tags().to_vec(),
                note: meta.note().to_owned(),
                updated_at: one.updated_at,
            })
        };
        output(&page.items.iter().map(open).collect::<Result<Vec<_>, Thrown>>()?)
    }

    /// Opens the earlier version that was asked for.
    ///
    /// # Errors
    /// When the answer does not hold.
    #[wasm_bindgen(js_name = readVersion)]
    pub fn read_version(&self, secret: &str, version: u32, served: &str) -> Result<Opened, Thrown> {
        let index = self.key.derive_index(&secret.parse()?);
        let read: ReadEarlier = answer(served)?;
        if (read.secret.index, read.secret.version) != (index, u64::from(version)) {
            return Err(TrustError::NotCurrent.into());
        }
        Ok(Opened(self.key.open_secret(&read.secret)?))
    }

    /// `BinnedView[]` in JSON of all pages of `GET …/bin`.
    ///
    /// # Errors
    /// When the answer does not hold.
    pub fn bin(&self, pages: Vec<String>) -> Result<String, Thrown> {
        let mut views = Vec::new();
        for page in &pages {
            for row in answer::<Page<Binned>>(page)?.items {
                let (name, meta) =
                    self.key.open_named(row.id, row.index, row.version, &row.name, &row.meta)?;
                views.push(BinnedView {
                    id: row.id,
                    index: row.index,
                    name,
                    tags: meta.tags().to_vec(),
                    note: meta.note().to_owned(),
                    version: row.version,
                    deleted_at: row.deleted_at,
                });
            }
        }
        output(&views)
    }

    /// Opens the deleted secret that was asked for.
    ///
    /// # Errors
    /// When the answer does not hold.
    #[wasm_bindgen(js_name = readBinned)]
    pub fn read_binned(&self, id: &str, served: &str) -> Result<Opened, Thrown> {
        let read: ReadEarlier = answer(served)?;
        if read.secret.id.to_string() != id {
            return Err(TrustError::NotCurrent.into());
        }
        Ok(Opened(self.key.open_secret(&read.secret)?))
    }

    /// For `PUT …/policy` of the secret of this index; `wanted` is a `PolicyView` in JSON.
    ///
    /// # Errors
    /// When there is no such secret.
    pub fn policy(&self, index: &str, wanted: &str) -> Result<SealedChange, Thrown> {
        let index: NameIndex = index.parse().map_err(|_| TrustError::Unexpected)?;
        let entry = self.entry(index)?;
        let policy = input::<PolicyView>(wanted)?.policy();
        let version = entry.policy.as_ref().map_or(1, |policy| policy.version.saturating_add(1));
        let blob = self.key.seal_policy(entry.id, index, version, &policy)?;
        let (mut manifest, state) = self.manifest()?;
        manifest.set_policy(index, &blob);
        let (root, buckets) = manifest.seal_next(&self.key, &state.buckets)?;
        let pin = pin(Pin::of(&root))?;
        let policy = NewPolicy { policy: Versioned { version, blob }, canary: policy.canary, root, buckets };
        Ok(SealedChange { body: output(&policy)?, pin })
    }

    /// The environment's rules, of `GET …/rules`: `RuleView[]` in JSON.
    ///
    /// # Errors
    /// When rules are left out, made up or not current.
    pub fn rules(&self, served: &str) -> Result<String, Thrown> {
        let (rules, _) = self.current_rules(served)?;
        let view = |(tag, policy): (Tag, Policy)| RuleView { tag, policy: policy.into() };
        output(&rules.0.into_iter().map(view).collect::<Vec<_>>())
    }

    /// For `PUT …/rules`, in place of what `GET …/rules` answered: with another rule for a tag (a `PolicyView` in JSON), or
    /// with none.
    ///
    /// # Errors
    /// When the environment changed since it was listed, or the answer does not hold.
    #[wasm_bindgen(js_name = newRules)]
    pub fn new_rules(&self, served: &str, tag: &str, wanted: Option<String>) -> Result<SealedChange, Thrown> {
        let (mut rules, read) = self.current_rules(served)?;
        let (mut manifest, state) = self.manifest()?;
        if read.root != state.root {
            return Err(Thrown::mistake("the environment changed meanwhile; try again"));
        }
        let tag: Tag = tag.parse()?;
        match wanted {
            None => rules.0.retain(|(one, _)| *one != tag),
            Some(wanted) => {
                let laid_down = input::<PolicyView>(&wanted)?.policy();
                rules.edit(&tag, |policy| *policy = laid_down);
            }
        }
        let version = read.rules.map_or(1, |rules| rules.version.saturating_add(1));
        let blob = self.key.seal_rules(version, &rules)?;
        manifest.set_rules(&blob);
        let (root, _) = manifest.seal_next(&self.key, &state.buckets)?;
        let pin = pin(Pin::of(&root))?;
        Ok(SealedChange { body: output(&NewRules { rules: Versioned { version, blob }, root })?, pin })
    }

    /// Takes what `GET /v1/bundle` answered, to compare a file with it: fills in what the file would do.
    ///
    /// # Errors
    /// When a secret is left out, made up or not current.
    pub fn compare(
        &mut self,
        served: &str,
        seen: Option<String>,
        file: &mut Import,
        tags: Vec<String>,
    ) -> Result<(), Thrown> {
        let bundle: Bundle = answer(served)?;
        self.is_this(&bundle.environment)?;
        let manifest = Manifest::open(&self.key, &bundle.root, &bundle.buckets)?;
        manifest.admits(&self.key, &bundle.secrets, &bundle.canaries)?;
        self.newest = Some(admit(seen.as_deref(), &bundle.root)?);
        let stored = bundle
            .secrets
            .iter()
            .map(|secret| self.key.open_secret(secret))
            .collect::<Result<Vec<_>, _>>()?;
        let canaries: Vec<NameIndex> = bundle.canaries.iter().map(|secret| secret.index).collect();
        let tags = meta(tags, String::new())?.tags().to_vec();
        let canary = |name: &SecretName| canaries.contains(&self.key.derive_index(name));
        file.compare(&stored, canary, &tags)
    }
}

/// A change that is sealed.
#[wasm_bindgen]
pub struct SealedChange {
    body: String,
    pin: String,
}

#[wasm_bindgen]
impl SealedChange {
    /// The request's body.
    pub fn body(&self) -> String {
        self.body.clone()
    }

    /// To be kept once the vault has it: it must not serve anything older then. `Pin` in JSON.
    pub fn pin(&self) -> String {
        self.pin.clone()
    }
}

/// What is about to be written, all or nothing.
#[wasm_bindgen]
pub struct Draft {
    key: EnvironmentKey,
    manifest: Manifest,
    buckets: Vec<Blob>,
    put: Vec<SealedSecret>,
    delete: Vec<NameIndex>,
}

#[wasm_bindgen]
impl Draft {
    /// Begins from what was listed.
    ///
    /// # Errors
    /// When the environment was not listed yet.
    #[wasm_bindgen(constructor)]
    pub fn new(environment: &Environment) -> Result<Self, Thrown> {
        let (manifest, state) = environment.manifest()?;
        let (key, buckets) = (environment.key.clone(), state.buckets.clone());
        Ok(Self { key, manifest, buckets, put: vec![], delete: vec![] })
    }

    /// Puts a secret: a new one, or the next version of the one of its name.
    ///
    /// # Errors
    /// When name, tags, note or value are none.
    pub fn put(&mut self, secret: &str, tags: Vec<String>, note: String, text: String) -> Result<(), Thrown> {
        let value = value(text)?;
        self.put_value(&name(secret)?, &meta(tags, note)?, &value)
    }

    /// Puts a value that was read, with other tags and another note.
    ///
    /// # Errors
    /// When tags or note are none.
    #[wasm_bindgen(js_name = putOpened)]
    pub fn put_opened(&mut self, opened: &Opened, tags: Vec<String>, note: String) -> Result<(), Thrown> {
        self.put_value(&opened.0.name, &meta(tags, note)?, &opened.0.value)
    }

    /// Puts a deleted secret back: its next version, under its id.
    ///
    /// # Errors
    /// When there is a secret of its name.
    pub fn restore(&mut self, deleted: &Opened) -> Result<(), Thrown> {
        let OpenedSecret { id, name, version, meta, value, .. } = &deleted.0;
        if self.manifest.entry(self.key.derive_index(name)).is_some() {
            return Err(Thrown::mistake(format!("there is a secret {name} again; delete that one first")));
        }
        let sealed = self.key.seal_secret(*id, version.saturating_add(1), name, meta, value)?;
        self.manifest.put(EnvironmentKey::entry(&sealed));
        self.put.push(sealed);
        Ok(())
    }

    /// Deletes the secret of this name.
    ///
    /// # Errors
    /// When that is no name.
    pub fn delete(&mut self, secret: &str) -> Result<(), Thrown> {
        let index = self.key.derive_index(&secret.parse()?);
        self.manifest.remove(index);
        self.delete.push(index);
        Ok(())
    }

    /// Puts what fits into one request of what is left of a file; says how many lines of it that were.
    ///
    /// # Errors
    /// When the file was not compared yet.
    #[wasm_bindgen(js_name = putNext)]
    pub fn put_next(&mut self, file: &Import, from: usize) -> Result<usize, Thrown> {
        let round = file.round(from)?;
        for (name, meta, value) in &round {
            self.put_value(name, meta, value)?;
        }
        Ok(round.len())
    }

    /// For `POST …/changes`.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal(self) -> Result<SealedChange, Thrown> {
        let (root, buckets) = self.manifest.seal_next(&self.key, &self.buckets)?;
        let pin = pin(Pin::of(&root))?;
        let body = output(&Change { put: self.put, delete: self.delete, root, buckets })?;
        Ok(SealedChange { body, pin })
    }
}

impl Draft {
    fn put_value(
        &mut self,
        name: &SecretName,
        meta: &Meta,
        value: &sealing::SecretValue,
    ) -> Result<(), Thrown> {
        let known = self.manifest.entry(self.key.derive_index(name)).map(|entry| (entry.id, entry.version));
        let (id, version) = match known {
            Some((id, version)) => (id, version.saturating_add(1)),
            None => (SecretId::from_bytes(make_id()?), 1),
        };
        let sealed = self.key.seal_secret(id, version, name, meta, value)?;
        self.manifest.put(EnvironmentKey::entry(&sealed));
        self.put.push(sealed);
        Ok(())
    }
}
