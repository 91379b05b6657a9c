//! An environment as an API key sees it, for Node: where the key comes from, its token, and what the vault answers,
//! checked against the manifest and a pin before anything of it is used.

use crate::{admit, answer, output, thrown::Thrown};
use protocol::{
    AccountId, Code, Digest, KeyId, Label, Problem, SecretName,
    body::{self, Versioned},
};
use sealing::{ApiKey, Audience, Consent, EnvironmentKey, EnvironmentNames, OpenedSecret, Pin, TrustError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::wasm_bindgen;

/// A project's `.securecoderc`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    api_key: Option<String>,
    key: Option<KeyId>,
    vault_url: String,
    audience: Option<String>,
    project: Option<Label>,
    environment: Option<Label>,
}

/// What `account.toml` and `config.toml` say of the person's vault.
#[derive(Deserialize, Serialize)]
struct PersonFile {
    vault_url: Option<String>,
    audience: Option<String>,
}

/// Reads the text of a `.securecoderc`: its fields in JSON.
///
/// # Errors
/// Says in which line it is malformed, and quotes nothing of it.
#[wasm_bindgen(js_name = readProjectFile)]
pub fn read_project_file(text: &str) -> Result<String, Thrown> {
    output(&read_toml::<ProjectFile>(text)?)
}

/// Reads the text of an `account.toml` or a `config.toml`: the vault of the person in JSON.
///
/// # Errors
/// As [`read_project_file`].
#[wasm_bindgen(js_name = readPersonFile)]
pub fn read_person_file(text: &str) -> Result<String, Thrown> {
    output(&read_toml::<PersonFile>(text)?)
}

fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, Thrown> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Thrown::mistake(format!("is not a file of the expected form, near line {line}"))
    })
}

#[derive(Serialize)]
struct Refusal {
    code: Code,
    advice: &'static str,
    limit: Option<&'static str>,
    retry_after: Option<u64>,
}

/// Reads the body of a refusal: its code, what that means, and after how many seconds to ask again. Nothing of the
/// server's own words. Nothing if it is no vault's.
///
/// # Errors
/// Never.
#[wasm_bindgen]
pub fn refusal(body: &str) -> Result<Option<String>, Thrown> {
    let Ok(problem) = serde_json::from_str::<Problem>(body) else { return Ok(None) };
    let Problem { code, limit, retry_after, .. } = problem;
    output(&Refusal { code, advice: code.advice(), limit: limit.map(|limit| limit.as_str()), retry_after })
        .map(Some)
}

/// Whether a variable of this name could take over a shell, a loader or a tool. What is no name is.
#[wasm_bindgen(js_name = isHijacking)]
pub fn is_hijacking(name: &str) -> bool {
    name.parse::<SecretName>().map_or(true, |name| name.is_hijacking())
}

/// An API key and the vault that it is for, and which environment is meant.
#[wasm_bindgen]
pub struct Client {
    key: ApiKey,
    audience: Audience,
    project: Option<Label>,
    environment: Option<Label>,
}

#[wasm_bindgen]
impl Client {
    /// Takes a key's text and its vault's URL, with an audience if local configuration names one.
    ///
    /// # Errors
    /// When one of them is malformed; the key is never quoted.
    #[wasm_bindgen(constructor)]
    pub fn new(
        key: &str,
        url: &str,
        audience: Option<String>,
        project: Option<String>,
        environment: Option<String>,
    ) -> Result<Self, Thrown> {
        let key =
            key.parse().map_err(|error| Thrown::mistake(format!("the API key is malformed: {error}")))?;
        let of = |what: &str, text: &str| {
            text.parse::<Audience>()
                .map_err(|error| Thrown::mistake(format!("{what} cannot be used: {error}")))
        };
        let own = of("the vault's URL", url)?;
        let audience = audience.map(|text| of("the audience", &text)).transpose()?.unwrap_or(own);
        let label = |text: Option<String>| text.map(|text| text.parse::<Label>()).transpose();
        Ok(Self { key, audience, project: label(project)?, environment: label(environment)? })
    }

    /// What is sent to the vault.
    pub fn token(&self) -> String {
        self.key.derive_token(&self.audience).expose().to_string()
    }

    /// Of what `GET /v1/environments` answered, the id of the environment that is meant; nothing if the key may not
    /// use it.
    ///
    /// # Errors
    /// When the answer does not hold, or several are meant.
    pub fn choose(&self, served: &str) -> Result<Option<String>, Thrown> {
        let served: body::Environments = answer(served)?;
        let mut found = None;
        for environment in &served.environments {
            let (_, names) = self.unwrap(served.account, environment)?;
            if self.means(&names) && found.replace(environment.id).is_some() {
                return Err(Thrown::mistake("this key may use several environments and none is named"));
            }
        }
        Ok(found.map(|id| id.to_string()))
    }

    /// Opens what `GET /v1/bundle` answered; `least` is the least version of its manifest to take.
    ///
    /// # Errors
    /// When the answer does not hold: a secret is left out, made up or not current.
    pub fn open(&self, served: &str, least: u32) -> Result<Contents, Thrown> {
        let bundle: body::Bundle = answer(served)?;
        let (key, names) = self.unwrap(bundle.account, &bundle.environment)?;
        let (manifest, secrets) = key.open_contents(&bundle)?;
        Pin { version: u64::from(least), digest: [0; 32] }.admits(&bundle.root)?;
        Ok(Contents {
            is_meant: self.means(&names),
            rules: manifest.rules().filter(|_| !secrets.is_empty()),
            environment: bundle.environment,
            root: bundle.root,
            newest: None,
            key,
            names,
            secrets,
        })
    }

    fn means(&self, names: &EnvironmentNames) -> bool {
        names.are(self.project.as_ref(), self.environment.as_ref())
    }

    fn unwrap(
        &self,
        account: AccountId,
        served: &body::Environment,
    ) -> Result<(EnvironmentKey, EnvironmentNames), Thrown> {
        Ok(self.key.derive_wrap().open_environment(account, served)?)
    }
}

/// Who may have a secret, as its owner laid down.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Use {
    Allow,
    Ask,
    Block,
}

/// A secret without its value.
#[derive(Serialize)]
struct SecretView<'a> {
    name: &'a SecretName,
    tags: Vec<&'a str>,
    note: &'a str,
    version: u64,
    production: bool,
    #[serde(rename = "use")]
    usage: Use,
    commands: &'a [String],
}

/// An opened environment. It gives nothing out before a pin admitted it and its rules were laid down.
#[wasm_bindgen]
pub struct Contents {
    key: EnvironmentKey,
    names: EnvironmentNames,
    is_meant: bool,
    environment: body::Environment,
    root: Versioned,
    /// Of rules that are still to be laid down.
    rules: Option<Digest>,
    /// The pin that admitted it.
    newest: Option<String>,
    secrets: Vec<OpenedSecret>,
}

#[wasm_bindgen]
impl Contents {
    /// Its id.
    pub fn id(&self) -> String {
        self.environment.id.to_string()
    }

    /// Its project's name.
    pub fn project(&self) -> String {
        self.names.project.to_string()
    }

    /// Its name.
    pub fn environment(&self) -> String {
        self.names.environment.to_string()
    }

    /// Whether it is the environment that is meant.
    #[wasm_bindgen(js_name = isMeant)]
    pub fn is_meant(&self) -> bool {
        self.is_meant
    }

    /// Checks it against what was seen of it, and answers what is to be remembered: `{version, digest}` in
    /// JSON.
    ///
    /// # Errors
    /// When it is older than what was seen, or another of the same version.
    pub fn admit(&mut self, seen: Option<String>) -> Result<String, Thrown> {
        let pin = admit(seen.as_deref(), &self.root)?;
        self.newest = Some(pin.clone());
        Ok(pin)
    }

    /// Whether the owner laid rules down, which are to be asked for.
    #[wasm_bindgen(js_name = wantsRules)]
    pub fn wants_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// Lays down the rules that `GET /v1/environments/{id}/rules` answered, and answers what is to be remembered;
    /// nothing if the environment has got another key meanwhile: read it anew.
    ///
    /// # Errors
    /// When the answer does not hold, or is older than the environment.
    #[wasm_bindgen(js_name = layDown)]
    pub fn lay_down(&mut self, served: &str) -> Result<Option<String>, Thrown> {
        let read: body::ReadRules = answer(served)?;
        if read.environment.id != self.environment.id
            || read.environment.generation < self.environment.generation
        {
            return Err(TrustError::NotCurrent.into());
        }
        if read.environment.generation > self.environment.generation {
            return Ok(None);
        }
        let rules = self.key.open_current_rules(&read.root, read.rules.as_ref())?.unwrap_or_default();
        let newest = self.newest.as_deref().ok_or_else(not_admitted)?;
        let pin = admit(Some(newest), &read.root)?;
        rules.lay_down(&mut self.secrets);
        self.newest = Some(pin.clone());
        self.rules = None;
        Ok(Some(pin))
    }

    /// The secrets without their values, in JSON.
    ///
    /// # Errors
    /// When it was not admitted, or its rules were not laid down.
    pub fn secrets(&self) -> Result<String, Thrown> {
        let production = self.names.production;
        let views = self.admitted()?.iter().map(|secret| SecretView {
            name: &secret.name,
            tags: secret.meta.tags().iter().map(protocol::Tag::as_str).collect(),
            note: secret.meta.note(),
            version: secret.version,
            production: production || secret.meta.is_production() || secret.policy.production,
            usage: match secret.policy.usage {
                Consent::Allow => Use::Allow,
                Consent::Ask => Use::Ask,
                Consent::Block => Use::Block,
            },
            commands: &secret.policy.commands,
        });
        output(&views.collect::<Vec<_>>())
    }

    /// A secret's value; nothing if it is not text, or there is no such secret.
    ///
    /// # Errors
    /// As [`Contents::secrets`].
    pub fn reveal(&self, name: &str) -> Result<Option<String>, Thrown> {
        let found = self.admitted()?.iter().find(|secret| secret.name.as_str() == name);
        Ok(found.and_then(|secret| String::from_utf8(secret.value.expose().to_vec()).ok()))
    }
}

impl Contents {
    fn admitted(&self) -> Result<&[OpenedSecret], Thrown> {
        if self.newest.is_none() || self.rules.is_some() {
            return Err(not_admitted());
        }
        Ok(&self.secrets)
    }
}

fn not_admitted() -> Thrown {
    Thrown::failure("the environment was not checked yet")
}
