//! `list`, `get`, `set` and `rm`.

use super::{Set, print_json, say};
use crate::{
    change,
    environment::Client,
    error::{Error, Result},
    names,
    policy::Way,
    profile::Profile,
    terminal,
};
use protocol::{Code, SecretName, body::How};
use sealing::{Consent, OpenedSecret, SecretValue};
use serde_json::json;
use std::io::{IsTerminal, Write};

pub(super) fn list(client: &Client, json: bool) -> Result<()> {
    let listed = client.list()?;
    if json {
        let entries = listed.iter().map(|one| {
            json!({
                "name": one.name, "tags": one.meta.tags(), "note": one.meta.note(), "version": one.version,
                "updated_at": one.updated_at,
            })
        });
        return print_json(&entries.collect::<Vec<_>>());
    }
    if listed.is_empty() {
        say!("There are no secrets yet. Import a file: securecode import .env");
    }
    for one in &listed {
        let tags: Vec<&str> = one.meta.tags().iter().map(protocol::Tag::as_str).collect();
        let tags = if tags.is_empty() { String::new() } else { format!("  [{}]", tags.join(", ")) };
        say!("{}  v{}{tags}", one.name, one.version);
    }
    Ok(())
}

pub(super) fn get(
    client: &Client,
    asking: (Profile, Option<&str>),
    name: &SecretName,
    reveal: bool,
) -> Result<()> {
    let mut stdout = std::io::stdout();
    if !reveal && !stdout.is_terminal() {
        return Err(Error::local(
            format!("{name} would be written to something that is no terminal"),
            "run a command with it instead: securecode run -- CMD; or ask for it: --reveal",
        ));
    }
    let secret = client.read(name, How::Reveal)?.ok_or_else(|| Error::absent(name))?;
    may_be_shown(&[&secret], asking)?;
    let on_terminal = stdout.is_terminal();
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if on_terminal
        && std::str::from_utf8(secret.value.expose()).map_or(true, |text| text.contains(is_control))
    {
        return Err(Error::local(
            format!("{name} holds bytes that a terminal would obey or could not show"),
            format!("pipe it to a program: securecode get {name} --reveal | xxd"),
        ));
    }
    let newline: &[u8] = if on_terminal { b"\n" } else { b"" };
    stdout
        .write_all(secret.value.expose())
        .and_then(|()| stdout.write_all(newline))
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::local(format!("standard output cannot be written: {error}"), "try again"))
}

/// Asks the person for what the owner wants to be asked for.
pub(super) fn may_be_shown(
    secrets: &[&OpenedSecret],
    (profile, vault_url): (Profile, Option<&str>),
) -> Result<()> {
    let of = |wanted: Consent| {
        secrets.iter().filter(move |secret| Way::Reveal.consent(secret) == wanted).map(|secret| &secret.name)
    };
    if let Some(name) = of(Consent::Block).next() {
        return Err(Way::Reveal.blocked(name));
    }
    let asked: Vec<&SecretName> = of(Consent::Ask).collect();
    if asked.is_empty() { Ok(()) } else { terminal::consent(profile, vault_url, &asked) }
}

pub(super) fn set(client: &Client, (profile, vault_url): (Profile, Option<&str>), set: &Set) -> Result<()> {
    let name = &set.name;
    if set.allow_name {
        terminal::person(profile, vault_url)?;
        names::allow(name)?;
    }
    names::check(name)?;
    let value = match set.generate {
        Some(length) => change::generate(length)?,
        None => SecretValue::new(terminal::value(name)?)
            .map_err(|error| Error::local(error.to_string(), "give another value"))?,
    };
    let is_new = change::put(client, name, &set.tags, &value, true)?;
    say!("{name} {}", if is_new { "stored" } else { "changed" });
    if let Some(weak) = change::weak([(name, &value)]) {
        let _ = writeln!(std::io::stderr(), "securecode: {weak}");
    }
    Ok(())
}

/// Deletes a secret; as its owner, if that takes one: where a policy was laid down for it.
pub(super) fn remove(
    client: &Client,
    name: &SecretName,
    as_owner: impl FnOnce() -> Result<Client>,
) -> Result<()> {
    match change::remove(client, name) {
        Err(error) if error.code == Some(Code::OwnerRequired) => change::remove(&as_owner()?, name)?,
        done => done?,
    }
    say!("{name} deleted; for 30 days it can be had back: securecode restore {name}");
    Ok(())
}
