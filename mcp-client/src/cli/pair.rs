//! `setup` and `approve`: the two ends of a pairing.

use super::{current_folder, init::key_name, say};
use crate::{
    check,
    config::{KeyConfig, PROJECT_FILE, person_vault},
    environment::Client,
    error::{Error, Result},
    owner::Owner,
    pairing::{self, Pairing},
    project, terminal,
};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{
    Label, Permission,
    body::{Pairing as Left, Written},
};
use sealing::{ApiKey, Paired, PairingRequest};
use std::{
    io::{IsTerminal, Write},
    path::Path,
    time::Duration,
};

/// This folder's key, from wherever its owner is logged in.
pub(super) fn set_up(
    vault_url: Option<&str>,
    wanted: Option<Label>,
    environment: Option<Label>,
    paste: bool,
) -> Result<()> {
    let folder = current_folder()?;
    if let Some(names) = project::present(&folder, wanted.as_ref(), environment.as_ref())? {
        say!(
            "{PROJECT_FILE} is there already, for {}/{}; nothing was changed.",
            names.project,
            names.environment
        );
        return check_up(&folder);
    }
    let vault = person_vault(vault_url)?;
    if paste {
        let key = if std::io::stdin().is_terminal() {
            terminal::prompt("API key: ")?
        } else {
            terminal::line("an API key")?
        };
        let key: ApiKey = key.trim().parse().map_err(|error: protocol::ParseTokenError| {
            Error::local(format!("that is no API key: {error}"), "copy the whole key again")
        })?;
        let config = KeyConfig::for_project(key, vault, wanted, environment);
        let names = Client::new(&config, None).environment()?.names;
        let config =
            KeyConfig::for_project(config.key, config.vault, Some(names.project), Some(names.environment));
        return finish(&folder, &config);
    }
    let wanted = wanted.map_or_else(|| project::name(&folder), Ok)?;
    let environment = environment.map_or_else(|| "dev".parse().map_err(unnameable), Ok)?;
    let pairing = Pairing::begin(vault)?;
    let link = pairing.link(&wanted, &environment);
    say!("This machine's words:\n\n    {}\n", pairing.words());
    match pairing::open_browser(&link) {
        Ok(()) => say!("Your browser opens the vault. Approve there, if it shows the same words."),
        Err(_) => {
            say!("Open this where you are logged in, and approve if it shows the same words:\n\n    {link}")
        }
    }
    say!(
        "\nOr approve with: securecode approve {}\nOr put a key here that you have: securecode setup --paste\n",
        pairing.request()
    );
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner());
    bar.set_message("waiting to be approved (ten minutes)");
    bar.enable_steady_tick(Duration::from_millis(200));
    let config = loop {
        match pairing.wait(pairing::PATIENCE).transpose() {
            None => {}
            Some(config) => break config,
        }
    };
    bar.finish_and_clear();
    finish(&folder, &config?)?;
    pairing.end();
    Ok(())
}

fn unnameable(error: protocol::ParseNameError) -> Error {
    Error::local(error.to_string(), "name the environment: --environment E")
}

/// Keeps the key, and says what is left to do.
fn finish(folder: &Path, config: &KeyConfig) -> Result<()> {
    project::set_up(folder, config)?;
    let name = |label: &Option<Label>| label.as_ref().map(ToString::to_string).unwrap_or_default();
    say!("This folder uses {}/{}.", name(&config.project), name(&config.environment));
    say!("{PROJECT_FILE}: written, 0600, ignored by git");
    check_up(folder)
}

fn check_up(folder: &Path) -> Result<()> {
    let report = check::run(folder, None, false)?;
    if report.passed == report.total {
        say!("{} of {} checks passed.", report.passed, report.total);
    } else {
        for finding in report.findings.iter().filter(|finding| !finding.ok) {
            say!("{finding}");
        }
        say!(
            "{} of {} checks passed. Let it mend the rest: securecode check --fix",
            report.passed,
            report.total
        );
    }
    Ok(())
}

/// What the person asked for, who approves.
pub(super) struct Approval {
    pub(super) code: String,
    pub(super) project: Option<Label>,
    pub(super) environment: Option<Label>,
    pub(super) reveal: bool,
    pub(super) words: Option<String>,
}

/// Gives another machine, or another of this machine's projects, a key.
pub(super) fn approve(vault_url: Option<&str>, asked: Approval) -> Result<()> {
    let (request, suggested) = parse(&asked.code)?;
    let mut owner = Owner::unlock(vault_url)?;
    let audience = owner.vault().audience;
    let words = request.words(&audience);
    match &asked.words {
        Some(seen) if seen.split_whitespace().eq(words.split_whitespace()) => {}
        Some(_) => return Err(differ()),
        None => {
            say!("Its words:\n\n    {words}\n");
            let question = "Does the machine that you set up show the same words? Type yes: ";
            if !terminal::prompt_shown(question)?.trim().eq_ignore_ascii_case("yes") {
                return Err(differ());
            }
        }
    }
    let unnamed =
        |what: &str| Error::local(format!("no {what} is named"), format!("name one: --{what} NAME"));
    let project = asked.project.or(suggested.0).ok_or_else(|| unnamed("project"))?;
    let environment = asked.environment.or(suggested.1).ok_or_else(|| unnamed("environment"))?;
    let (id, _) = owner.ensure_project(&project)?;
    let (record, _) = owner.ensure_environment((id, &project), &environment, false)?;
    let mut permissions = vec![Permission::Read, Permission::Write, Permission::Audit];
    if asked.reveal {
        permissions.push(Permission::Reveal);
    }
    let name = key_name(&project, &environment)?;
    let key = owner.create_key(std::slice::from_ref(&record), name, &permissions, None, vec![])?;
    let id = key.id();
    let paired = Paired { key, project: project.clone(), environment: environment.clone() };
    let left = request
        .seal(&audience, &paired)
        .map_err(|error| Error::local(error.to_string(), "copy the whole code again"))
        .and_then(|sealed| {
            owner.remote.put::<Written>(&format!("/v1/pairings/{}", request.id()), &Left { sealed })
        });
    if let Err(error) = left {
        // A key that nobody holds must not stay.
        let _ = owner.revoke_key(id);
        return Err(error);
    }
    say!(
        "Approved: the machine gets the key {id} for {project}/{environment}, if it fetches it in ten minutes."
    );
    say!("Take it back with: securecode keys revoke {id}");
    Ok(())
}

fn differ() -> Error {
    Error::local(
        "the words differ, so nothing was approved: it may be another machine that asks",
        "run `securecode setup` again where you want the key, and approve that one's code",
    )
}

type Suggested = (Option<Label>, Option<Label>);

/// A request, alone or in the link to the dashboard's page, which also says what the machine would like.
fn parse(code: &str) -> Result<(PairingRequest, Suggested)> {
    let mut parts = code.split_once("#/pair/").map_or(code, |(_, rest)| rest).trim().split('/');
    let request = parts.next().unwrap_or_default().parse().map_err(|error: protocol::ParseTokenError| {
        Error::local(
            format!("that is no code of `securecode setup`: {error}"),
            "copy the whole code again, from scp_ on",
        )
    })?;
    let mut label = || parts.next().and_then(|text| text.parse().ok());
    Ok((request, (label(), label())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_alone_and_out_of_its_link() {
        let request = sealing::PairingKey::make().unwrap().request().clone();
        let (alone, suggested) = parse(&request.to_string()).unwrap();
        assert_eq!((alone, suggested), (request.clone(), (None, None)));
        let link = format!("https://vault.example/#/pair/{request}/shop/dev");
        let (linked, (project, environment)) = parse(&link).unwrap();
        assert_eq!(linked, request);
        assert_eq!((project.unwrap().as_str(), environment.unwrap().as_str()), ("shop", "dev"));
        for wrong in ["", "scp_abc", "https://vault.example/#/pair/", "https://vault.example/#/pair/shop/dev"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
