//! `policy` and `canary`: what an owner lays down for a secret, or for all that have a tag.

use super::{OwnedPlace, Policy as Asked, print_json, projects::owned, say};
use crate::{
    change,
    environment::{Client, Draft},
    error::{Error, Result},
};
use protocol::{SecretName, Tag};
use sealing::{Consent, Meta, Policy, Rules};
use serde::Serialize;
use serde_json::json;
use std::{fmt::Display, io::Write};

/// The environment, as its owner.
pub(super) fn open(vault_url: Option<&str>, place: &OwnedPlace) -> Result<Client> {
    let (owner, record) = owned(vault_url, place)?;
    owner.open_environment(&record)
}

pub(super) fn policy(vault_url: Option<&str>, asked: &Asked) -> Result<()> {
    if asked.name.is_none() && asked.tag.is_none() && asked.changes_something() {
        return Err(Error::local(
            "nothing says what the policy is for",
            "name the secret, or a tag: securecode policy --tag TAG …",
        ));
    }
    let client = open(vault_url, &asked.place)?;
    let Some(name) = &asked.name else { return rules(&client, asked) };
    let policy = if asked.changes_something() {
        client.change_policy(name, |policy| asked.edit(policy))?
    } else {
        let listed = client.list()?;
        let found = listed.into_iter().find(|one| one.name == *name);
        found.ok_or_else(|| Error::absent(name))?.policy
    };
    if asked.json {
        return print_json(&as_json("name", name, &policy));
    }
    show(name, &policy);
    Ok(())
}

/// Shows the rules by tag, or lays one of them down.
fn rules(client: &Client, asked: &Asked) -> Result<()> {
    let rules = match &asked.tag {
        Some(tag) if asked.remove => client.change_rules(|rules| remove(rules, tag))?,
        Some(tag) if asked.changes_something() => client.change_rules(|rules| {
            rules.edit(tag, |policy| asked.edit(policy));
            Ok(())
        })?,
        _ => client.rules()?.0,
    };
    let shown: Vec<&(Tag, Policy)> =
        rules.0.iter().filter(|(tag, _)| asked.tag.as_ref().is_none_or(|asked| asked == tag)).collect();
    if asked.json {
        return print_json(
            &shown.iter().map(|(tag, policy)| as_json("tag", tag, policy)).collect::<Vec<_>>(),
        );
    }
    if shown.is_empty() {
        say!("No rule{}.", asked.tag.as_ref().map(|tag| format!(" for the tag {tag}")).unwrap_or_default());
    }
    for (tag, policy) in shown {
        show(&format_args!("tag {tag}"), policy);
    }
    Ok(())
}

fn remove(rules: &mut Rules, tag: &Tag) -> Result<()> {
    let before = rules.0.len();
    rules.0.retain(|(one, _)| one != tag);
    if rules.0.len() == before {
        return Err(Error::local(
            format!("there is no rule for the tag {tag}"),
            "list the rules: securecode policy",
        ));
    }
    Ok(())
}

/// Makes a secret a canary; one that nobody uses is made for it if there is none of that name.
pub(super) fn canary(
    vault_url: Option<&str>,
    name: &SecretName,
    place: &OwnedPlace,
    off: bool,
) -> Result<()> {
    let client = open(vault_url, place)?;
    if !off && !client.list()?.iter().any(|one| one.name == *name) {
        crate::names::check(name)?;
        let value = change::generate(32)?;
        client.change(|environment, contents| {
            let mut draft = Draft::new(contents);
            draft.put(environment, name, &Meta::default(), &value)?;
            Ok(Some((draft, ())))
        })?;
    }
    client.change_policy(name, |policy| policy.canary = !off)?;
    if off {
        say!("{name} is an ordinary secret again");
    } else {
        say!(
            "{name} is a canary: the key that reads it is revoked at once. Commands get the others without it."
        );
    }
    Ok(())
}

fn as_json(what: &str, name: &impl Serialize, policy: &Policy) -> serde_json::Value {
    json!({
        what: name, "use": word(policy.usage), "reveal": word(policy.reveal), "production": policy.production,
        "canary": policy.canary, "hosts": policy.hosts, "commands": policy.commands,
    })
}

fn show(name: &impl Display, policy: &Policy) {
    let any = |list: &[String]| if list.is_empty() { "any".to_owned() } else { list.join(", ") };
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    say!("{name}");
    say!("  use         {}", word(policy.usage));
    say!("  reveal      {}", word(policy.reveal));
    say!("  production  {}", yes(policy.production));
    say!("  canary      {}", yes(policy.canary));
    say!("  hosts       {}", any(&policy.hosts));
    say!("  commands    {}", any(&policy.commands));
}

fn word(consent: Consent) -> &'static str {
    match consent {
        Consent::Allow => "allow",
        Consent::Ask => "ask",
        Consent::Block => "block",
    }
}
