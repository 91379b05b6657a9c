//! HTTP, thin: a file a resource turns a request into a call of `vault/` and its result into an answer. No SQL.

pub(crate) mod accounts;
pub(crate) mod answer;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod caller;
pub(crate) mod environments;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod pairings;
pub(crate) mod projects;
pub(crate) mod refusal;
pub(crate) mod rotation;
pub(crate) mod rules;
pub(crate) mod secrets;
pub(crate) mod segments;
pub(crate) mod sessions;
pub(crate) mod usage;
