//! What is used of the answers with flattened fields, without the rest. To read such fields serde first makes values
//! of all others, which would be a tenth of the module; the page takes receipts out by itself.

use protocol::{
    Blob, Digest,
    body::{self, Environment, RowContent, SealedSecret, SecretEntry, Versioned},
};
use serde::Deserialize;

/// Of `body::Read`.
#[derive(Deserialize)]
pub(crate) struct Read {
    pub(crate) environment: Environment,
    pub(crate) root: Versioned,
    pub(crate) bucket: Blob,
    pub(crate) secret: Option<SealedSecret>,
}

/// Of `body::ReadEarlier`.
#[derive(Deserialize)]
pub(crate) struct ReadEarlier {
    pub(crate) secret: SealedSecret,
}

/// Of `body::Bundle`.
#[derive(Deserialize)]
pub(crate) struct Bundle {
    pub(crate) environment: Environment,
    pub(crate) root: Versioned,
    pub(crate) buckets: Vec<Blob>,
    pub(crate) secrets: Vec<SealedSecret>,
    #[serde(default)]
    pub(crate) canaries: Vec<SecretEntry>,
}

/// Of `body::ReadRules`.
#[derive(Deserialize)]
pub(crate) struct ReadRules {
    pub(crate) environment: Environment,
    pub(crate) root: Versioned,
    pub(crate) rules: Option<Versioned>,
}

/// A `body::LoggedRow`, its content not flattened.
#[derive(Deserialize)]
pub(crate) struct LoggedRow {
    pub(crate) seq: u64,
    leaf: Option<Digest>,
    #[serde(default)]
    unreadable: bool,
    at: Option<u64>,
    cost: Option<u64>,
    request_id: Option<String>,
    entry: Option<String>,
}

impl From<LoggedRow> for body::LoggedRow {
    fn from(row: LoggedRow) -> Self {
        let LoggedRow { seq, leaf, unreadable, at, cost, request_id, entry } = row;
        let content = at.zip(cost).zip(request_id.zip(entry));
        let content =
            content.map(|((at, cost), (request_id, entry))| RowContent { at, cost, request_id, entry });
        Self { seq, leaf, unreadable, content }
    }
}
