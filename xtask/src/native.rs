//! The native vault on loopback, for the demo and the tests.

use crate::step::{command, root};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running `securecode-vault serve`; ended when dropped.
pub(crate) struct Native {
    _child: Running,
    pub(crate) url: String,
}

impl Native {
    /// Starts it on a free port, with its data and its log in `folder`.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Result<Self> {
        let data = folder.join("data");
        let log = folder.join("vault.log");
        let words = [&["serve", "--listen", "127.0.0.1:0"], more].concat();
        println!("    $ securecode-vault {} --data DATA", words.join(" "));
        let mut child = command(binary("securecode-vault"), &words)
            .arg("--data")
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("the vault does not start\n  to do now: cargo build")?;
        let stdout = child.stdout.take().ok_or_else(|| anyhow!("the vault has no output"))?;
        let child = Running(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.split_whitespace().nth(2).unwrap_or_default().trim_end_matches(',').to_owned();
        if !url.starts_with("http://127.0.0.1:") {
            bail!(
                "the vault does not say where it listens: {line}{}",
                fs::read_to_string(&log).unwrap_or_default()
            );
        }
        println!("    {}", line.trim().replace(&data.display().to_string(), "DATA"));
        Ok(Self { _child: child, url })
    }
}

/// A child that does not outlive what it is for.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// A program of the project's, as `cargo build` left it.
pub(crate) fn binary(name: &str) -> PathBuf {
    root().join("target").join("debug").join(name)
}
