//! Asking a person, and reading what a pipe brings.

use crate::{
    error::{Error, Kind, Result},
    profile::Profile,
};
use protocol::SecretName;
use sealing::Passphrase;
use std::io::{BufRead, IsTerminal, Read, Write};
use zeroize::Zeroizing;

/// Makes sure that a person wants what an agent must not do, where the profile keeps values from the agent: by the
/// passphrase. A terminal alone proves nobody: an agent can make itself one.
///
/// # Errors
/// When the passphrase is wrong, or nobody is there to type it.
pub fn person(profile: Profile, vault_url: Option<&str>) -> Result<()> {
    if profile.is_guarded() {
        crate::owner::Owner::unlock(vault_url)?;
    }
    Ok(())
}

/// Asks the person for what a secret's owner wants to be asked for: by the passphrase where the profile keeps values from
/// the agent or the environment has it, else by a yes on the terminal.
///
/// # Errors
/// When the person says no, or nobody is there.
pub fn consent(profile: Profile, vault_url: Option<&str>, names: &[&SecretName]) -> Result<()> {
    let list = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let refused = |what: &str| {
        Error::new(
            Kind::Refused,
            format!("the owner laid down that a person is asked for {list}, and {what}"),
            "run this in your own terminal, and say yes",
        )
    };
    if profile.is_guarded() || std::env::var_os(PASSPHRASE).is_some() {
        let _ = writeln!(std::io::stderr(), "securecode: this needs your yes, by the passphrase: {list}");
        return person(Profile::Guard, vault_url).map_err(|_| refused("the passphrase was not given"));
    }
    match prompt_shown(&format!("Hand out {list}? Type yes: ")) {
        Ok(typed) if typed.trim().eq_ignore_ascii_case("yes") => Ok(()),
        Ok(_) => Err(refused("the answer was no")),
        Err(_) => Err(refused("nobody is there to ask")),
    }
}

/// What holds the owner's passphrase where there is no terminal.
pub const PASSPHRASE: &str = "SECURECODE_PASSPHRASE";
/// The same for the passphrase that is to take its place.
pub const NEW_PASSPHRASE: &str = "SECURECODE_NEW_PASSPHRASE";

/// The owner's passphrase: from `SECURECODE_PASSPHRASE`, or asked for.
///
/// # Errors
/// When there is neither, or it is no passphrase.
pub fn passphrase() -> Result<Passphrase> {
    parse(&from_environment_or_prompt(PASSPHRASE, "Passphrase: ")?)
}

/// A passphrase that is to be the account's: from this environment variable, or typed twice.
///
/// # Errors
/// When the two differ, and as [`passphrase`].
pub fn new_passphrase(variable: &str) -> Result<Passphrase> {
    let question = "New passphrase (at least 8 characters; nobody can reset it): ";
    let first = from_environment_or_prompt(variable, question)?;
    if std::env::var_os(variable).is_none() && *prompt("The same again: ")? != *first {
        return Err(Error::local("the two passphrases differ", "run the command again"));
    }
    parse(&first)
}

fn from_environment_or_prompt(variable: &str, question: &str) -> Result<Zeroizing<String>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(_) => prompt(question),
    }
}

fn parse(text: &str) -> Result<Passphrase> {
    Passphrase::new(text).map_err(|error| Error::local(error.to_string(), "choose another"))
}

/// Asks on the terminal, without showing what is typed.
///
/// # Errors
/// When there is no terminal.
pub fn prompt(question: &str) -> Result<Zeroizing<String>> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|_| {
        Error::local(
            "there is no terminal to ask on",
            "run this in your own terminal, or set SECURECODE_PASSPHRASE for owner commands",
        )
    })
}

/// Asks on the terminal, and shows what is typed.
///
/// # Errors
/// When there is no terminal.
pub fn prompt_shown(question: &str) -> Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::local("there is no terminal to ask on", "run this in your own terminal"));
    }
    let mut typed = String::new();
    write!(std::io::stderr(), "{question}")
        .and_then(|()| stdin.lock().read_line(&mut typed))
        .map_err(|error| Error::local(format!("the terminal cannot be read: {error}"), "try again"))?;
    Ok(typed)
}

/// A line that a pipe brings.
///
/// # Errors
/// When nothing can be read.
pub fn line(what: &str) -> Result<Zeroizing<String>> {
    // Reserved whole, so that a key leaves no copy behind.
    let mut line = Zeroizing::new(String::with_capacity(1024));
    std::io::stdin().lock().take(1023).read_line(&mut line).map_err(|error| {
        Error::local(format!("standard input cannot be read: {error}"), format!("pipe {what} in"))
    })?;
    Ok(line)
}

/// A value from standard input: what a pipe brings, less one newline at its end; or typed, without showing it.
///
/// # Errors
/// When nothing can be read.
pub fn value(name: &SecretName) -> Result<Zeroizing<Vec<u8>>> {
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        let typed = prompt(&format!("Value of {name}: "))?;
        return Ok(Zeroizing::new(typed.as_bytes().to_vec()));
    }
    // Reserved whole, so that a value of the longest size leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(sealing::SecretValue::LONGEST + 4096));
    stdin.read_to_end(&mut bytes).map_err(|error| {
        Error::local(format!("standard input cannot be read: {error}"), "pipe the value in")
    })?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}
