//! How far values are kept from the agent on this machine: what `check --fix --profile` chose.

use crate::{
    error::{Error, Result},
    home,
};
use clap::ValueEnum;
use std::path::PathBuf;

/// A profile. It belongs to the person's machine, never to a project's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Profile {
    /// The session file holds the values, `.securecoderc` the key.
    Plain,
    /// The session file is a ticket; the agent's commands run under the guard.
    Guard,
    /// The session file is a ticket; the agent's commands run in its sandbox, those with secrets in ours.
    Sandbox,
}

impl Profile {
    fn path() -> Result<PathBuf> {
        Ok(home::folder()?.join("profile"))
    }

    /// The profile of this machine.
    ///
    /// # Errors
    /// When the file cannot be read, or names no profile: an unknown profile is not taken for a weaker one.
    pub fn of_this_machine() -> Result<Self> {
        let path = Self::path()?;
        let Some(text) = home::read_private_file(&path)? else { return Ok(Self::Plain) };
        Self::from_str(text.trim(), false).map_err(|_| {
            Error::local(
                format!("{} names no profile", path.display()),
                "run: securecode check --fix --profile guard",
            )
        })
    }

    /// Makes it the profile of this machine.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set(self) -> Result<()> {
        home::make_private_folder(&home::folder()?)?;
        home::replace_private_file(&Self::path()?, format!("{self}\n").as_bytes())
    }

    /// Whether values are kept from the agent.
    pub fn is_guarded(self) -> bool {
        self != Self::Plain
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Guard => "guard",
            Self::Sandbox => "sandbox",
        })
    }
}
