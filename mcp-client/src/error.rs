//! What went wrong, and what to do now: two things, both always there.

use protocol::{Code, Resource};
use sealing::TrustError;
use std::fmt;

/// The kind of a failure; its number is the exit code (`docs/client.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something is missing or malformed on this machine: input, files, settings.
    Local = 1,
    /// The vault refused.
    Refused = 3,
    /// The vault's answer is not believed.
    Distrusted = 4,
    /// The vault cannot be reached.
    Unreachable = 5,
    /// A limit of the plan.
    Quota = 6,
}

/// A failure, in words for a person. Never holds a value or a key, and no word of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind.
    pub kind: Kind,
    /// What happened.
    pub what: String,
    /// What to do now.
    pub remedy: String,
    /// The vault's code, if it was the vault that refused.
    pub code: Option<Code>,
    /// After how long the vault wants to be asked again, if it said so.
    pub retry_after: Option<std::time::Duration>,
}

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure on this machine.
    pub fn local(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::Local, what, remedy)
    }

    /// A failure of any kind.
    pub fn new(kind: Kind, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: remedy.into(), code: None, retry_after: None }
    }

    /// A file or folder that could not be used.
    pub fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::local(
            format!("{}: {error}", path.display()),
            "check that it exists and that you may read and write it",
        )
    }

    /// A secret that is not there.
    pub fn absent(name: &protocol::SecretName) -> Self {
        Self::new(Kind::Refused, format!("there is no secret {name}"), "list the names: securecode list")
    }

    /// The vault's refusal, in this program's words.
    pub fn refused(code: Code, limit: Option<Resource>) -> Self {
        let (what, remedy) = code.advice().split_once("; ").unwrap_or((code.advice(), "try again"));
        let kind = match code {
            Code::QuotaExceeded | Code::ReadsExhausted | Code::TooManyRequests => Kind::Quota,
            Code::Unavailable => Kind::Unreachable,
            _ => Kind::Refused,
        };
        let what = match limit {
            Some(limit) => format!("{what} ({})", describe(limit)),
            None => what.to_owned(),
        };
        let what = format!("the vault refused: {what}");
        Self { kind, what, remedy: remedy.to_owned(), code: Some(code), retry_after: None }
    }
}

/// A limit, as people call it.
pub fn describe(resource: Resource) -> &'static str {
    match resource {
        Resource::Projects => "projects",
        Resource::Keys => "API keys",
        Resource::Secrets => "secrets",
        Resource::ValueBytes => "bytes a value",
        Resource::Reads => "reads a day",
    }
}

impl From<TrustError> for Error {
    fn from(error: TrustError) -> Self {
        let remedy = match error {
            TrustError::Older { .. } | TrustError::Forked { .. } => {
                "do not use this vault before its operator explains; if a backup was restored on purpose, remove \
                 the environment's file under ~/.securecode/pins"
            }
            _ => "do not use this vault before its operator explains; nothing of its answer was used",
        };
        Self::new(Kind::Distrusted, format!("the vault's answer is not trusted: {error}"), remedy)
    }
}

impl From<sealing::OpenError> for Error {
    fn from(error: sealing::OpenError) -> Self {
        TrustError::from(error).into()
    }
}

impl From<sealing::SealError> for Error {
    fn from(error: sealing::SealError) -> Self {
        Self::local(error.to_string(), "this system is not in a state to make keys; restart it")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  to do now: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Error {}
