//! get-secret: values go into the session's file, or a ticket for them; the agent is told the path.

use super::{
    Server,
    asking::{Outcome, Question},
    ended, is_production, parse, production_warning,
    session::{Injected, Session},
    sleep::Wake,
    text,
};
use crate::{
    environment::Client,
    error::{Error, Result},
    names,
    policy::{self, Way},
    profile::Profile,
    session_file::SessionFile,
    ticket::Office,
};
use protocol::{SecretName, Tag, body::How};
use rmcp::{
    model::CallToolResult,
    schemars::{self, JsonSchema},
};
use sealing::{ApiKey, Consent, OpenedSecret, export::for_shell};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, path::PathBuf, sync::PoisonError};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetSecret {
    /// The name of one secret.
    #[serde(default)]
    name: Option<String>,
    /// The names of several secrets, injected together.
    #[serde(default)]
    names: Option<Vec<String>>,
    /// Inject every secret that has one of these tags.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
    /// Answer the raw value of one secret instead of injecting it. Only when the user asked to see it.
    #[serde(default)]
    reveal: Option<bool>,
}

impl Server {
    pub(super) fn get(&self, session: &mut Session, asked: &GetSecret) -> Result<Outcome> {
        self.check_awake(session)?;
        let wanted = Wanted::parse(asked)?;
        if let Some(welcome) = session.welcome() {
            return Ok(Outcome::Done(welcome));
        }
        let warned = session.warned;
        let open = self.open(session)?;
        let reveal = asked.reveal == Some(true);
        let profile = open.config.profile()?;
        if reveal && profile.is_guarded() {
            return Err(Error::local(
                format!("values are not shown to an agent here (this machine's profile is {profile})"),
                "inject it into a command; or ask the user to run in their own terminal: securecode get NAME",
            ));
        }
        let how = if reveal { How::Reveal } else { How::Inject };
        let client = open.client(asked.environment.as_deref())?;
        let secrets = wanted.read(client, how)?;
        let environment = client.environment()?.names.clone();
        if let Some(secret) = secrets.iter().find(|secret| !session.wake.is_for(secret)) {
            return Err(Wake::not_for(secret));
        }
        let is_production = |secret: &&OpenedSecret| is_production(&environment, secret);
        if let Some(secret) = secrets.iter().find(is_production).filter(|_| !warned && !reveal) {
            session.warned = true;
            return Ok(Outcome::Done(production_warning(&secret.name)));
        }
        let way = if reveal { Way::Reveal } else { Way::Use };
        if let Some(secret) = secrets.iter().find(|secret| way.consent(secret) == Consent::Block) {
            return Err(way.blocked(&secret.name));
        }
        // A file that holds values is anybody's.
        let limited =
            secrets.iter().find(|secret| !profile.is_guarded() && !secret.policy.commands.is_empty());
        if let Some(secret) = limited.filter(|_| !reveal) {
            let mut error = policy::not_for(&secret.name, &secret.policy.commands);
            error.remedy = "call run-with-secrets with one of them".to_owned();
            return Err(error);
        }
        let place = format!("{}/{}", environment.project, environment.environment);
        let mut unasked = Vec::new();
        for secret in &secrets {
            let asks = way.consent(secret) == Consent::Ask || reveal && is_production(&secret);
            if asks && !session.consents.take(way, &place, &secret.name) {
                unasked.push(secret.name.clone());
            }
        }
        if !unasked.is_empty() {
            return Ok(Outcome::Ask(Question {
                way,
                place,
                environment: asked.environment.clone(),
                names: unasked,
            }));
        }
        if reveal {
            return revealed(&secrets).map(Outcome::Done);
        }
        let open = self.open(session)?;
        let path = self.write(&open.config.key, profile, &secrets)?.display().to_string();
        let injected: Vec<String> =
            secrets.iter().map(|secret| format!("{} injected -> {path}", secret.name)).collect();
        let told = format!(
            "{}\n\nUse it without reading it: source {path} && COMMAND\nThe file goes with the next get-secret, with byebye, or when this session ends.",
            injected.join("\n")
        );
        session.injected = secrets.iter().map(|secret| secret.name.clone()).collect();
        let names: Vec<&SecretName> = secrets.iter().map(|secret| &secret.name).collect();
        let mut result = text(&told);
        // Claude Code shows its model the structured content in place of the text, so the text stands there too,
        // on one line: a path that is followed by a space can be taken out of either.
        let message = told.split_whitespace().collect::<Vec<_>>().join(" ");
        result.structured_content = Some(json!({
            "message": message, "path": path, "names": names, "environment": environment.environment,
            "expires": "with the next get-secret, byebye, or the end of this session",
        }));
        Ok(Outcome::Done(result))
    }

    /// Replaces what the session's file holds; where it is.
    fn write(&self, key: &ApiKey, profile: Profile, secrets: &[OpenedSecret]) -> Result<PathBuf> {
        let mut injected = self.injected.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*injected, Injected::Nothing) {
            let file = SessionFile::begin(key)?;
            *injected = if profile.is_guarded() {
                Injected::Ticket(Office::open(file.path(), key)?, file)
            } else {
                Injected::Values(file)
            };
        }
        let file = match &*injected {
            Injected::Values(file) => {
                file.write(&for_shell(secrets.iter().map(|secret| (&secret.name, &secret.value))))?;
                file
            }
            Injected::Ticket(office, file) => {
                let issued = secrets
                    .iter()
                    .map(|secret| (&secret.name, &secret.value, secret.policy.commands.as_slice()));
                file.write(office.issue(issued)?.as_bytes())?;
                file
            }
            Injected::Nothing | Injected::Ended => return Err(ended()),
        };
        Ok(file.path().to_owned())
    }
}

/// What one call of get-secret asks for.
pub(super) enum Wanted {
    Names(Vec<SecretName>),
    Tags(BTreeSet<Tag>),
}

impl Wanted {
    fn parse(asked: &GetSecret) -> Result<Self> {
        let wrong = |what: &str| Error::local(what.to_owned(), "give exactly one of name, names and tags");
        let wanted = match (&asked.name, &asked.names, &asked.tags) {
            (Some(name), None, None) => Self::Names(vec![parse(name)?]),
            (None, Some(names), None) if !names.is_empty() => {
                Self::Names(names.iter().map(|name| parse(name)).collect::<Result<_>>()?)
            }
            (None, None, Some(tags)) if !tags.is_empty() => {
                Self::Tags(tags.iter().map(|tag| parse(tag)).collect::<Result<_>>()?)
            }
            _ => return Err(wrong("it is not clear which secrets are asked for")),
        };
        match &wanted {
            Self::Names(names) if asked.reveal != Some(true) || names.len() == 1 => Ok(wanted),
            Self::Tags(_) if asked.reveal != Some(true) => Ok(wanted),
            _ => Err(wrong("reveal shows one secret, by its name")),
        }
    }

    fn read(&self, client: &Client, how: How) -> Result<Vec<OpenedSecret>> {
        let secrets = match self {
            Self::Names(names) => names
                .iter()
                .map(|name| {
                    names::check(name)?;
                    client.read(name, how)?.ok_or_else(|| {
                        Error::local(
                            format!("there is no secret {name}"),
                            "call list-secrets for the names there are",
                        )
                    })
                })
                .collect::<Result<Vec<_>>>()?,
            Self::Tags(tags) => {
                let all = client.read_all(how)?.secrets;
                let tagged =
                    all.into_iter().filter(|secret| secret.meta.tags().iter().any(|tag| tags.contains(tag)));
                let mut found = Vec::new();
                for secret in tagged {
                    names::check(&secret.name)?;
                    found.push(secret);
                }
                found
            }
        };
        if secrets.is_empty() {
            return Err(Error::local(
                "no secret has one of these tags",
                "call list-secrets for names and tags",
            ));
        }
        Ok(secrets)
    }
}

pub(super) fn revealed(secrets: &[OpenedSecret]) -> Result<CallToolResult> {
    let secret = secrets.first().ok_or_else(ended)?;
    let value = std::str::from_utf8(secret.value.expose()).map_err(|_| {
        Error::local(
            format!("{} is not text, so it cannot be shown here", secret.name),
            "inject it into a command instead",
        )
    })?;
    // Shown because a person asked for it, the key permits it, and the audit log says so.
    Ok(text(value))
}
