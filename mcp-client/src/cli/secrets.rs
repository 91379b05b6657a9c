//! `list`, `get`, `set` and `rm`.

use super::{Set, print_json, say};
use crate::{
    environment::{Client, Draft},
    error::{Error, Kind, Result},
    names,
    policy::Way,
    profile::Profile,
    terminal,
};
use protocol::{
    Resource, SecretName,
    body::{How, Usage},
};
use sealing::{Consent, Meta, OpenedSecret, SecretValue};
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

pub(super) fn set(client: &Client, set: &Set) -> Result<()> {
    let name = &set.name;
    if set.allow_name {
        names::allow(name)?;
    }
    names::check(name)?;
    let value = match set.generate {
        Some(length) => generate(length)?,
        None => SecretValue::new(terminal::value(name)?)
            .map_err(|error| Error::local(error.to_string(), "give another value"))?,
    };
    // The plans take at least this much; for more it has to be asked.
    if value.expose().len() > 65536 {
        let longest = longest_value(&client.remote().get("/v1/usage")?);
        let length = value.expose().len() as u64;
        if length > longest {
            return Err(Error::new(
                Kind::Quota,
                format!(
                    "nothing was stored: {name} is {length} bytes long, and the plan takes at most {longest}"
                ),
                "give a shorter value, or change the plan",
            ));
        }
    }
    let mut is_new = true;
    client.change(|environment, contents| {
        let known = contents.secrets.iter().find(|secret| secret.name == *name);
        is_new = known.is_none();
        let meta = match known {
            Some(known) if set.tags.is_empty() => known.meta.clone(),
            Some(known) => meta(set.tags.clone(), known.meta.note())?,
            None => meta(set.tags.clone(), "")?,
        };
        let mut draft = Draft::new(contents);
        draft.put(environment, name, &meta, &value)?;
        Ok(Some((draft, ())))
    })?;
    say!("{name} {}", if is_new { "stored" } else { "changed" });
    note_weak([(name, &value)]);
    Ok(())
}

/// The most bytes that the plan takes for one value.
pub(super) fn longest_value(usage: &Usage) -> u64 {
    let limit = usage.limits.iter().find(|limit| limit.resource == Resource::ValueBytes);
    limit.map_or(u64::MAX, |limit| limit.allowed)
}

/// Says which values are too ordinary to be masked wherever they are printed.
pub(super) fn note_weak<'a>(secrets: impl IntoIterator<Item = (&'a SecretName, &'a SecretValue)>) {
    let weak = secrets.into_iter().filter(|(_, value)| masker::is_weak(value.expose()));
    let names: Vec<&str> = weak.map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "securecode: short, one word or a number, so masked only as a whole word: {}",
            names.join(", ")
        );
    }
}

pub(super) fn meta(tags: Vec<protocol::Tag>, note: &str) -> Result<Meta> {
    Meta::new(tags, note.to_owned()).ok_or_else(|| Error::local("a secret has at most 16 tags", "give fewer"))
}

pub(super) fn remove(client: &Client, name: &SecretName) -> Result<()> {
    let removed = client.change(|environment, contents| {
        if !contents.secrets.iter().any(|secret| secret.name == *name) {
            return Ok(None);
        }
        let mut draft = Draft::new(contents);
        draft.delete(environment, name);
        Ok(Some((draft, ())))
    })?;
    removed.ok_or_else(|| Error::absent(name))?;
    say!("{name} deleted; for 30 days it can be had back: securecode restore {name}");
    Ok(())
}

/// A value that nobody chose.
pub(super) fn generate(length: usize) -> Result<SecretValue> {
    SecretValue::generate(length)?.ok_or_else(|| {
        Error::local("a generated value has 8 to 4096 characters", "give --generate=32, for example")
    })
}
