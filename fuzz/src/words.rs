//! What travels between clients and the vault, and what people type.

use protocol::{AccessToken, AddressRange, Email, Label, Permissions, Problem, SecretName, Tag, body};
use sealing::{ApiKey, Audience, PairingRequest, RecoveryCode};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Display, str::FromStr};

/// A text that is taken has one spelling, which is taken again.
fn parses_again<T: FromStr + Display>(text: &str) {
    if let Ok(taken) = text.parse::<T>() {
        let written = taken.to_string();
        let again = written.parse::<T>().ok().map(|again| again.to_string());
        assert_eq!(again.as_ref(), Some(&written), "what was written is read as something else");
    }
}

pub(crate) fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<ApiKey>() {
        assert_eq!(*key.expose(), text);
    }
    if let Ok(token) = text.parse::<AccessToken>() {
        assert_eq!(*token.expose(), text);
    }
    if let Ok(code) = text.parse::<RecoveryCode>() {
        assert!(code.expose().parse::<RecoveryCode>().is_ok());
    }
    parses_again::<PairingRequest>(text);
    parses_again::<Audience>(text);
    parses_again::<Email>(text);
    for name in
        [text.parse::<SecretName>().is_ok(), text.parse::<Label>().is_ok(), text.parse::<Tag>().is_ok()]
    {
        assert!(!name || !text.chars().any(char::is_control), "a name holds what a terminal obeys");
    }
}

pub(crate) fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    parses_again::<AddressRange>(text);
    if let Ok(range) = text.parse::<AddressRange>() {
        assert!(range.first() <= range.last());
    }
}

/// What is taken of JSON is written as the same thing.
fn reads<T: DeserializeOwned + Serialize>(data: &[u8]) {
    if let Ok(taken) = serde_json::from_slice::<T>(data) {
        let written = serde_json::to_vec(&taken).unwrap_or_default();
        let again: Option<T> = serde_json::from_slice(&written).ok();
        let again = again.and_then(|again| serde_json::to_vec(&again).ok());
        assert_eq!(again.as_ref(), Some(&written), "what was written is read as something else");
    }
}

pub(crate) fn body(data: &[u8]) {
    reads::<body::SignUp>(data);
    reads::<body::LogIn>(data);
    reads::<body::NewKey>(data);
    reads::<body::Change>(data);
    reads::<body::Bundle>(data);
    reads::<body::Listing>(data);
    reads::<body::Resealed>(data);
    reads::<body::Recover>(data);
    reads::<body::Approval>(data);
    reads::<body::Segments>(data);
    reads::<Permissions>(data);
}

pub(crate) fn problem(data: &[u8]) {
    reads::<Problem>(data);
}

/// The log as a hostile vault tells it: whatever it says, verifying ends with a report.
pub(crate) fn audit(data: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Told {
        account: protocol::AccountId,
        from: u64,
        retired: u64,
        headers: Vec<body::Segment>,
        rows: Vec<body::LoggedRow>,
        receipts: Vec<body::Receipt>,
    }
    let Ok(told) = serde_json::from_slice::<Told>(data) else { return };
    let mut verifier = audit_log::Verifier::new(told.account, told.from, told.headers);
    verifier.receipts(told.receipts);
    for row in told.rows {
        verifier.row(row);
    }
    let _ = verifier.report(&audit_log::Retired { last: told.retired, kept: 1 << 20 }, 1 << 31);
}
