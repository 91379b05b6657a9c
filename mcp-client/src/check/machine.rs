//! What holds for every project of this machine's person: profile, hooks, shell, sandbox.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{Check, alive, project, read, settings};
use crate::{
    error::{Error, Result},
    guard, home,
    profile::Profile,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Where in our folder this program has the names that the agent's settings use.
const BIN: &str = "bin";

/// The agent's events that the guard is called at, and for which tools: the plugin's `hooks.json` has the same.
pub(super) const BEFORE: &str = "PreToolUse";
pub(super) const AFTER: &str = "PostToolUse";
pub(super) const GUARDED: &str = "Bash|Read|Grep|Glob|Edit|MultiEdit|Write|NotebookEdit|NotebookRead";
pub(super) const ANSWERS: &str = "*";

impl Check {
    /// What holds for every project of this machine's person: hooks, prefix, sandbox.
    pub(super) fn machine(&mut self) -> Result<()> {
        let profile = Profile::of_this_machine()?;
        let title = format!("this machine's profile is {}", self.profile);
        self.found(
            "profile",
            title,
            (profile != self.profile)
                .then(|| format!("it is {profile}; run: securecode check --fix --profile {}", self.profile)),
        );
        if !self.profile.is_guarded() {
            return Ok(());
        }
        let path = agent_settings()?;
        let text = read(&path)?.unwrap_or_default();
        if self.fix {
            install_links()?;
        }
        let wanted = self.wanted_settings(&settings::read(&text))?;
        let after = settings::ensure(&path, &text, &wanted, &is_outdated_hook)?;
        let (title, problem) = if self.plugin.is_some() {
            (
                "the guard is installed: its hooks by the agent's plugin, the rest in the agent's settings",
                "settings of the guard are missing, or hooks are there twice",
            )
        } else {
            ("the guard is installed in the agent's settings", "hooks or settings of the guard are missing")
        };
        self.file("guard-installed", title, &path, &after, problem)
    }

    fn wanted_settings(&self, present: &Value) -> Result<Value> {
        let bin = home::folder()?.join(BIN);
        let guard = format!("{} guard", shell_word(&bin.join("securecode").to_string_lossy()));
        let hook = |matcher: &str| json!({ "matcher": matcher, "hooks": [{ "type": "command", "command": guard, "timeout": 60 }] });
        let denied: Vec<String> = project::denied().into_iter().chain(own_rules()?).collect();
        let mut wanted = json!({ "permissions": { "deny": denied } });
        match &self.plugin {
            None => wanted["hooks"] = json!({ BEFORE: [hook(GUARDED)], AFTER: [hook(ANSWERS)] }),
            // Once is enough: in the sandbox profile each hook would write a line down of its own.
            Some(_) => {
                for event in [BEFORE, AFTER].into_iter().filter(|event| present["hooks"].get(event).is_some())
                {
                    wanted["hooks"][event] = json!([]);
                }
            }
        }
        let excluded: Vec<String> = guard::hook::LET_OUT
            .iter()
            .flat_map(|verb| [format!("securecode {verb}"), format!("securecode {verb} *")])
            .collect();
        let add = match self.profile {
            Profile::Guard => json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": bin.join(guard::shell::NAME) } }),
            Profile::Sandbox => json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": null }, "sandbox": {
                "filesystem": { "allowWrite": ["/tmp", "/var/tmp"] },
                "enabled": true, "failIfUnavailable": true, "allowUnsandboxedCommands": false,
                "excludedCommands": excluded,
                "credentials": { "envVars": [
                    { "name": "SECURECODE_API_KEY", "mode": "deny" }, { "name": "SECURECODE_PASSPHRASE", "mode": "deny" },
                ] },
            }}),
            Profile::Plain => json!({}),
        };
        if let (Some(wanted), Some(add)) = (wanted.as_object_mut(), add.as_object()) {
            wanted.extend(add.clone());
        }
        Ok(wanted)
    }

    pub(super) fn guard_is_alive(&mut self) {
        let title = "the guard is alive: a canary went through it, as installed, and did not come out";
        let problem = agent_settings().and_then(|path| read(&path)).and_then(|text| {
            let settings = settings::read(&text.unwrap_or_default());
            alive::prove(&settings, self.plugin.as_ref(), &self.folder, self.profile)
        });
        self.found("guard-alive", title, problem.err().map(|error| error.to_string()));
    }
}

/// The agent's settings for this person.
fn agent_settings() -> Result<PathBuf> {
    settings::folder()
        .map(|folder| folder.join("settings.json"))
        .ok_or_else(|| Error::local("HOME is not set", "set HOME"))
}

/// Rules for a `SECURECODE_HOME` that is not the usual one.
fn own_rules() -> Result<Vec<String>> {
    let folder = home::folder()?;
    let usual = std::env::home_dir().map(|home| home.join(".securecode"));
    if usual.as_ref() == Some(&folder) {
        return Ok(vec![]);
    }
    Ok(vec![format!("Read(/{}/**)", folder.display()), format!("Edit(/{}/**)", folder.display())])
}

/// A hook of an earlier installation of ours.
fn is_outdated_hook(value: &Value) -> bool {
    let hooks = value["hooks"].as_array().into_iter().flatten();
    hooks
        .filter_map(|hook| hook["command"].as_str())
        .any(|command| command.contains("securecode") && command.ends_with(" guard"))
}

fn shell_word(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)) {
        text.to_owned()
    } else {
        guard::line::quote(text)
    }
}

fn install_links() -> Result<()> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let program = program.map_err(|error| {
        Error::local(format!("this program does not know where it is: {error}"), "run it by its path")
    })?;
    let folder = home::make_folder(BIN)?;
    // A rule for a folder that is not there yet would not hold for its first moment.
    home::make_private_folder(&home::session_folder()?)?;
    for name in ["securecode", guard::shell::NAME] {
        let link = folder.join(name);
        if fs::read_link(&link).is_ok_and(|target| target == program) {
            continue;
        }
        let beside = folder.join(format!("{name}.{}.tmp", std::process::id()));
        let _ = fs::remove_file(&beside);
        std::os::unix::fs::symlink(&program, &beside)
            .and_then(|()| fs::rename(&beside, &link))
            .map_err(|error| Error::io(&link, &error))?;
    }
    Ok(())
}
