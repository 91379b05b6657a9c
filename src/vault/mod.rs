//! The vault's rules and their SQL, by noun. Nothing here knows HTTP.

pub mod access;
pub mod accounts;
pub mod approvals;
mod archive;
pub mod audit;
pub mod bundle;
pub mod columns;
pub mod environments;
pub mod history;
pub mod keys;
mod large;
pub mod pairings;
pub mod pepper;
pub mod projects;
pub mod rotation;
pub mod rules;
pub mod secrets;
pub mod segments;
pub mod sessions;
pub mod sweep;
mod tries;
pub mod usage;

use crate::database::DatabaseError;
use protocol::{Code, Resource};

/// Why the vault refuses. One function turns it into an answer (`http/refusal.rs`).
#[derive(Debug)]
pub enum Refusal {
    /// A reason the caller is told.
    Because(Code),
    /// A reason that passes: after so many seconds.
    Later(Code, u64),
    /// A limit of the plan.
    Quota(Resource),
    /// A body or query that is not what the endpoint takes; the text says where, and never quotes.
    Invalid(String),
    /// A fault that the caller is told nothing of; the text is for the log.
    Fault(String),
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Because(code)
    }
}

impl From<DatabaseError> for Refusal {
    /// Reads the schema's own words: triggers raise `quota:…` and `outdated`, SQLite names unique columns.
    fn from(error: DatabaseError) -> Self {
        let DatabaseError::Refused(text) = &error else { return Self::Fault(error.to_string()) };
        if let Some(resource) =
            Resource::ALL.into_iter().find(|one| text.contains(&format!("quota:{}", one.as_str())))
        {
            return Self::Quota(resource);
        }
        if text.contains("outdated") {
            return Self::Because(Code::ManifestOutdated);
        }
        if text.contains("accounts.email_index") {
            return Self::Because(Code::EmailTaken);
        }
        if text.contains("UNIQUE") {
            return Self::Because(Code::IdTaken);
        }
        if ["revoked", "FOREIGN KEY", "NOT NULL"].iter().any(|word| text.contains(word)) {
            return Self::Because(Code::NotFound);
        }
        Self::Fault(error.to_string())
    }
}
