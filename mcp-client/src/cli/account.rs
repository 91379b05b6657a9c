//! The account: signing up, logging in, its passphrase, its recovery code, its sessions, its end.

use super::{history::date, print_json, say};
use crate::{
    audit::memory,
    config::{AccountFile, person_vault},
    error::{Error, Result},
    home,
    owner::{self, Owner},
    terminal,
};
use protocol::{
    Email, KeyId,
    body::{Page, Session, Written},
};
use sealing::RecoveryCode;
use std::{
    io::{IsTerminal, Write},
    path::Path,
};

pub(super) fn sign_up(vault_url: Option<&str>, email: &str, recovery_file: Option<&Path>) -> Result<()> {
    let vault = person_vault(vault_url)?;
    let email = parse_email(email)?;
    let file = CodeFile::open(recovery_file)?;
    let passphrase = terminal::new_passphrase(terminal::PASSPHRASE)?;
    let recovery = match owner::sign_up(vault, email, &passphrase) {
        Ok(recovery) => recovery,
        Err(error) => {
            file.discard();
            return Err(error);
        }
    };
    say!("Account made.");
    file.keep(&recovery)?;
    say!("Next, in a project's folder: securecode init");
    Ok(())
}

pub(super) fn log_in(vault_url: Option<&str>, email: Option<&str>) -> Result<()> {
    let vault = person_vault(vault_url)?;
    let email = known_email(email)?;
    owner::log_in(vault, email, &terminal::passphrase()?)?;
    say!("Logged in.");
    Ok(())
}

/// Where a recovery code goes: a file, or the terminal.
struct CodeFile<'a>(Option<(&'a Path, std::fs::File)>);

impl<'a> CodeFile<'a> {
    /// Opened before anything else: a code that cannot be kept must not be made.
    fn open(path: Option<&'a Path>) -> Result<Self> {
        if path.is_none() && !std::io::stdout().is_terminal() {
            return Err(Error::local(
                "the recovery code would be written to something that is no terminal",
                "run this in your own terminal, or name a file for it, as --help says",
            ));
        }
        let opened = path.map(|path| {
            home::create_private_file(path).map_err(|error| Error::io(path, &error)).map(|file| (path, file))
        });
        opened.transpose().map(Self)
    }

    fn discard(self) {
        if let Some((path, _)) = self.0 {
            let _ = std::fs::remove_file(path);
        }
    }

    fn keep(&self, code: &RecoveryCode) -> Result<()> {
        let text = code.expose();
        let Some((path, file)) = &self.0 else {
            say!(
                "This recovery code opens the account if the passphrase is lost; it is shown only now:\n\n    {}\n",
                *text
            );
            return Ok(());
        };
        let mut file = file;
        file.write_all(text.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::io(path, &error))?;
        say!("The recovery code is in {}: keep it somewhere safe and offline.", path.display());
        Ok(())
    }
}

pub(super) fn change_passphrase(vault_url: Option<&str>) -> Result<()> {
    let so_far = terminal::passphrase()?;
    let mut owner = Owner::unlock_with(vault_url, &so_far)?;
    owner.change_passphrase(&so_far, &terminal::new_passphrase(terminal::NEW_PASSPHRASE)?)?;
    say!("The passphrase is changed. Every other session has ended; the recovery code is the same.");
    Ok(())
}

pub(super) fn recover(
    vault_url: Option<&str>,
    email: Option<&str>,
    recovery_file: &Path,
    new_file: Option<&Path>,
) -> Result<()> {
    let (vault, email) = (person_vault(vault_url)?, known_email(email)?);
    let text = std::fs::read_to_string(recovery_file).map(zeroize::Zeroizing::new);
    let text = text.map_err(|error| Error::io(recovery_file, &error))?;
    let code: RecoveryCode = text.trim().parse().map_err(|_| {
        Error::local(
            format!("{} holds no recovery code", recovery_file.display()),
            "a code begins with scr_; check each character",
        )
    })?;
    let file = CodeFile::open(new_file)?;
    let passphrase = terminal::new_passphrase(terminal::PASSPHRASE)?;
    let recovered = owner::recover(vault, email, &code, &passphrase, |next| file.keep(next));
    if let Err(error) = recovered {
        file.discard();
        return Err(error);
    }
    say!("The account has a new passphrase. The recovery code that was used does nothing any more.");
    Ok(())
}

pub(super) fn delete(vault_url: Option<&str>, email: &str) -> Result<()> {
    let passphrase = terminal::passphrase()?;
    let owner = Owner::unlock_with(vault_url, &passphrase)?;
    if parse_email(email)? != *owner.email() {
        return Err(Error::local(
            "that is not the address of this machine's account, so nothing was deleted",
            "give the account's own address: --email E",
        ));
    }
    owner.delete_account(&passphrase)?;
    say!("The account is deleted, with every project, secret and key in it.");
    Ok(())
}

pub(super) fn sessions(vault_url: Option<&str>, json: bool) -> Result<()> {
    let owner = Owner::unlock(vault_url)?;
    let page: Page<Session> = owner.remote.get("/v1/sessions")?;
    if json {
        return print_json(&page.items);
    }
    for one in &page.items {
        let this = if Some(one.id) == owner.session() { "  this one" } else { "" };
        say!("{}  from {} to {}{this}", one.id, date(one.created_at), date(one.expires_at));
    }
    Ok(())
}

pub(super) fn end_session(vault_url: Option<&str>, id: KeyId) -> Result<()> {
    let owner = Owner::unlock(vault_url)?;
    let page: Page<Session> = owner.remote.get("/v1/sessions")?;
    if !page.items.iter().any(|one| one.id == id) {
        return Err(Error::local(format!("there is no session {id}"), "list them: securecode sessions list"));
    }
    let written: Written = owner.remote.delete(&format!("/v1/sessions/{id}"))?;
    memory::keep(owner.account(), written.receipt);
    say!("The session {id} has ended.");
    Ok(())
}

fn known_email(email: Option<&str>) -> Result<Email> {
    match (email, AccountFile::read()?) {
        (Some(text), _) => parse_email(text),
        (None, Some(known)) => Ok(known.email),
        (None, None) => Err(Error::local("no account is known on this machine", "give --email E")),
    }
}

fn parse_email(text: &str) -> Result<Email> {
    text.parse().map_err(|error: <Email as std::str::FromStr>::Err| {
        Error::local(error.to_string(), "correct --email")
    })
}
