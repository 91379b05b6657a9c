//! Proves that the guard which the agent's settings name works: a canary goes through it.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::settings;
use crate::{
    error::{Error, Result},
    guard::line,
    profile::Profile,
    session_file::SessionFile,
    ticket::{self, Office},
};
use sealing::{ApiKey, SecretValue};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};
use zeroize::Zeroizing;

/// Puts a canary through hook and shell as installed.
pub(super) fn prove(settings: &Value, project: &Path, profile: Profile) -> Result<()> {
    let broken = |what: &str| Error::local(what.to_owned(), "run: securecode check --fix");
    if settings["disableAllHooks"] == json!(true) {
        return Err(Error::local(
            "the agent's settings disable all hooks (disableAllHooks)",
            "take that setting out",
        ));
    }
    for path in [".claude/settings.json", ".claude/settings.local.json"].map(|name| project.join(name)) {
        let own = settings::read(&std::fs::read_to_string(&path).unwrap_or_default());
        let weakens = own["disableAllHooks"] == json!(true)
            || own["env"].get("CLAUDE_CODE_SHELL_PREFIX").is_some()
            || own["sandbox"]["enabled"] == json!(false)
            || own["sandbox"]["allowUnsandboxedCommands"] == json!(true);
        if weakens {
            return Err(Error::local(
                format!("{} switches a part of the guard off", path.display()),
                "take disableAllHooks, env.CLAUDE_CODE_SHELL_PREFIX and sandbox settings out of it",
            ));
        }
    }
    let hooks = settings["hooks"]["PreToolUse"].as_array().into_iter().flatten();
    let ours = hooks.flat_map(|entry| entry["hooks"].as_array().into_iter().flatten());
    let mut commands =
        ours.filter_map(|hook| hook["command"].as_str()).filter(|command| command.ends_with(" guard"));
    let hook = commands.next().ok_or_else(|| broken("no hook of the guard is installed"))?;

    let canary = format!("canary{}", ticket::random()?);
    let key = ApiKey::make()?;
    let file = SessionFile::begin(&key)?;
    let office = Office::open(file.path(), &key)?;
    let name = "CANARY".parse().map_err(|_| broken("the canary could not be made"))?;
    let value = SecretValue::new(Zeroizing::new(canary.clone().into_bytes()))
        .map_err(|_| broken("the canary could not be made"))?;
    file.write(office.issue([(&name, &value)])?.as_bytes())?;
    let path = file.path().display();

    let denied = ask_hook(hook, &format!("cat {path}"))?;
    if !denied.contains("\"deny\"") {
        return Err(broken("the installed hook let the session file be read"));
    }
    if profile == Profile::Guard {
        let shell = settings["env"]["CLAUDE_CODE_SHELL_PREFIX"].as_str();
        let shell = shell
            .ok_or_else(|| broken("the agent's shell is not the guard (env.CLAUDE_CODE_SHELL_PREFIX)"))?;
        // The program that is not trusted shows the placeholder, the one that is would show the mask.
        let inner = format!(
            "source {path} && printenv CANARY && env | grep -c '^CANARY=.' && sh -c 'echo \"[$CANARY]\"'"
        );
        let whole = format!(
            "source /dev/null 2>/dev/null || true && eval {} < /dev/null && pwd -P >| /dev/null",
            line::quote(&inner)
        );
        let output = Command::new(shell).arg(whole).stdin(Stdio::null()).output();
        let output =
            output.map_err(|error| broken(&format!("the guard's shell {shell} cannot be run: {error}")))?;
        let shown =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if shown.contains(&canary) {
            return Err(broken("the canary came out of the guard's shell"));
        }
        if !output.status.success() || !shown.contains("securecode-CANARY-") {
            return Err(broken(&format!(
                "the guard's shell did not run a command with secrets (it exited with {})",
                output.status
            )));
        }
    }
    Ok(())
}

fn ask_hook(hook: &str, command: &str) -> Result<String> {
    let failed = |error: std::io::Error| {
        Error::local(format!("the guard's hook cannot be run: {error}"), "run: securecode check --fix")
    };
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(hook)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let call = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": Path::new("/"), "tool_input": { "command": command } });
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(call.to_string().as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
