//! Proves that the guard which the agent's settings name works: a canary goes through it.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{machine::BEFORE, plugin::Plugin, settings};
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
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use zeroize::Zeroizing;

/// Puts a canary through what is installed: the hook, and the guard's shell or its sandbox.
pub(super) fn prove(
    settings: &Value,
    plugin: Option<&Plugin>,
    project: &Path,
    profile: Profile,
) -> Result<()> {
    if settings["disableAllHooks"] == json!(true) {
        return Err(Error::local(
            "the agent's settings disable all hooks (disableAllHooks)",
            "take that setting out",
        ));
    }
    for path in [".claude/settings.json", ".claude/settings.local.json"].map(|name| project.join(name)) {
        let own = settings::read(&std::fs::read_to_string(&path).unwrap_or_default());
        let switched_off = plugin.filter(|plugin| plugin.is_switched_off(&own)).map(|_| "enabledPlugins");
        if let Some(what) = weakened(&own).or(switched_off) {
            return Err(Error::local(
                format!("{} switches a part of the guard off: {what}", path.display()),
                format!("take {what} out of it"),
            ));
        }
    }
    for path in managed() {
        let managed = settings::read(&std::fs::read_to_string(&path).unwrap_or_default());
        let alone = (managed["allowManagedHooksOnly"] == json!(true) && hook(&managed).is_none())
            .then_some("allowManagedHooksOnly");
        if let Some(what) = weakened(&managed).or(alone) {
            return Err(Error::local(
                format!(
                    "settings that this machine's administrator manages switch a part of the guard off: {what} in {}",
                    path.display()
                ),
                "ask the administrator for an exception, or have the guard's hooks and settings managed as well",
            ));
        }
    }
    let hook = plugin.map(|plugin| plugin.hook.as_str()).or_else(|| hook(settings));
    let hook = hook.ok_or_else(|| broken("no hook of the guard is installed"))?;

    // Nothing of the placeholder may be in it: the masker also finds a part of a value, in either case.
    let canary = ticket::random()?;
    let key = ApiKey::make()?;
    let file = SessionFile::begin(&key)?;
    let office = Office::open(file.path(), &key)?;
    let name = "CANARY".parse().map_err(|_| broken("the canary could not be made"))?;
    let value = SecretValue::new(Zeroizing::new(canary.clone().into_bytes()))
        .map_err(|_| broken("the canary could not be made"))?;
    file.write(office.issue([(&name, &value, &[][..])])?.as_bytes())?;
    let path = file.path().display();

    let denied = ask_hook(hook, &format!("cat {path}"), project)?;
    if !denied.contains("\"deny\"") {
        return Err(broken("the installed hook let the session file be read"));
    }
    // The program that is not trusted shows the placeholder, the one that is would show the mask.
    let line = format!(
        "source {path} && printenv CANARY && env | grep -c '^CANARY=.' && sh -c 'echo \"[$CANARY]\"'"
    );
    let mut through = if profile == Profile::Sandbox {
        let answer: Value = serde_json::from_str(&ask_hook(hook, &line, project)?).unwrap_or_default();
        let decided = &answer["hookSpecificOutput"];
        // A person who wants to be asked about such commands is asked about this one.
        if decided["permissionDecision"] == json!("ask") {
            return Ok(());
        }
        let instead = decided["updatedInput"]["command"].as_str().ok_or_else(|| {
            broken("the installed hook did not have a command with secrets run in the sandbox")
        })?;
        let mut sandboxed = Command::new("sh");
        sandboxed.args(["-c", instead]).current_dir(project);
        sandboxed
    } else {
        let shell = settings["env"]["CLAUDE_CODE_SHELL_PREFIX"].as_str();
        let shell = shell
            .ok_or_else(|| broken("the agent's shell is not the guard (env.CLAUDE_CODE_SHELL_PREFIX)"))?;
        let whole = format!(
            "source /dev/null 2>/dev/null || true && eval {} < /dev/null && pwd -P >| /dev/null",
            line::quote(&line)
        );
        let mut guarded = Command::new(shell);
        guarded.arg(whole);
        guarded
    };
    let output = through
        .stdin(Stdio::null())
        .output()
        .map_err(|error| broken(&format!("what guards the agent's commands cannot be run: {error}")))?;
    let shown =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if shown.contains(&canary) {
        return Err(broken("the canary came out of a guarded command"));
    }
    if output.status.code() == Some(127) && profile == Profile::Sandbox {
        return Err(Error::local(
            "the program securecode is not on PATH, where the agent looks for it",
            "install it into a folder of PATH",
        ));
    }
    if !output.status.success() || !shown.contains("securecode-CANARY-") {
        return Err(broken(&format!(
            "a guarded command with secrets did not run (it exited with {})",
            output.status
        )));
    }
    Ok(())
}

fn broken(what: &str) -> Error {
    Error::local(what.to_owned(), "run: securecode check --fix")
}

/// The command of the guard's hook that settings have, if they do.
fn hook(settings: &Value) -> Option<&str> {
    let entries = settings["hooks"][BEFORE].as_array().into_iter().flatten();
    let hooks = entries.flat_map(|entry| entry["hooks"].as_array().into_iter().flatten());
    hooks.filter_map(|hook| hook["command"].as_str()).find(|command| command.ends_with(" guard"))
}

/// The setting by which a file that outranks the person's own takes a part of the guard away.
fn weakened(settings: &Value) -> Option<&'static str> {
    let sandbox = &settings["sandbox"];
    let takes = [
        ("disableAllHooks", settings["disableAllHooks"] == json!(true)),
        ("env.CLAUDE_CODE_SHELL_PREFIX", settings["env"].get("CLAUDE_CODE_SHELL_PREFIX").is_some()),
        ("sandbox.enabled", sandbox["enabled"] == json!(false)),
        ("sandbox.failIfUnavailable", sandbox["failIfUnavailable"] == json!(false)),
        ("sandbox.allowUnsandboxedCommands", sandbox["allowUnsandboxedCommands"] == json!(true)),
    ];
    takes.into_iter().find_map(|(name, takes)| takes.then_some(name))
}

/// Where an administrator's settings lie that outrank all others (the agent's documentation, "Settings").
fn managed() -> Vec<PathBuf> {
    let folder = Path::new(if cfg!(target_os = "macos") {
        "/Library/Application Support/ClaudeCode"
    } else {
        "/etc/claude-code"
    });
    let more = std::fs::read_dir(folder.join("managed-settings.d")).into_iter().flatten().flatten();
    std::iter::once(folder.join("managed-settings.json")).chain(more.map(|entry| entry.path())).collect()
}

fn ask_hook(hook: &str, command: &str, folder: &Path) -> Result<String> {
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
    let call = json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": folder, "tool_input": { "command": command } });
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(call.to_string().as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_outrank_the_persons_own_are_seen_to_weaken_the_guard() {
        for (settings, what) in [
            (json!({ "disableAllHooks": true }), Some("disableAllHooks")),
            (json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": "" } }), Some("env.CLAUDE_CODE_SHELL_PREFIX")),
            (json!({ "sandbox": { "enabled": false } }), Some("sandbox.enabled")),
            (json!({ "sandbox": { "failIfUnavailable": false } }), Some("sandbox.failIfUnavailable")),
            (
                json!({ "sandbox": { "allowUnsandboxedCommands": true } }),
                Some("sandbox.allowUnsandboxedCommands"),
            ),
            (json!({ "sandbox": { "enabled": true }, "env": { "A": "1" }, "disableAllHooks": false }), None),
        ] {
            assert_eq!(weakened(&settings), what, "{settings}");
        }
    }
}
