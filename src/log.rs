//! What the operator is told: a line of JSON for each request, fault and alert, with the request's id. Never a secret,
//! a token, a body or a query.

use serde::Serialize;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Info,
    /// Something of ours or of the host's fails.
    Error,
    /// Somebody may be attacking: look at it now.
    Alert,
}

/// One line. What does not apply is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Event<'a> {
    /// How much it matters.
    pub level: Level,
    /// What happened: always the same words for the same thing.
    pub event: &'a str,
    /// The request's id, as in its answer and in its audit row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a str>,
    /// Method and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<&'a str>,
    /// The answer's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The API key or session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The cause, in the words of whatever failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// An event of which nothing more is known.
    pub fn new(level: Level, event: &'a str) -> Self {
        Self { level, event, request: None, asked: None, status: None, credential: None, cause: None }
    }

    /// The line, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
