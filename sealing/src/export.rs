//! Opened secrets written out, to be read by programs: as a .env file, as JSON, as lines that a shell evaluates.

use crate::{OpenedSecret, SecretValue, dotenv};
use protocol::SecretName;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// How secrets are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As a .env file, which dotenv reads back byte for byte.
    Dotenv,
    /// As one JSON object of texts.
    Json,
    /// As `export NAME='…'`, which every POSIX shell reads back byte for byte.
    Shell,
}

/// A value that cannot be written so; names the secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpellingError {
    /// JSON and variables of some programs hold text alone.
    #[error("{name} is no text, so it has no spelling {place}")]
    NotText {
        /// The secret.
        name: SecretName,
        /// Where it was to be written.
        place: &'static str,
    },
    /// dotenv has no escapes for quotes.
    #[error("{name} has no spelling in a .env file: it is no text, or has every kind of quote")]
    NoQuote {
        /// The secret.
        name: SecretName,
    },
}

/// Writes all, in the order they are given (of JSON, by name), or nothing.
///
/// # Errors
/// When one of them has no spelling in that format.
pub fn write(secrets: &[&OpenedSecret], format: Format) -> Result<Zeroizing<Vec<u8>>, SpellingError> {
    let mut written = Zeroizing::new(Vec::with_capacity(room(secrets.iter().copied().map(pair))));
    match format {
        Format::Dotenv => {
            for (name, value) in secrets.iter().copied().map(pair) {
                let line = dotenv::write(name, value);
                let line = line.ok_or_else(|| SpellingError::NoQuote { name: name.clone() })?;
                written.extend_from_slice(line.as_bytes());
            }
        }
        Format::Json => {
            let object: BTreeMap<&str, &str> =
                texts(secrets, "in JSON")?.into_iter().map(|(name, text)| (name.as_str(), text)).collect();
            // Writing texts to memory does not fail.
            let _ = serde_json::to_writer_pretty(&mut *written, &object);
            written.push(b'\n');
        }
        Format::Shell => return Ok(for_shell(secrets.iter().copied().map(pair))),
    }
    Ok(written)
}

/// `export NAME='…'` for each, in quotes that no value can leave: every POSIX shell reads the exact bytes back.
pub fn for_shell<'a>(
    secrets: impl IntoIterator<Item = (&'a SecretName, &'a SecretValue)>,
) -> Zeroizing<Vec<u8>> {
    let secrets: Vec<_> = secrets.into_iter().collect();
    let mut file = Zeroizing::new(Vec::with_capacity(room(secrets.iter().copied())));
    for (name, value) in secrets {
        file.extend_from_slice(b"export ");
        file.extend_from_slice(name.as_str().as_bytes());
        file.extend_from_slice(b"='");
        for byte in value.expose() {
            match byte {
                b'\'' => file.extend_from_slice(b"'\\''"),
                byte => file.push(*byte),
            }
        }
        file.extend_from_slice(b"'\n");
    }
    file
}

/// The values, all of which must be text.
///
/// # Errors
/// Names the first that is not.
pub fn texts<'a>(
    secrets: &[&'a OpenedSecret],
    place: &'static str,
) -> Result<Vec<(&'a SecretName, &'a str)>, SpellingError> {
    let text = |secret: &&'a OpenedSecret| {
        let text = std::str::from_utf8(secret.value.expose());
        let text = text.map_err(|_| SpellingError::NotText { name: secret.name.clone(), place })?;
        Ok((&secret.name, text))
    };
    secrets.iter().map(text).collect()
}

fn pair(secret: &OpenedSecret) -> (&SecretName, &SecretValue) {
    (&secret.name, &secret.value)
}

/// At least what they take written out, where a byte may become six (`\u001f`): reserved whole, so that no reallocation
/// leaves a copy behind.
fn room<'a>(secrets: impl Iterator<Item = (&'a SecretName, &'a SecretValue)>) -> usize {
    secrets.map(|(name, value)| name.as_str().len() + value.expose().len() * 6 + 16).sum::<usize>() + 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Meta, Policy};
    use protocol::SecretId;

    fn secret(name: &str, value: &[u8]) -> OpenedSecret {
        OpenedSecret {
            id: SecretId::from_bytes([0; 16]),
            name: name.parse().unwrap(),
            version: 1,
            meta: Meta::default(),
            value: SecretValue::new(Zeroizing::new(value.to_vec())).unwrap(),
            policy: Policy::default(),
        }
    }

    #[test]
    fn each_format_has_a_spelling_of_its_own_in_memory_that_was_reserved_whole() {
        let secrets = [secret("A", b"it's"), secret("B", &[1; 1000])];
        let all: Vec<&OpenedSecret> = secrets.iter().collect();
        let [first, _] = &*all else { panic!() };
        let text = |format| String::from_utf8(write(&[first], format).unwrap().to_vec()).unwrap();
        assert_eq!(text(Format::Dotenv), "A='it's'\n");
        assert_eq!(text(Format::Json), "{\n  \"A\": \"it's\"\n}\n");
        assert_eq!(text(Format::Shell), "export A='it'\\''s'\n");
        for format in [Format::Dotenv, Format::Json, Format::Shell] {
            let written = write(&all, format).unwrap();
            assert_eq!(written.capacity(), room(all.iter().copied().map(pair)), "{format:?}");
        }
    }

    #[test]
    fn what_has_no_spelling_is_named_and_nothing_is_written() {
        let secrets = [secret("A", b"1"), secret("BYTES", b"\xff")];
        let all: Vec<&OpenedSecret> = secrets.iter().collect();
        for format in [Format::Dotenv, Format::Json] {
            assert!(write(&all, format).unwrap_err().to_string().starts_with("BYTES "));
        }
        write(&all, Format::Shell).unwrap();
    }
}
