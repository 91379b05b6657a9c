//! `agent`: starts the coding agent so that its own sandbox masks secrets. A command in there sees a stand-in; the
//! sandbox's proxy puts the real value into requests to the secret's hosts, and to those alone.
//!
//! Only the agent's own process holds the values, and the MCP servers and hooks that it starts outside of its
//! sandbox. Of no use to what is not sent over HTTP: a database's password, say.

use crate::{
    environment::Client,
    error::{Error, Kind, Result},
    guard::exec,
    policy::Way,
    profile::Profile,
    terminal,
    ticket::{self, LeftOut},
};
use protocol::{SecretName, body::How};
use sealing::{Consent, OpenedSecret};
use serde_json::json;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    process::Command,
    str::FromStr,
};

/// The first version of the agent in which masking was seen to hold. An older one ignored the settings, and handed
/// the values to every command (docs/decisions/0005).
const LEAST: [u32; 3] = [2, 1, 330];

/// A secret, and a host that its value may go to.
#[derive(Debug, Clone)]
pub(super) struct MayGo {
    name: SecretName,
    host: String,
}

impl FromStr for MayGo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, host) = text.split_once('=').ok_or("give it as NAME=HOST")?;
        let name = name.parse().map_err(|error: protocol::ParseNameError| error.to_string())?;
        let is_host = host.contains(|c: char| c.is_ascii_alphanumeric())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        if !is_host {
            return Err(
                "the host is a name such as api.example.com, without scheme, port and wildcard".to_owned()
            );
        }
        Ok(Self { name, host: host.to_owned() })
    }
}

/// Becomes the agent.
pub(super) fn run(
    client: &Client,
    profile: Profile,
    vault_url: Option<&str>,
    may_go: &[MayGo],
    command: &[OsString],
) -> Result<u8> {
    if profile != Profile::Sandbox {
        return Err(Error::local(
            format!("masked secrets need the sandbox profile, and this machine's is {profile}"),
            "run: securecode check --fix --profile sandbox",
        ));
    }
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::local(
            "there is no agent to start",
            "give it after `--`: securecode agent -- claude",
        ));
    };
    if arguments.iter().any(|argument| argument.as_bytes().starts_with(b"--settings")) {
        return Err(Error::local(
            "the agent takes --settings once, and it is needed here",
            "put your own settings into ~/.claude/settings.json",
        ));
    }
    check_version(program)?;
    let secrets = client.read_all(How::Run)?.secrets;
    let hosts = hosts(&secrets, may_go)?;
    let wanted: Vec<SecretName> = hosts.keys().map(|name| (*name).clone()).collect();
    let mut agent = Command::new(program);
    exec::keep_back(&mut agent);
    if !wanted.is_empty() {
        let ask = |names: &[&SecretName]| terminal::consent(profile, vault_url, names);
        let (held, left_out) = ticket::hold(&secrets, &wanted, program, true, ask)?;
        if let Some(LeftOut { name, .. }) = left_out.first() {
            crate::names::check(name)?;
        }
        let masks =
            hosts.iter().map(|(name, hosts)| json!({ "name": name, "mode": "mask", "injectHosts": hosts }));
        let settings = json!({ "sandbox": {
            "enabled": true, "failIfUnavailable": true, "allowUnsandboxedCommands": false,
            "network": { "tlsTerminate": {}, "allowedDomains": hosts.values().flatten().collect::<Vec<_>>() },
            "credentials": { "envVars": masks.collect::<Vec<_>>() },
        }});
        agent.arg("--settings").arg(settings.to_string());
        for secret in &held.secrets {
            agent.env(&secret.name, OsStr::from_bytes(&secret.value));
        }
        // What our own sandbox runs is not to have them: it is outside of the agent's.
        let names: Vec<&str> = wanted.iter().map(SecretName::as_str).collect();
        agent.env(exec::MASKED, names.join(","));
    }
    let error = agent.args(arguments).exec();
    exec::cannot_run(program, &error);
    Err(Error::local("the agent was not started", "check its name and PATH"))
}

/// Each secret's hosts: those that its owner laid down, or that were named here. What was named must be among what was
/// laid down. Without any named, all secrets that have hosts are taken, but those that need a yes or are for other
/// programs.
fn hosts<'a>(
    secrets: &'a [OpenedSecret],
    may_go: &'a [MayGo],
) -> Result<BTreeMap<&'a SecretName, Vec<&'a str>>> {
    let mut hosts: BTreeMap<&SecretName, Vec<&str>> = BTreeMap::new();
    for MayGo { name, host } in may_go {
        let secret = secrets.iter().find(|secret| secret.name == *name).ok_or_else(|| Error::absent(name))?;
        let laid_down = &secret.policy.hosts;
        if !laid_down.is_empty() && !laid_down.contains(host) {
            return Err(Error::new(
                Kind::Refused,
                format!("the owner laid down that {name} goes to {} alone", laid_down.join(", ")),
                format!(
                    "name one of these; or the owner changes that: securecode policy {name} --host {host}"
                ),
            ));
        }
        hosts.entry(name).or_default().push(host);
    }
    if may_go.is_empty() {
        let takes = |secret: &&OpenedSecret| {
            !secret.policy.hosts.is_empty()
                && secret.policy.commands.is_empty()
                && Way::Use.consent(secret) == Consent::Allow
        };
        for secret in secrets.iter().filter(takes) {
            hosts.insert(&secret.name, secret.policy.hosts.iter().map(String::as_str).collect());
        }
    }
    Ok(hosts)
}

fn check_version(program: &OsStr) -> Result<()> {
    let said =
        Command::new(program).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let numbers: Vec<u32> = said
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()
        .unwrap_or_default()
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect();
    if said.contains("Claude Code") && numbers.as_slice() >= LEAST.as_slice() {
        return Ok(());
    }
    let name = program.to_string_lossy();
    Err(Error::local(
        format!(
            "{name} is not Claude Code {} or newer: an older one does not mask, and another agent is not known to",
            LEAST.map(|n| n.to_string()).join(".")
        ),
        "update it; without masks, start it by itself",
    ))
}
