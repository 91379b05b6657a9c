//! Where the key and the vault's address come from. Both come from the same source: a file in a repository can
//! never send a key that came from elsewhere to a vault of its own choosing.

use crate::{
    error::{Error, Result},
    home,
    profile::Profile,
};
use protocol::{AccessToken, AccountId, Email, Label, body::Device};
use sealing::{ApiKey, Audience, Pin};
use serde::{Deserialize, Serialize};
use std::{
    env,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The name of a project's own file.
pub const PROJECT_FILE: &str = ".securecoderc";

/// A vault's address and the audience that tokens for it are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultAddress {
    /// Where requests go: the URL without a slash at its end.
    pub url: String,
    /// What tokens are derived for.
    pub audience: Audience,
}

impl VaultAddress {
    /// Takes a URL, and an audience if local configuration names one.
    ///
    /// # Errors
    /// When the URL is none that a key is sent to.
    pub fn new(url: &str, audience: Option<&str>) -> Result<Self> {
        let parse = |text: &str, what: &str| {
            text.parse::<Audience>().map_err(|error| {
                Error::local(
                    format!("{what} cannot be used: {error}"),
                    "give the vault's address as https://host[:port]",
                )
            })
        };
        let own = parse(url, "the vault's URL")?;
        let audience = audience.map(|text| parse(text, "the audience")).transpose()?.unwrap_or(own);
        Ok(Self { url: url.trim_end_matches('/').to_owned(), audience })
    }

    /// What is written beside a key that is kept for it. The Node SDK reads it.
    fn record(&self) -> String {
        format!("{}\n{}", self.url, self.named_audience().unwrap_or_default())
    }

    /// The audience, where it is not the URL's own: what a file has to name.
    pub fn named_audience(&self) -> Option<String> {
        let own: Option<Audience> = self.url.parse().ok();
        (own.as_ref() != Some(&self.audience)).then(|| self.audience.to_string())
    }
}

/// An API key, the vault it is for, and which environment is meant.
#[derive(Debug)]
pub struct KeyConfig {
    /// The key.
    pub key: ApiKey,
    /// Its vault.
    pub vault: VaultAddress,
    /// The project, if something names it.
    pub project: Option<Label>,
    /// The environment, if something names it.
    pub environment: Option<Label>,
    /// Whether the key lies out of the project, where a guarded profile keeps it.
    kept_out: bool,
}

/// A project's file, as written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<protocol::KeyId>,
    vault_url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Label>,
}

/// What is set for the person on this machine.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PersonFile {
    vault_url: Option<String>,
    audience: Option<String>,
}

impl KeyConfig {
    /// Finds the key: `SECURECODE_API_KEY` with a URL of the person's own, else the project's `.securecoderc`,
    /// found by walking up from `start`.
    ///
    /// # Errors
    /// Says what is missing or malformed. A malformed key is refused here, before any request.
    pub fn find(start: &Path, vault_url: Option<&str>) -> Result<Self> {
        if let Some(text) = env::var_os("SECURECODE_API_KEY").filter(|text| !text.is_empty()) {
            let text = Zeroizing::new(text.to_string_lossy().into_owned());
            if text.starts_with("${") {
                return Err(Error::local(
                    "SECURECODE_API_KEY is not a key but the unexpanded text `${…}`",
                    "set SECURECODE_API_KEY in the environment that starts the agent, or run `securecode init`",
                ));
            }
            let key = parse_key(&text, "SECURECODE_API_KEY")?;
            return Ok(Self {
                key,
                vault: person_vault(vault_url)?,
                project: None,
                environment: None,
                kept_out: false,
            });
        }
        let Some(path) = find_upwards(start) else {
            return Err(Error::local(
                "there is no API key: SECURECODE_API_KEY is not set and no .securecoderc was found here or above",
                "run `securecode init` in the project, or set SECURECODE_API_KEY and SECURECODE_VAULT_URL",
            ));
        };
        if vault_url.is_some() {
            return Err(Error::local(
                format!("{} has its own vault, so its key does not go to another URL", path.display()),
                "leave --vault-url out, or give the key in SECURECODE_API_KEY",
            ));
        }
        Self::read_project_file(&path)
    }

    /// Reads a project's file, and the key that it names.
    ///
    /// # Errors
    /// When it, or the key, is missing or malformed.
    pub fn read_project_file(path: &Path) -> Result<Self> {
        let Some(text) = home::read_private_file(path)? else {
            return Err(Error::local(format!("{} is gone", path.display()), "run `securecode init`"));
        };
        let file: ProjectFile = read_toml(path, &text)?;
        let ProjectFile { api_key, key, vault_url, audience, project, environment } = file;
        let api_key = api_key.map(Zeroizing::new);
        let kept_out = api_key.is_none();
        let vault = VaultAddress::new(&vault_url, audience.as_deref())?;
        let text = match (api_key, key) {
            (Some(text), None) => text,
            (None, Some(id)) => {
                let path = home::folder()?.join("keys").join(id.to_string());
                // Whoever wrote the project's file may know the key's id. Before this was recorded, a token that is made for
                // the very address it goes to is of no use elsewhere; for another audience it would be.
                let is_for_it = match home::read_private_file(&path.with_extension("vault"))? {
                    Some(recorded) => *recorded == vault.record(),
                    None => audience.is_none(),
                };
                if !is_for_it {
                    return Err(Error::local(
                        format!("{PROJECT_FILE} names a vault that the key on this machine is not for"),
                        "do not use a .securecoderc of somebody else's; if your vault moved, remove it and run `securecode init`",
                    ));
                }
                home::read_private_file(&path)?.ok_or_else(|| {
                    Error::local(
                        format!("{} names a key that is not on this machine", PROJECT_FILE),
                        "run `securecode init` again after removing .securecoderc",
                    )
                })?
            }
            _ => {
                return Err(Error::local(
                    format!("{} must have one of `api_key` and `key`", path.display()),
                    "run `securecode init` again after removing it",
                ));
            }
        };
        let key = parse_key(text.trim(), &path.display().to_string())?;
        Ok(Self { key, vault, project, environment, kept_out })
    }

    /// A key for a project's file.
    pub fn for_project(
        key: ApiKey,
        vault: VaultAddress,
        project: Option<Label>,
        environment: Option<Label>,
    ) -> Self {
        Self { key, vault, project, environment, kept_out: false }
    }

    /// The profile to use the key under: this machine's, but no weaker than guard for a key that was kept out of
    /// an agent's reach. Another `SECURECODE_HOME` does not loosen it.
    ///
    /// # Errors
    /// When this machine's profile cannot be read.
    pub fn profile(&self) -> Result<Profile> {
        let least = if self.kept_out { Profile::Guard } else { Profile::Plain };
        Ok(Profile::of_this_machine()?.max(least))
    }

    /// Whether a project's file holds the key itself, rather than a reference.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn has_key_inside(path: &Path) -> Result<bool> {
        let Some(text) = home::read_private_file(path)? else { return Ok(false) };
        Ok(read_toml::<ProjectFile>(path, &text)?.api_key.is_some())
    }

    /// Moves the key of a project's file into `~/.securecode/keys`, and leaves a reference by its id.
    ///
    /// # Errors
    /// When either file cannot be written; the key is then in at least one of them.
    pub fn move_key_out(&self, path: &Path) -> Result<protocol::KeyId> {
        let id = self.key.id();
        let folder = home::make_folder("keys")?;
        let kept = folder.join(id.to_string());
        home::replace_private_file(&kept.with_extension("vault"), self.vault.record().as_bytes())?;
        home::replace_private_file(&kept, self.key.expose().as_bytes())?;
        let file = ProjectFile {
            api_key: None,
            key: Some(id),
            vault_url: self.vault.url.clone(),
            audience: self.vault.named_audience(),
            project: self.project.clone(),
            environment: self.environment.clone(),
        };
        home::replace_private_file(path, write_toml(&file)?.as_bytes())?;
        Ok(id)
    }

    /// Writes a project's file, 0600: with the key in the plain profile, with a reference to it in the others.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_project_file(&self, folder: &Path) -> Result<()> {
        let path = folder.join(PROJECT_FILE);
        if Profile::of_this_machine()?.is_guarded() {
            return self.move_key_out(&path).map(drop);
        }
        let file = ProjectFile {
            api_key: Some(self.key.expose().to_string()),
            key: None,
            vault_url: self.vault.url.clone(),
            audience: self.vault.named_audience(),
            project: self.project.clone(),
            environment: self.environment.clone(),
        };
        let text = Zeroizing::new(write_toml(&file)?);
        home::replace_private_file(&path, text.as_bytes())
    }
}

/// The project's file, here or in a folder above.
pub fn find_upwards(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|path| path.symlink_metadata().is_ok())
}

fn parse_key(text: &str, source: &str) -> Result<ApiKey> {
    text.parse().map_err(|error| {
        Error::local(
            format!("the API key in {source} is malformed: {error}"),
            "copy the whole key again, or create another with `securecode keys create`",
        )
    })
}

/// The vault of the person on this machine: from a flag, the environment, the account, or the configuration;
/// never from a project's file.
///
/// # Errors
/// When none of them names one.
pub fn person_vault(flag: Option<&str>) -> Result<VaultAddress> {
    if let Some(url) = flag {
        return VaultAddress::new(url, None);
    }
    if let Some(url) = env::var("SECURECODE_VAULT_URL").ok().filter(|url| !url.is_empty()) {
        return VaultAddress::new(&url, None);
    }
    if let Some(account) = AccountFile::read()? {
        return VaultAddress::new(&account.vault_url, account.audience.as_deref());
    }
    let folder =
        env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".config")));
    if let Some(path) = folder.map(|folder| folder.join("securecode").join("config.toml"))
        && let Ok(text) = std::fs::read_to_string(&path)
        && let PersonFile { vault_url: Some(url), audience } = read_toml(&path, &text)?
    {
        return VaultAddress::new(&url, audience.as_deref());
    }
    Err(Error::local(
        "no vault is named",
        "give --vault-url URL, set SECURECODE_VAULT_URL, or sign up: securecode signup --vault-url URL --email E",
    ))
}

/// `account.toml`: the account of the person on this machine. Holds no key: at most a session's token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFile {
    /// The vault.
    pub vault_url: String,
    /// Its audience, where it is not the URL's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The account's address.
    pub email: Email,
    /// The account's id.
    pub account: AccountId,
    /// The newest account manifest seen: its version.
    pub manifest_version: u64,
    /// The newest account manifest seen: the SHA-256 of its blob, in hex.
    pub manifest_digest: String,
    /// The session, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<AccessToken>,
    /// By which the vault knows this machine at the next log-in; opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

impl AccountFile {
    fn path() -> Result<PathBuf> {
        Ok(home::folder()?.join("account.toml"))
    }

    /// Reads it; nothing if nobody signed up or logged in here.
    ///
    /// # Errors
    /// When others can read it, or it is malformed.
    pub fn read() -> Result<Option<Self>> {
        let path = Self::path()?;
        home::read_private_file(&path)?.map(|text| read_toml(&path, &text)).transpose()
    }

    /// Replaces it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<()> {
        home::make_private_folder(&home::folder()?)?;
        let text = Zeroizing::new(write_toml(self)?);
        home::replace_private_file(&Self::path()?, text.as_bytes())
    }

    /// Forgets the account on this machine.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn remove() -> Result<()> {
        let path = Self::path()?;
        std::fs::remove_file(&path).map_err(|error| Error::io(&path, &error))
    }

    /// By what the vault at this address knows this machine, if this account logged in here before.
    ///
    /// # Errors
    /// As [`AccountFile::read`].
    pub fn device(vault: &VaultAddress, email: &Email) -> Result<Option<Device>> {
        let known = Self::read()?.filter(|known| known.vault_url == vault.url && known.email == *email);
        Ok(known.and_then(|known| known.device))
    }

    /// The pin of the account manifest.
    pub fn pin(&self) -> Pin {
        let digest = data_encoding::HEXLOWER.decode(self.manifest_digest.as_bytes()).ok();
        Pin {
            version: self.manifest_version,
            digest: digest.and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; 32]),
        }
    }

    /// Takes a newer pin over.
    pub fn set_pin(&mut self, pin: Pin) {
        self.manifest_version = pin.version;
        self.manifest_digest = data_encoding::HEXLOWER.encode(&pin.digest);
    }
}

/// Says where a file is malformed and quotes nothing of it: it may hold a key.
fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Error::local(
            format!("{} is not a file of the expected form, near line {line}", path.display()),
            "mend that line, or remove the file and make it anew",
        )
    })
}

fn write_toml(file: &impl Serialize) -> Result<String> {
    toml::to_string(file).map_err(|error| Error::local(error.to_string(), "report this"))
}
