//! Saying what is being done, and running it.

use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// A numbered list of steps on the terminal.
pub(crate) struct Steps {
    done: usize,
    all: usize,
    started: Instant,
}

impl Steps {
    pub(crate) fn new(all: usize) -> Self {
        Self { done: 0, all, started: Instant::now() }
    }

    /// Announces the next step.
    pub(crate) fn next(&mut self, what: &str) {
        self.done += 1;
        let seconds = self.started.elapsed().as_secs();
        println!("==> [{}/{}] {what}   ({}m{:02}s)", self.done, self.all, seconds / 60, seconds % 60);
    }

    /// Says that the step was done before.
    pub(crate) fn already(&self, what: &str) {
        println!("    there already: {what}");
    }
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Where what the project installs for itself lies: never in the user's own folders.
pub(crate) fn tools() -> PathBuf {
    root().join("target").join("tools")
}

/// A command in the workspace's root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs to the end, output shown.
pub(crate) fn run(command: &mut Command, remedy: &str) -> Result<()> {
    let text = shown(command);
    println!("    $ {text}");
    let status = command.status().with_context(|| format!("cannot start `{text}`\n  to do now: {remedy}"))?;
    if !status.success() {
        bail!("`{text}` failed ({status}); its output is above\n  to do now: {remedy}");
    }
    Ok(())
}

/// Runs quietly; what it printed, if it succeeded.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let root = root();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let text = words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    text.replace(&format!("{}/", root.display()), "")
}
