//! `signup` and `login`.

use super::say;
use crate::{
    config::{AccountFile, person_vault},
    error::{Error, Result},
    home, owner, terminal,
};
use protocol::Email;
use std::{
    io::{IsTerminal, Write},
    path::Path,
};

pub(super) fn sign_up(vault_url: Option<&str>, email: &str, recovery_file: Option<&Path>) -> Result<()> {
    let vault = person_vault(vault_url)?;
    let email = parse_email(email)?;
    if recovery_file.is_none() && !std::io::stdout().is_terminal() {
        return Err(Error::local(
            "the recovery code would be written to something that is no terminal",
            "run this in your own terminal, or name a file: --recovery-file PATH",
        ));
    }
    // Opened before anything else: a code that cannot be kept must not be made.
    let file = recovery_file
        .map(|path| {
            home::create_private_file(path).map_err(|error| Error::io(path, &error)).map(|file| (path, file))
        })
        .transpose()?;
    let passphrase = terminal::new_passphrase()?;
    let made = owner::sign_up(vault, email, &passphrase);
    let recovery = match (made, &file) {
        (Ok(recovery), _) => recovery,
        (Err(error), Some((path, _))) => {
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        (Err(error), None) => return Err(error),
    };
    let text = recovery.expose();
    match file {
        Some((path, mut file)) => {
            file.write_all(text.as_bytes())
                .and_then(|()| file.write_all(b"\n"))
                .and_then(|()| file.sync_all())
                .map_err(|error| Error::io(path, &error))?;
            say!(
                "Account made. The recovery code is in {}: keep it somewhere safe and offline.",
                path.display()
            );
        }
        None => {
            say!(
                "Account made. This recovery code opens it if the passphrase is lost; it is shown only now:\n\n    {}\n",
                *text
            );
        }
    }
    say!("Next, in a project's folder: securecode init");
    Ok(())
}

pub(super) fn log_in(vault_url: Option<&str>, email: Option<&str>) -> Result<()> {
    let vault = person_vault(vault_url)?;
    let known = AccountFile::read()?.map(|file| file.email);
    let email = match (email, known) {
        (Some(text), _) => parse_email(text)?,
        (None, Some(known)) => known,
        (None, None) => return Err(Error::local("no account is known on this machine", "give --email E")),
    };
    owner::log_in(vault, email, &terminal::passphrase()?)?;
    say!("Logged in.");
    Ok(())
}

fn parse_email(text: &str) -> Result<Email> {
    text.parse().map_err(|error: <Email as std::str::FromStr>::Err| {
        Error::local(error.to_string(), "correct --email")
    })
}
