//! git, which takes secrets in the address of a repository elsewhere. Hooks and helpers have its environment, so that has none.

use super::{KEEPS, NO_USE, Use, Variables, files_in, says};
use crate::{
    guard::{
        arguments::{End, Flags, UNKNOWN, read},
        changes,
        reach::Code,
    },
    ticket::PLACEHOLDER,
};
use std::path::{Path, PathBuf};

const GIT: Flags = Flags {
    letters: "qvfn",
    switches: &[
        "--all",
        "--depth=1",
        "--dry-run",
        "--ff-only",
        "--follow-tags",
        "--force",
        "--force-with-lease",
        "--heads",
        "--no-rebase",
        "--no-tags",
        "--prune",
        "--quiet",
        "--rebase",
        "--tags",
        "--verbose",
        "--no-verify",
        "--progress",
    ],
    texts: &["--depth", "-b", "--branch"],
    ..Flags::NONE
};

pub(super) fn use_of(arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&GIT, arguments, End::Marked).map_err(|_| {
        let plain = arguments.iter().find(|word| !word.starts_with('-')).map(String::as_str);
        if ["push", "pull", "fetch", "ls-remote"].contains(&plain.unwrap_or_default()) {
            UNKNOWN
        } else {
            NO_USE
        }
    })?;
    let Some(((_, command), operands)) = read.operands.split_first() else { return Err(NO_USE) };
    let elsewhere = |word: &str| ["https://", "http://"].iter().any(|scheme| word.starts_with(scheme));
    let places: Vec<usize> = operands.iter().filter(|(_, word)| elsewhere(word)).map(|(at, _)| *at).collect();
    // It notes the rest of an address in FETCH_HEAD and in its logs.
    let in_user = |word: &str| {
        let Some((_, rest)) = word.split_once("://") else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        word.rfind(PLACEHOLDER) < authority.rfind('@').map(|at| word.len() - rest.len() + at)
    };
    if operands.iter().any(|(_, word)| elsewhere(word) && word.contains(PLACEHOLDER) && !in_user(word)) {
        return Err(KEEPS);
    }
    match *command {
        // The address becomes a setting of the new repository.
        // pull writes its words into the log of HEAD.
        "clone" | "pull" if says(arguments, &[PLACEHOLDER]) => return Err(KEEPS),
        "push" | "pull" | "fetch" | "ls-remote" if !places.is_empty() => {}
        _ => return Err(NO_USE),
    }
    let mut files: Vec<PathBuf> = ["config", "config.worktree"].into_iter().map(git_path).collect();
    files.extend(files_in(&git_path("hooks")));
    Ok(Use { code: Code { settings: files, ..Code::default() }, places, variables: Variables::None })
}

/// Where git has this file of its own for the repository around here.
fn git_path(name: &str) -> PathBuf {
    let asked = changes::git().and_then(|mut git| git.args(["rev-parse", "--git-path", name]).output().ok());
    let path = asked
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    path.map_or_else(|| Path::new(".git").join(name), |path| path.trim_end().into())
}
