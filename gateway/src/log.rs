//! What the operator is told: a line of JSON for each request. Never a key, a value, a name, a query or a body: of a path
//! only which endpoint it is.

use serde::Serialize;

/// Where lines go.
pub type Log = fn(&Event<'_>);

/// One line.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    /// `info`, or `error` where something of ours or the vault fails.
    pub level: &'static str,
    /// What happened.
    pub event: &'static str,
    /// The request's id, as in its answer.
    pub request: &'a str,
    /// The endpoint.
    pub asked: &'a str,
    /// The answer's status.
    pub status: u16,
    /// Why it is an error: words of this program, of no server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
}

impl Event<'_> {
    /// The line, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
