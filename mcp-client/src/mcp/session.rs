//! What one process of the server remembers: which tips were given, the key, and what is injected.

use super::{asking::Consents, ended, notice, parse, sleep::Wake};
use crate::{
    config::KeyConfig, environment::Client, error::Result, session_file::SessionFile, ticket::Office,
};
use protocol::{Label, SecretName};
use rmcp::model::CallToolResult;
use std::sync::{Mutex, PoisonError};

/// The article's first tip, once a session.
const WELCOME: &str = "Welcome to SecureCode! Remember: secret values returned here are injected directly into your \
workflow. Never paste them in chat messages, commit them to git, or include them in code files.";

/// What one process remembers.
#[derive(Default)]
pub(super) struct Session {
    pub(super) welcomed: bool,
    pub(super) warned: bool,
    pub(super) consents: Consents,
    pub(super) wake: Wake,
    /// What the session's file holds.
    pub(super) injected: Vec<SecretName>,
    pub(super) open: Option<Open>,
}

/// After the first access: the key, and the environments asked of it.
pub(super) struct Open {
    pub(super) config: KeyConfig,
    pub(super) least_version: u64,
    pub(super) clients: Vec<(Option<Label>, Client)>,
}

/// The session's file, apart from the rest of the session: it can be ended while a request is under way.
pub(super) enum Injected {
    Nothing,
    /// With values in it.
    Values(SessionFile),
    /// With a ticket in it, and where that is redeemed. The office closes before the file goes.
    Ticket(Office, SessionFile),
    Ended,
}

impl Injected {
    /// Deletes what is injected, until the next inject. What was printed or written with it stays masked.
    pub(super) fn take_back(&mut self) {
        match self {
            Self::Nothing | Self::Ended => {}
            Self::Ticket(office, file) if file.withdraw().is_ok() => office.end_ticket(),
            Self::Values(_) | Self::Ticket(..) => *self = Self::Nothing,
        }
    }
}

/// Ends the session: its file goes, and there will be no other.
pub(super) fn end(injected: &Mutex<Injected>) {
    *injected.lock().unwrap_or_else(PoisonError::into_inner) = Injected::Ended;
}

impl Open {
    /// The client of the environment that is asked for, kept for the session.
    pub(super) fn client(&mut self, environment: Option<&str>) -> Result<&Client> {
        let environment: Option<Label> = environment.map(parse).transpose()?;
        let known = self.clients.iter().position(|(name, _)| *name == environment);
        let position = match known {
            Some(position) => position,
            None => {
                let client = Client::new(&self.config, environment.clone()).at_least(self.least_version);
                self.clients.push((environment, client));
                self.clients.len() - 1
            }
        };
        self.clients.get(position).map(|(_, client)| client).ok_or_else(ended)
    }
}

impl Session {
    /// The session's first tip, once.
    pub(super) fn welcome(&mut self) -> Option<CallToolResult> {
        (!std::mem::replace(&mut self.welcomed, true)).then(|| notice(WELCOME))
    }
}
