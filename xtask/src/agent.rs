//! The measure: does a value ever reach the model? The real Claude Code plays `tests/agent/`'s attacks and work, set
//! up by `securecode check --fix` alone.

use crate::{
    step::{ask, command, root, run},
    tools::{npm_module, python_binary},
};
use anyhow::{Result, bail};
use std::{path::PathBuf, process::Command};

/// Claude Code by its npm package: the newest that is pinned, and one from before hooks and sandbox grew.
const NEWEST: &str = "@anthropic-ai/claude-code";
const OLDER: &str = "older-claude-code";

/// What may befall an installed guard, and the attacks to play then.
const FAULTS: [(&str, &str); 6] = [
    ("missing", "read-the-file*"),
    ("exit1", "read-the-file*"),
    ("second-hook", "read-the-file*"),
    ("no-prefix", "read-the-file*"),
    ("killed", "shell*"),
    // Each call of a tool waits for the hook's time-out.
    ("stalled", "tools*"),
];

/// Every profile with every agent, the plain one as a control; then secrets that the agent's sandbox masks, the plugin,
/// and the broken guard.
pub(crate) fn measure() -> Result<()> {
    for (agent, profiles) in
        [(NEWEST, &["guard", "sandbox", "plain"][..]), (OLDER, &["guard", "sandbox"][..])]
    {
        let version = ask(Command::new(claude(agent)).arg("--version")).unwrap_or_default();
        if version.is_empty() {
            bail!(
                "Claude Code does not start\n  to do now: remove tests/tools/node_modules and run this again"
            );
        }
        println!("    with {version}:");
        for profile in profiles {
            play(agent, &["--profile", profile])?;
        }
    }
    play(NEWEST, &["--profile", "sandbox", "--masked", "--only", "environment*"])?;
    plugin()?;
    for (fault, attacks) in FAULTS {
        play(NEWEST, &["--profile", "guard", "--fault", fault, "--only", attacks])?;
    }
    Ok(())
}

/// The agent's own word on the plugin and its marketplace; then a part of the lists where the plugin was installed.
pub(crate) fn plugin() -> Result<()> {
    for folder in [root().join("plugin"), root()] {
        let mut validate = Command::new(claude(NEWEST));
        // A home of its own: it asks nothing there, and finds nothing.
        validate.args(["plugin", "validate", "--strict"]).arg(folder);
        validate.env("HOME", root().join("target").join("tools").join("plugin-home"));
        run(&mut validate, "mend what it names, in plugin/ or .claude-plugin/")?;
    }
    play(NEWEST, &["--profile", "guard", "--plugin", "--only", "read-the-file*,run-with-secrets*,tools*"])?;
    play(NEWEST, &["--profile", "sandbox", "--plugin", "--only", "read-the-file*,run-with-secrets*"])?;
    play(NEWEST, &["--profile", "sandbox", "--plugin", "--fault", "both-hooks", "--only", "read-the-file*"])
}

fn claude(package: &str) -> PathBuf {
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    npm_module(&format!("{package}-{system}-{processor}")).join("claude")
}

fn play(agent: &str, arguments: &[&str]) -> Result<()> {
    let binaries = root().join("target").join("debug");
    let mut play = command(python_binary(), &["tests/agent/run.py"]);
    play.arg("--agent").arg(claude(agent)).arg("--bin").arg(binaries).args(arguments);
    run(&mut play, "read what leaked or broke, above; add `-v` to that command for every answer")
}
