//! An environment as the API key that was sent sees it. Every answer is checked against the manifest before anything of
//! it is used. There are no pins: nothing is remembered from one request to the next.

use crate::{Gateway, refusal::Refusal, vault::Remote};
use protocol::{
    AccountId, Code, Digest, Label, Permission, SecretName,
    body::{Bundle, Environment, Environments, Read, ReadRules, Versioned},
};
use sealing::{ApiKey, EnvironmentKey, OpenedSecret, Pin, Proof, TrustError};

/// Which environment of the key's is meant, and how old it may be.
pub(crate) struct Which {
    pub(crate) project: Option<Label>,
    pub(crate) environment: Option<Label>,
    /// The least version of its manifest.
    pub(crate) min_manifest: u64,
}

/// How often an environment may get another key while it is read.
const ATTEMPTS: usize = 3;

/// Reads all secrets of an environment.
///
/// # Errors
/// The refusal, or that the answer is not trusted.
pub(crate) async fn read_all(
    gateway: &Gateway,
    key: &ApiKey,
    which: &Which,
) -> Result<Vec<OpenedSecret>, Refusal> {
    let remote = remote(gateway, key);
    for _ in 0..ATTEMPTS {
        let chosen = Chosen::of(&remote, key, which).await?;
        let path = format!("/v1/bundle?how=gateway&environment={}", chosen.served.id);
        let bundle: Bundle = remote.get(&path).await?;
        chosen.check_permission()?;
        if chosen.has_turned(&bundle.environment)? {
            continue;
        }
        let (manifest, mut secrets) = chosen.key.open_contents(&bundle)?;
        which.admits(&bundle.root)?;
        if chosen.lay_down(&remote, manifest.rules(), &bundle.root, &mut secrets).await? {
            return Ok(secrets);
        }
    }
    Err(changing())
}

/// Reads one secret.
///
/// # Errors
/// The refusal, also where it is proven that there is none of that name; or that the answer is not trusted.
pub(crate) async fn read(
    gateway: &Gateway,
    key: &ApiKey,
    which: &Which,
    name: &SecretName,
) -> Result<OpenedSecret, Refusal> {
    let remote = remote(gateway, key);
    for _ in 0..ATTEMPTS {
        let chosen = Chosen::of(&remote, key, which).await?;
        let (id, index) = (chosen.served.id, chosen.key.derive_index(name));
        let read: Read = remote.get(&format!("/v1/environments/{id}/secrets/{index}?how=gateway")).await?;
        chosen.check_permission()?;
        if chosen.has_turned(&read.environment)? {
            continue;
        }
        let proof = Proof::open(&chosen.key, name, &read.root, &read.bucket)?;
        proof.admits(read.secret.as_ref())?;
        which.admits(&read.root)?;
        let secret = read.secret.ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                "there is no secret of that name in this environment; check the name",
            )
        })?;
        let mut secrets = [chosen.key.open_secret(&secret)?];
        if chosen.lay_down(&remote, proof.rules(), &read.root, &mut secrets).await? {
            let [secret] = secrets;
            return Ok(secret);
        }
    }
    Err(changing())
}

fn remote<'a>(gateway: &'a Gateway, key: &ApiKey) -> Remote<'a> {
    Remote::new(&*gateway.0.vault, &key.derive_token(&gateway.0.audience))
}

fn changing() -> Refusal {
    Refusal::new(Code::Unavailable, "the environment changes while it is being read; try again")
}

impl Which {
    fn admits(&self, root: &Versioned) -> Result<(), TrustError> {
        Pin { version: self.min_manifest, digest: [0; 32] }.admits(root)
    }
}

/// The environment that is meant, its key unwrapped.
struct Chosen {
    key: EnvironmentKey,
    served: Environment,
    may_be_used_here: bool,
}

impl Chosen {
    /// Asks which environments the key may use, and takes the one that is meant.
    async fn of(remote: &Remote<'_>, key: &ApiKey, which: &Which) -> Result<Self, Refusal> {
        let Environments { account, permissions, environments, .. } = remote.get("/v1/environments").await?;
        let mut found = None;
        for served in environments {
            let key = means(key, account, &served, which)?;
            if let Some(key) = key
                && found.replace((key, served)).is_some()
            {
                // Not which: a caller that has to ask may not be the one that was given the key.
                return Err(Refusal::new(
                    Code::EnvironmentAmbiguous,
                    "this key may use several environments; name one: ?environment=E, and &project=P where that is not enough",
                ));
            }
        }
        let (key, served) = found.ok_or_else(|| {
            Refusal::new(
                Code::EnvironmentOutOfScope,
                "this key may not use that environment, or there is none of that name; check `environment` and `project`, or ask the owner for a key",
            )
        })?;
        Ok(Self { key, served, may_be_used_here: permissions.has(Permission::Gateway) })
    }

    /// The vault has refused a key without the permission already; one that does not gets no key used here either.
    fn check_permission(&self) -> Result<(), Refusal> {
        if self.may_be_used_here { Ok(()) } else { Err(Code::PermissionMissing.into()) }
    }

    /// Whether an answer is of another key of the environment than the one that it was asked with.
    fn has_turned(&self, served: &Environment) -> Result<bool, TrustError> {
        if served.id != self.served.id || served.generation < self.served.generation {
            return Err(TrustError::NotCurrent);
        }
        Ok(served.generation > self.served.generation)
    }

    /// Lays the environment's rules down for secrets of it, if it has any; not if it got another key meanwhile.
    async fn lay_down(
        &self,
        remote: &Remote<'_>,
        named: Option<Digest>,
        root: &Versioned,
        secrets: &mut [OpenedSecret],
    ) -> Result<bool, Refusal> {
        if named.is_none() || secrets.is_empty() {
            return Ok(true);
        }
        let read: ReadRules = remote.get(&format!("/v1/environments/{}/rules", self.served.id)).await?;
        if self.has_turned(&read.environment)? {
            return Ok(false);
        }
        let rules = self.key.open_current_rules(&read.root, read.rules.as_ref())?;
        // Newer ones than were named hold already; older ones are refused.
        Pin::of(root).admits(&read.root)?;
        rules.unwrap_or_default().lay_down(secrets);
        Ok(true)
    }
}

/// The environment's key, if it is one that is meant.
fn means(
    key: &ApiKey,
    account: AccountId,
    served: &Environment,
    which: &Which,
) -> Result<Option<EnvironmentKey>, Refusal> {
    let (key, names) = key.derive_wrap().open_environment(account, served)?;
    Ok(names.are(which.project.as_ref(), which.environment.as_ref()).then_some(key))
}
