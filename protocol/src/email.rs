use crate::{schema_of_text, serde_as_text};
use std::{fmt, str::FromStr};

/// The text is not an e-mail address.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("an e-mail address has one `@` with something on both sides, no spaces, and at most 254 bytes")]
pub struct ParseEmailError;

/// An e-mail address, normalised: trimmed, NFKC, lower case. So one person's spellings are one account.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = ParseEmailError;
    fn from_str(text: &str) -> Result<Self, ParseEmailError> {
        // NFKC is bounded, but not by much: refuse long input before doing the work.
        if text.len() > 1024 {
            return Err(ParseEmailError);
        }
        let normal = fold(text.trim());
        let (user, host) = normal.split_once('@').ok_or(ParseEmailError)?;
        let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '@';
        if user.is_empty()
            || host.is_empty()
            || normal.len() > 254
            || user.contains(wrong)
            || host.contains(wrong)
        {
            return Err(ParseEmailError);
        }
        Ok(Self(normal))
    }
}

/// NFKC, then lower case.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn fold(text: &str) -> String {
    unicode_normalization::UnicodeNormalization::nfkc(text).collect::<String>().to_lowercase()
}

/// NFKC, then lower case. Where JavaScript runs, its engine has the tables: they would be a fifth of the Worker
/// (`docs/decisions/0007-what-the-worker-leaves-out.md`).
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn fold(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFKC").to_lower_case().into()
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

serde_as_text!(Email);

schema_of_text!(Email, "Email", "^[^@\\s]+@[^@\\s]+$", "An e-mail address.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for spelling in
            ["ada@example.com", "  Ada@Example.COM\n", "ＡＤＡ@example.com", "\u{a0}ada@example.com"]
        {
            assert_eq!(spelling.parse::<Email>().unwrap().as_str(), "ada@example.com");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a b@c",
            "a@b@c",
            "a@b c",
            "a\u{0}@b",
            &format!("{}@b", "x".repeat(254)),
        ] {
            assert_eq!(text.parse::<Email>(), Err(ParseEmailError), "{text}");
        }
    }
}
