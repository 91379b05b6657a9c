//! Values of the vault where they should not be.

use super::{Check, others, settings};
use crate::{
    config::KeyConfig,
    environment::Client,
    error::{Error, Result},
};
use protocol::body::How;
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// What is looked at of an agent's transcripts, the newest first, in bytes: seconds of searching.
const MOST: u64 = 256 << 20;

/// A secret whose value an agent's transcripts hold.
pub struct Leak {
    /// Which.
    pub name: String,
    /// In how many files.
    pub files: usize,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stands in {} of them", self.name, self.files)
    }
}

/// Which secrets' values stand in the agent's transcripts of the project in `folder`, and in the tool results beside them.
///
/// # Errors
/// When the key or the vault cannot be used.
pub fn leaked(folder: &Path) -> Result<Vec<Leak>> {
    let files = transcripts(folder);
    if files.is_empty() {
        return Ok(vec![]);
    }
    let masker = masker_of(folder)?;
    let mut leaks: BTreeMap<String, usize> = BTreeMap::new();
    let mut left = MOST;
    for (path, size) in files {
        left = left.saturating_sub(size);
        if left == 0 {
            break;
        }
        for name in masker.find(&fs::read(path).unwrap_or_default()) {
            *leaks.entry(name).or_default() += 1;
        }
    }
    Ok(leaks.into_iter().map(|(name, files)| Leak { name, files }).collect())
}

/// The agent's files of conversations about a project, the newest first, with their sizes.
fn transcripts(folder: &Path) -> Vec<(PathBuf, u64)> {
    // As Claude Code names a project's folder.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name: String =
        folder.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let Some(root) = settings::folder().map(|agent| agent.join("projects").join(name)) else { return vec![] };
    let (mut folders, mut files) = (vec![root], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((modified, entry.path(), metadata.len()));
            }
        }
    }
    files.sort_by_key(|(modified, _, _)| std::cmp::Reverse(*modified));
    files.into_iter().map(|(_, path, size)| (path, size)).collect()
}

/// Finds the values of the key's environment that cannot be there by chance.
fn masker_of(folder: &Path) -> Result<masker::Masker> {
    let config = KeyConfig::find(folder, None)?;
    let contents = Client::new(&config, None).read_all(How::Run)?;
    let strong = contents.secrets.iter().filter(|secret| !masker::is_weak(secret.value.expose()));
    masker::Masker::new(strong.map(|secret| (secret.name.as_str(), secret.value.expose())))
        .map_err(|error| Error::local(error.to_string(), "search for them by hand"))
}

impl Check {
    /// Values of the vault in tracked files, in git's history, and in MCP configuration.
    pub(super) fn values_in_files(&mut self) {
        let title =
            "no secret's value stands in a tracked file, in the last 500 commits, or in MCP configuration";
        match self.search() {
            Ok(found) if found.is_empty() => self.found("no-values-in-files", title, None),
            Ok(found) => self.found(
                "no-values-in-files",
                title,
                Some(format!("{}; take it out and rotate that secret", found.join("; "))),
            ),
            Err(error) => {
                self.found("no-values-in-files", title, Some(format!("it could not be looked for: {error}")))
            }
        }
    }

    /// Values of the vault in what the agent keeps of its conversations about this project: its provider has them.
    pub(super) fn values_in_transcripts(&mut self) {
        let title =
            "no secret's value stands in the agent's transcripts of this project (the newest 256 MiB)";
        let problem = match leaked(&self.folder) {
            Ok(leaks) if leaks.is_empty() => None,
            Ok(leaks) => {
                let found: Vec<String> = leaks.iter().map(ToString::to_string).collect();
                Some(format!("{}; the conversation was sent on, so change these secrets", found.join("; ")))
            }
            Err(error) => Some(format!("it could not be looked for: {error}")),
        };
        self.found("no-values-in-transcripts", title, problem);
    }

    fn search(&self) -> Result<Vec<String>> {
        let masker = masker_of(&self.folder)?;
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(&self.folder).args(arguments).output().ok();
            output.filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default()
        };
        let mut found = Vec::new();
        let tracked = git(&["ls-files", "-z"]);
        let names = String::from_utf8_lossy(&tracked);
        let tracked = names.split('\0').filter(|name| !name.is_empty()).chain([".mcp.json"]);
        let tracked = tracked.map(|name| (name.to_owned(), self.folder.join(name)));
        let others = others::configuration(&self.folder).into_iter();
        let others = others.map(|path| (path.display().to_string(), path));
        for (name, path) in tracked.chain(others) {
            if fs::metadata(&path).is_ok_and(|metadata| metadata.len() < 8 << 20) {
                let names = masker.find(&fs::read(path).unwrap_or_default());
                if !names.is_empty() {
                    found.push(format!("{name} holds {}", names.join(", ")));
                }
            }
        }
        let history =
            git(&["log", "--all", "-n", "500", "-p", "--no-color", "--no-ext-diff", "--no-textconv"]);
        let names = masker.find(&history);
        if !names.is_empty() {
            found.push(format!("git's history holds {}", names.join(", ")));
        }
        Ok(found)
    }
}
