//! `setup`: a key for this project, from its owner's dashboard. The browser is opened by this process, and the words
//! that the person compares are on a page of this process's own: neither goes through the model.

use super::{Server, text};
use crate::{
    check,
    config::{KeyConfig, PROJECT_FILE, find_upwards, person_vault},
    error::{Error, Result},
    pairing::{self, Pairing},
    project,
};
use rmcp::model::CallToolResult;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long one call waits for the person: less than clients wait for a tool.
const PATIENCE: Duration = Duration::from_secs(45);

impl Server {
    pub(super) fn set_up(&self) -> Result<CallToolResult> {
        if find_upwards(&self.start).is_some() || std::env::var_os("SECURECODE_API_KEY").is_some() {
            KeyConfig::find(&self.start, self.vault_url.as_deref())?;
            return Ok(text("This project has a key already. list-secrets shows what it may use."));
        }
        let mut waiting = lock(&self.pairing);
        let pairing = match waiting.take() {
            Some(pairing) => pairing,
            None => self.begin_pairing()?,
        };
        let Some(config) = pairing.wait(PATIENCE)? else {
            *waiting = Some(pairing);
            return Ok(text(
                "A page was opened in the person's browser. They compare the words there with those that the vault \
                 shows, and approve. Nobody has approved yet: ask them, then call setup again.",
            ));
        };
        project::set_up(&self.start, &config)?;
        pairing.end();
        let report = check::run(&self.start, None, false)?;
        let mend = if report.passed == report.total {
            ""
        } else {
            " Call security-check with fix to mend the rest."
        };
        Ok(text(&format!(
            "This project has a key now: {PROJECT_FILE} is written and ignored by git. {} of {} checks passed.{mend} \
             list-secrets shows what it may use.",
            report.passed, report.total
        )))
    }

    fn begin_pairing(&self) -> Result<Pairing> {
        let vault = person_vault(self.vault_url.as_deref()).map_err(|error| {
            Error::local(
                error.what,
                "the person runs this in their own terminal: securecode setup --vault-url URL",
            )
        })?;
        let environment = "dev".parse().map_err(|error: protocol::ParseNameError| {
            Error::local(error.to_string(), "run `securecode setup` in your own terminal")
        })?;
        let project = project::name(&self.start)?;
        let pairing = Pairing::begin(vault)?;
        pairing::show_words(pairing.words(), &pairing.link(&project, &environment))?;
        Ok(pairing)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
