//! What changed since the session began: a program that did may be the agent's work (`reach.rs`: what a program is).

use data_encoding::HEXLOWER;
use std::{
    fs,
    io::Write,
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
        if !self.is_newer(path) && !self.is_moved_with_folder(path) {
            return false;
        }
        // Whoever has it mapped changes a page that is not written back yet without a new time of change. Of what was
        // stamped before (`Seen`), each change after this is seen.
        let is_written_back = fs::File::open(path).and_then(|file| file.sync_all()).is_ok();
        !is_written_back || !self.was_in_repository(path) && !self.runs_as_in_repository(path)
    }

    pub(super) fn is_newer(&self, path: &Path) -> bool {
        let newer = |metadata: std::io::Result<fs::Metadata>| match metadata {
            Ok(metadata) => changed_at(&metadata) >= self.since,
            Err(_) => true,
        };
        newer(fs::symlink_metadata(path)) || newer(fs::metadata(path))
    }

    /// Whether a folder was renamed since the session began, or set to other rights: the system stamps it, and nothing
    /// in it. Where names came or went in it besides, that cannot be told any more.
    pub(super) fn is_moved(&self, folder: &Path) -> bool {
        fs::metadata(folder).is_ok_and(|metadata| {
            metadata.is_dir() && changed_at(&metadata) >= self.since && written_at(&metadata) < self.since
        })
    }

    /// Whether a file is as old as it likes, but in a folder that came to where it is.
    pub(super) fn is_moved_with_folder(&self, path: &Path) -> bool {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.ancestors().skip(1).any(|folder| self.is_moved(folder))
    }

    /// Whether git has a copy of exactly this content that is older than the session.
    fn was_in_repository(&self, path: &Path) -> bool {
        let git = Git::around(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(hash) = git.ask(&["hash-object", "--no-filters", "--", &name]) else { return false };
        // git renews the time of an object that it would write again; a commit is bound to its files by their hashes.
        let hash = hash.trim();
        self.is_old_object(&git, hash) || self.old_copy(&git, &name).as_deref() == Some(hash)
    }

    /// Whether a package.json has all that steers what is run as git has it, in a copy that is older than the session:
    /// `npm version` and `npm install` change the rest.
    fn runs_as_in_repository(&self, path: &Path) -> bool {
        if path.file_name().is_none_or(|name| name != "package.json") {
            return false;
        }
        let git = Git::around(path);
        let committed = self.old_copy(&git, "package.json");
        let committed = committed.and_then(|hash| String::from_utf8(git.object("blob", &hash)?).ok());
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
        let folder = git.ask(&["rev-parse", "--show-prefix"])?;
        let commit = git.object("commit", commit)?;
        let first = commit.split(|byte| *byte == b'\n').next()?;
        let mut copy = String::from_utf8(first.strip_prefix(b"tree ")?.to_vec()).ok()?;
        for name in folder.trim_end().split_terminator('/').chain([name]) {
            copy = entry(&git.object("tree", &copy)?, name, copy.len() / 2)?;
        }
        Some(copy)
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
        // git renews the time of a pack that has what it would write; what a pack has is told by its index.
        let is_pack = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "pack");
        packs.iter().any(|path| !is_pack(path))
            && packs.iter().all(|path| is_pack(path) || old(path))
            && objects.join(head).join(tail).symlink_metadata().is_err()
            && git.ask(&["cat-file", "-e", hash]).is_some()
    }
}

/// The hash, of so many bytes, of what has this name in a tree of git's: of each entry there is the mode, a blank, the name,
/// a zero byte and the hash (gitformat-pack(5) leaves it to `git ls-tree`, which checks no hashes).
fn entry(tree: &[u8], name: &str, length: usize) -> Option<String> {
    let mut rest = tree;
    loop {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (described, hash) = (rest.get(..end)?, rest.get(end + 1..end + 1 + length)?);
        let blank = described.iter().position(|byte| *byte == b' ')?;
        if described.get(blank + 1..)? == name.as_bytes() {
            return Some(HEXLOWER.encode(hash));
        }
        rest = rest.get(end + 1 + length..)?;
    }
}

pub(super) fn changed_at(metadata: &fs::Metadata) -> u128 {
    let seconds = u128::try_from(metadata.ctime()).unwrap_or(0);
    seconds * 1_000_000_000 + u128::try_from(metadata.ctime_nsec()).unwrap_or(0)
}

fn written_at(metadata: &fs::Metadata) -> u128 {
    let seconds = u128::try_from(metadata.mtime()).unwrap_or(0);
    seconds * 1_000_000_000 + u128::try_from(metadata.mtime_nsec()).unwrap_or(0)
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
    // What is not there is not to be fetched from where the agent's configuration says.
    git.env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .args(["-c", "core.fsmonitor=false", "-c", "core.commitGraph=false", "-c", "protocol.allow=never"])
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

    /// An object's content. git believes what lies under an object's name, in a file or in a pack, and an agent can
    /// replace either.
    fn object(&self, kind: &str, hash: &str) -> Option<Vec<u8>> {
        let content = self.answer(&["cat-file", kind, hash], None)?;
        let hashed = self.answer(&["hash-object", "-t", kind, "--stdin"], Some(&content))?;
        (hashed.trim_ascii() == hash.as_bytes()).then_some(content)
    }

    /// What git answers in text, where it does.
    fn ask(&self, arguments: &[&str]) -> Option<String> {
        String::from_utf8(self.answer(arguments, None)?).ok()
    }

    /// What git answers, where it does, to these bytes on its standard input.
    fn answer(&self, arguments: &[&str], input: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut git = git()?;
        git.arg("-C").arg(self.folder).args(arguments).stdout(Stdio::piped());
        if input.is_some() {
            git.stdin(Stdio::piped());
        }
        let mut child = git.spawn().ok()?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin.write_all(input).ok()?;
        }
        let output = child.wait_with_output().ok()?;
        output.status.success().then_some(output.stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    fn run(folder: &Path, arguments: &[&str]) -> String {
        let mut git = git().unwrap();
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"];
        let output = git.arg("-C").arg(folder).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn a_commit_vouches_for_what_is_in_it_and_no_forged_object_does() {
        let project = tempfile::tempdir().unwrap();
        let path = |name: &str| project.path().join(name);
        fs::create_dir_all(path("lib/deep")).unwrap();
        for name in ["lib/deep/a.js", "lib/deep/c.js", "package.json"] {
            fs::write(path(name), "{}").unwrap();
        }
        run(project.path(), &["init", "-q"]);
        run(project.path(), &["add", "."]);
        run(project.path(), &["commit", "-qm", "Begin"]);
        std::thread::sleep(Duration::from_millis(20));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        std::thread::sleep(Duration::from_millis(20));
        let inspection = Inspection { since, folder: project.path().to_owned() };
        let is_changed = |name: &str| inspection.is_changed(&path(name));
        assert!(!is_changed("lib/deep/a.js"));

        // Its object is as new as the file then.
        fs::write(path("lib/deep/a.js"), "{}").unwrap();
        fs::write(path("package.json"), r#"{ "version": "2.0.0" }"#).unwrap();
        run(project.path(), &["add", "."]);
        assert!(!is_changed("lib/deep/a.js"));
        assert!(!is_changed("package.json"), "a version steers nothing");
        fs::write(path("lib/deep/a.js"), "changed").unwrap();
        assert!(is_changed("lib/deep/a.js"));

        fs::write(path("lib/deep/b.js"), "new").unwrap();
        run(project.path(), &["add", "."]);
        let object = |name: &str| {
            let hash = run(project.path(), &["rev-parse", name]);
            path(".git/objects").join(&hash[..2]).join(&hash[2..])
        };
        let forged = object(&format!("{}:lib/deep", run(project.path(), &["write-tree"])));
        let content = fs::read(forged).unwrap();
        fs::remove_file(object("HEAD:lib/deep")).unwrap();
        let place = run(project.path(), &["rev-parse", "HEAD:lib/deep"]);
        fs::write(path(".git/objects").join(&place[..2]).join(&place[2..]), content).unwrap();
        assert_eq!(run(project.path(), &["rev-parse", "HEAD:lib/deep/b.js"]).len(), 40, "git believes it");
        assert!(is_changed("lib/deep/b.js"));
        assert!(is_changed("lib/deep/a.js"));
    }
}
