//! The HTTP API, the same suite on both hosts: natively in this process, or in workerd where
//! `SECURECODE_TEST_VAULT` names it. Accounts log in with random tokens, so no test waits for Argon2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod access;
mod accounts;
mod approvals;
mod archive;
mod audit;
mod cost;
mod fail_closed;
mod history;
mod http;
mod journey;
mod keys;
mod limits;
mod malformed;
mod openapi;
mod operations;
mod pairings;
mod plans;
mod quotas;
mod rules;
mod schemathesis;
mod secrets;
