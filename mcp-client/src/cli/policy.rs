//! `policy` and `canary`: what an owner lays down for a secret.

use super::{OwnedPlace, Policy as Asked, print_json, projects::owned, say};
use crate::{
    change,
    environment::{Client, Draft},
    error::{Error, Result},
};
use protocol::SecretName;
use sealing::{Consent, Meta, Policy};
use serde_json::json;
use std::io::Write;

fn open(vault_url: Option<&str>, place: &OwnedPlace) -> Result<Client> {
    let (owner, record) = owned(vault_url, place)?;
    owner.open_environment(&record)
}

pub(super) fn policy(vault_url: Option<&str>, asked: &Asked) -> Result<()> {
    let client = open(vault_url, &asked.place)?;
    let policy = if asked.changes_something() {
        client.change_policy(&asked.name, |policy| asked.edit(policy))?
    } else {
        let listed = client.list()?;
        let found = listed.into_iter().find(|one| one.name == asked.name);
        found.ok_or_else(|| Error::absent(&asked.name))?.policy
    };
    show(&asked.name, &policy, asked.json)
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

fn show(name: &SecretName, policy: &Policy, json: bool) -> Result<()> {
    if json {
        return print_json(&json!({
            "name": name, "use": word(policy.usage), "reveal": word(policy.reveal), "production": policy.production,
            "canary": policy.canary, "hosts": policy.hosts, "commands": policy.commands,
        }));
    }
    let any = |list: &[String]| if list.is_empty() { "any".to_owned() } else { list.join(", ") };
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    say!("{name}");
    say!("  use         {}", word(policy.usage));
    say!("  reveal      {}", word(policy.reveal));
    say!("  production  {}", yes(policy.production));
    say!("  canary      {}", yes(policy.canary));
    say!("  hosts       {}", any(&policy.hosts));
    say!("  commands    {}", any(&policy.commands));
    Ok(())
}

fn word(consent: Consent) -> &'static str {
    match consent {
        Consent::Allow => "allow",
        Consent::Ask => "ask",
        Consent::Block => "block",
    }
}
