//! status, sleep-session and wake-session. A session that sleeps has no injected file and hands nothing out; awake, it may
//! be limited to secrets with some tags, and to a time.

use super::{Server, parse, session::Session, text};
use crate::{
    config::KeyConfig,
    error::{Error, Result},
    profile::Profile,
};
use protocol::Tag;
use rmcp::{
    model::CallToolResult,
    schemars::{self, JsonSchema},
};
use sealing::OpenedSecret;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::PoisonError,
    time::{Duration, Instant},
};

/// The longest time that a session is woken for, in minutes: a day.
const LONGEST: u64 = 24 * 60;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WakeSession {
    /// Only secrets that have one of these tags may be had. Without this, all.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Sleep again by itself after so many minutes, at most 1440. Without this, not before it is told to.
    #[serde(default)]
    minutes: Option<u64>,
}

/// Whether secrets may be had in this session.
pub(super) enum Wake {
    Awake {
        /// Of these tags alone.
        tags: Option<BTreeSet<Tag>>,
        until: Option<Instant>,
    },
    Asleep,
}

impl Default for Wake {
    fn default() -> Self {
        Self::Awake { tags: None, until: None }
    }
}

impl Wake {
    /// Whether this session was woken for a secret.
    pub(super) fn is_for(&self, secret: &OpenedSecret) -> bool {
        match self {
            Self::Awake { tags: None, .. } => true,
            Self::Awake { tags: Some(tags), .. } => secret.meta.tags().iter().any(|tag| tags.contains(tag)),
            Self::Asleep => false,
        }
    }

    /// That it was not.
    pub(super) fn not_for(secret: &OpenedSecret) -> Error {
        Error::local(
            format!("this session was woken for secrets of other tags than {} has", secret.name),
            "call wake-session with one of its tags, or without tags",
        )
    }
}

impl Server {
    /// That the session is neither asleep nor over. One whose time is over falls asleep.
    pub(super) fn check_awake(&self, session: &mut Session) -> Result<()> {
        self.check_alive()?;
        if matches!(session.wake, Wake::Awake { until: Some(until), .. } if Instant::now() >= until) {
            self.fall_asleep(session);
        }
        match session.wake {
            Wake::Awake { .. } => Ok(()),
            Wake::Asleep => Err(Error::local("this session sleeps", "call wake-session to use secrets")),
        }
    }

    fn fall_asleep(&self, session: &mut Session) {
        session.wake = Wake::Asleep;
        session.injected.clear();
        self.injected.lock().unwrap_or_else(PoisonError::into_inner).take_back();
    }

    pub(super) fn sleep(&self, session: &mut Session) -> Result<CallToolResult> {
        self.check_alive()?;
        self.fall_asleep(session);
        Ok(text(
            "The session sleeps: the injected file is deleted, and no secret is handed out until wake-session.",
        ))
    }

    pub(super) fn wake(&self, session: &mut Session, asked: &WakeSession) -> Result<CallToolResult> {
        self.check_alive()?;
        let tags = asked.tags.as_ref().filter(|tags| !tags.is_empty());
        let tags = tags
            .map(|tags| tags.iter().map(|tag| parse(tag)).collect::<Result<BTreeSet<Tag>>>())
            .transpose()?;
        if asked.minutes.is_some_and(|minutes| !(1..=LONGEST).contains(&minutes)) {
            return Err(Error::local(
                "a session is woken for 1 to 1440 minutes",
                "give fewer minutes, or none",
            ));
        }
        let until = asked.minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
        // What was injected before may be of other tags.
        self.fall_asleep(session);
        let told = tags.as_ref().map_or_else(
            || "all secrets".to_owned(),
            |tags| {
                format!("secrets tagged {}", tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(" or "))
            },
        );
        session.wake = Wake::Awake { tags, until };
        if let Some(until) = until {
            self.sleep_at(until);
        }
        let how_long = asked.minutes.map(|minutes| format!(", for {minutes} minutes")).unwrap_or_default();
        Ok(text(&format!("The session is awake for {told}{how_long}. Inject again what you need.")))
    }

    /// The file goes when the time is over, asked or not.
    fn sleep_at(&self, until: Instant) {
        let server = self.clone();
        std::thread::spawn(move || {
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            let mut session = server.session();
            // It may have been woken anew meanwhile.
            if matches!(session.wake, Wake::Awake { until: Some(now), .. } if now == until) {
                server.fall_asleep(&mut session);
            }
        });
    }

    /// Asks nobody: what this process knows.
    pub(super) fn show_status(&self, session: &mut Session) -> Result<CallToolResult> {
        let ended = self.check_alive().is_err();
        let awake = !ended && self.check_awake(session).is_ok();
        let state = match (ended, awake) {
            (true, _) => "ended",
            (false, true) => "awake",
            (false, false) => "asleep",
        };
        let (tags, minutes) = match &session.wake {
            Wake::Awake { tags, until } if awake => (
                tags.clone(),
                until.map(|until| until.saturating_duration_since(Instant::now()).as_secs().div_ceil(60)),
            ),
            _ => (None, None),
        };
        let config = KeyConfig::find(&self.start, self.vault_url.as_deref());
        let profile = config.as_ref().map_or_else(|_| Profile::of_this_machine(), KeyConfig::profile)?;
        let mut told =
            vec![format!("SecureCode {}, session {state}, {profile} profile.", env!("CARGO_PKG_VERSION"))];
        match &config {
            Ok(config) => {
                let label = |label: &Option<protocol::Label>| {
                    label.as_ref().map_or("the key's", protocol::Label::as_str).to_owned()
                };
                told.push(format!(
                    "Key found, for {}/{} at {}.",
                    label(&config.project),
                    label(&config.environment),
                    config.vault.url
                ));
            }
            Err(error) => told.push(format!("No key: {error}")),
        }
        let names: Vec<String> = session.injected.iter().map(ToString::to_string).collect();
        told.push(if names.is_empty() {
            "Nothing is injected.".to_owned()
        } else {
            format!("Injected: {}.", names.join(", "))
        });
        if let Some(tags) = &tags {
            told.push(format!(
                "Awake for tags: {}.",
                tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(", ")
            ));
        }
        if let Some(minutes) = minutes {
            told.push(format!("Sleeps in {minutes} minutes."));
        }
        let mut result = text(&told.join("\n"));
        let config = config.ok();
        result.structured_content = Some(json!({
            "session": state, "profile": profile.to_string(), "key": config.is_some(), "injected": names,
            "project": config.as_ref().and_then(|config| config.project.as_ref()),
            "environment": config.as_ref().and_then(|config| config.environment.as_ref()),
            "awake_for": tags, "minutes_left": minutes,
        }));
        Ok(result)
    }
}
