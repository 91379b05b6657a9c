//! Files that a person, another tool or a repository wrote.

use sealing::assignments;
use std::{fs, os::unix::fs::PermissionsExt};
use tempfile::TempDir;

pub(crate) fn dotenv(data: &[u8]) {
    let read = sealing::dotenv::parse(data);
    // What is written of a value is read as that value.
    for one in &read.assignments {
        let Some(written) = sealing::dotenv::write(&one.name, &one.value) else { continue };
        let again = sealing::dotenv::parse(written.as_bytes());
        let [again] = again.assignments.as_slice() else {
            panic!("an assignment that was written is not one")
        };
        assert_eq!((&again.name, again.value.expose()), (&one.name, one.value.expose()));
    }
}

pub(crate) fn assignments(data: &[u8]) {
    let read = assignments::read(data);
    // Alone, too, a carriage return ends a line.
    let lines = 1 + data.iter().filter(|byte| b"\r\n".contains(byte)).count();
    for bad in &read.bad_lines {
        assert!((1..=lines).contains(&bad.line), "a line that the file has not");
    }
}

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
}

/// A project's file, and a file of references: both may be of a repository that somebody else wrote.
pub(crate) fn config(data: &[u8]) {
    FOLDER.with(|folder| {
        let file = folder.path().join(".securecoderc");
        let write = || {
            fs::write(&file, data)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
        };
        write().unwrap_or_else(|error| panic!("{error}"));
        let said = match securecode::config::KeyConfig::read_project_file(&file) {
            Ok(config) => {
                assert!(config.vault.url.starts_with("http"), "a vault that is no address");
                return;
            }
            Err(error) => error.to_string(),
        };
        quotes_nothing(data, &said);
        if let Err(error) = securecode::env_file::read(&file, securecode::profile::Profile::Plain) {
            quotes_nothing(data, &error.to_string());
        }
    });
}

/// An error says what is wrong, and repeats no long text of the file: it may be a key.
fn quotes_nothing(data: &[u8], said: &str) {
    for word in data.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| word.len() >= 32) {
        assert!(!said.as_bytes().windows(word.len()).any(|part| part == word), "an error quotes the file");
    }
}
