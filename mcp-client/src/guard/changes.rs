//! What changed since the session began: a program that did may be the agent's work (`reach.rs`: what a program is).

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Looks for what changed since a moment.
pub struct Inspection {
    /// Nanoseconds since 1970.
    pub since: u128,
    /// Where the program runs: what paths are relative to.
    pub folder: PathBuf,
}

impl Inspection {
    /// Whether a file, or the link that leads to it, changed since the session began, to something that was not
    /// in its repository before.
    pub fn is_changed(&self, path: &Path) -> bool {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return path != Path::new("/dev/null"),
            _ => {}
        }
        self.is_newer(path) && !self.was_in_repository(path) && !self.runs_as_in_repository(path)
    }

    pub(super) fn is_newer(&self, path: &Path) -> bool {
        let newer = |metadata: std::io::Result<fs::Metadata>| match metadata {
            Ok(metadata) => changed_at(&metadata) >= self.since,
            Err(_) => true,
        };
        newer(fs::symlink_metadata(path)) || newer(fs::metadata(path))
    }

    /// Whether git has a copy of exactly this content that is older than the session.
    fn was_in_repository(&self, path: &Path) -> bool {
        let git = Git::around(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(hash) = git.ask(&["hash-object", "--no-filters", "--", &name]) else { return false };
        // git renews the time of an object that it would write again; a commit is bound to its files by their hashes.
        self.is_old_object(&git, hash.trim()) || self.old_copy(&git, &name).as_ref() == Some(&hash)
    }

    /// Whether a package.json has all that steers what is run as git has it, in a copy that is older than the session:
    /// `npm version` and `npm install` change the rest.
    fn runs_as_in_repository(&self, path: &Path) -> bool {
        if path.file_name().is_none_or(|name| name != "package.json") {
            return false;
        }
        let git = Git::around(path);
        let committed = self.old_copy(&git, "package.json");
        let committed = committed.and_then(|hash| git.ask(&["cat-file", "blob", hash.trim()]));
        let (Some(committed), Ok(present)) = (committed, fs::read_to_string(path)) else { return false };
        let steering = |text: &str| {
            let mut package: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
            for harmless in
                ["version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
            {
                package.remove(harmless);
            }
            Some(package)
        };
        steering(&committed).is_some_and(|committed| steering(&present) == Some(committed))
    }

    /// The hash of a file's content in the newest commit that is older than the session.
    fn old_copy(&self, git: &Git<'_>, name: &str) -> Option<String> {
        let commits = git.ask(&["rev-list", "--max-count=50", "HEAD"])?;
        let commit = commits.lines().find(|commit| self.is_old_object(git, commit))?;
        git.ask(&["rev-parse", &format!("{commit}:./{name}")])
    }

    fn is_old_object(&self, git: &Git<'_>, hash: &str) -> bool {
        let Some(objects) = git.ask(&["rev-parse", "--git-path", "objects"]) else { return false };
        let objects = git.folder.join(objects.trim());
        let is_hash = [40, 64].contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (Some(head), Some(tail)) = (hash.get(..2), hash.get(2..)) else { return false };
        let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
        // Objects of another folder may be named since.
        let borrows = fs::symlink_metadata(objects.join("info/alternates"))
            .is_ok_and(|metadata| changed_at(&metadata) >= self.since);
        if !is_hash || borrows || !is_folder(&objects) {
            return false;
        }
        // A link is no object of git's, whatever it leads to.
        let old = |path: &Path| {
            fs::symlink_metadata(path)
                .is_ok_and(|metadata| metadata.is_file() && changed_at(&metadata) < self.since)
        };
        if old(&objects.join(head).join(tail)) {
            return true;
        }
        if !is_folder(&objects.join("pack")) {
            return false;
        }
        let packs: Vec<PathBuf> = fs::read_dir(objects.join("pack"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        !packs.is_empty()
            && packs.iter().all(|pack| old(pack))
            && objects.join(head).join(tail).symlink_metadata().is_err()
            && git.ask(&["cat-file", "-e", hash]).is_some()
    }
}

fn changed_at(metadata: &fs::Metadata) -> u128 {
    let seconds = u128::try_from(metadata.ctime()).unwrap_or(0);
    seconds * 1_000_000_000 + u128::try_from(metadata.ctime_nsec()).unwrap_or(0)
}

/// The system's git, steered by no variable, no replaced object and no kept graph.
pub(super) fn git() -> Option<Command> {
    const PLACES: [&str; 5] = [
        "/usr/bin/git",
        "/usr/local/bin/git",
        "/bin/git",
        "/opt/homebrew/bin/git",
        "/run/current-system/sw/bin/git",
    ];
    let mut git = Command::new(PLACES.iter().find(|path| Path::new(path).is_file())?);
    for name in super::steering::of_this_process().keys().filter(|name| name.starts_with("GIT_")) {
        git.env_remove(name);
    }
    git.env("GIT_NO_REPLACE_OBJECTS", "1")
        .args(["-c", "core.fsmonitor=false", "-c", "core.commitGraph=false"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    Some(git)
}

/// git, asked about one folder, as the agent's variables cannot steer it.
struct Git<'a> {
    folder: &'a Path,
}

impl<'a> Git<'a> {
    fn around(file: &'a Path) -> Self {
        Self { folder: file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")) }
    }

    /// What git answers, where it does.
    fn ask(&self, arguments: &[&str]) -> Option<String> {
        let mut git = git()?;
        git.arg("-C").arg(self.folder).args(arguments);
        let output = git.output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    }
}
