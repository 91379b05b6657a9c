//! Programs that are found by their names: which of them are new in the folders of PATH.

use super::{changes::Inspection, program::find_program};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Programs that tools start though nobody names them.
const IMPLICIT: [&str; 20] = [
    "bash", "c++", "cc", "clang", "env", "g++", "gcc", "git", "ld", "less", "node", "pager", "ps", "python",
    "python3", "sh", "ssh", "uname", "which", "xdg-open",
];

impl Inspection {
    /// A folder of PATH that the agent itself does not have and that holds something new.
    pub fn strange_path_folder(&self, usual: &BTreeMap<String, String>) -> Option<String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let usual: HashSet<&str> =
            usual.get("PATH").map(|path| path.split(':').collect()).unwrap_or_default();
        path.split(':')
            .filter(|folder| !usual.contains(folder))
            .find(|folder| {
                let folder = Path::new(if folder.is_empty() { "." } else { folder });
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).any(|path| path.is_file() && self.is_changed(&path))
            })
            .map(str::to_owned)
    }

    /// A program that is newer than the session, would be found in PATH, and is among these words, stands before an older
    /// one of its name, or is one of those that this function says may be started besides.
    pub fn new_program(
        &self,
        words: &HashSet<String>,
        others: impl Fn(&[String]) -> Option<String>,
    ) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = vec![];
        for folder in std::env::split_paths(&path) {
            let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
            // Two names of one folder hold nothing twice.
            if let Ok(folder) = folder.canonicalize()
                && !folders.contains(&folder)
            {
                folders.push(folder);
            }
        }
        new_in(self, &folders, words, others)
    }

    /// A program that is newer than the session, that a package's scripts run in place of the machine's own of its name, in
    /// one of these folders or above: npm and its like look into node_modules/.bin first.
    pub fn new_binary(&self, folders: &HashSet<PathBuf>, words: &HashSet<String>) -> Option<PathBuf> {
        let real = folders.iter().filter_map(|folder| folder.canonicalize().ok());
        let above: HashSet<PathBuf> =
            real.flat_map(|folder| folder.ancestors().map(Path::to_owned).collect::<Vec<_>>()).collect();
        let entries = above.iter().flat_map(|folder| {
            fs::read_dir(folder.join("node_modules/.bin")).into_iter().flatten().flatten()
        });
        let hides =
            |name: &str| (words.contains(name) || IMPLICIT.contains(&name)) && find_program(name).is_some();
        entries
            .filter(|entry| hides(&entry.file_name().to_string_lossy()))
            .map(|entry| entry.path())
            .find(|path| self.is_newer(path) && self.is_changed(path))
    }
}

fn new_in(
    inspection: &Inspection,
    folders: &[PathBuf],
    words: &HashSet<String>,
    others: impl Fn(&[String]) -> Option<String>,
) -> Option<PathBuf> {
    let mut first: HashMap<String, (&Path, bool)> = HashMap::new();
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            first.entry(name).and_modify(|(_, again)| *again = true).or_insert((folder, false));
        }
    }
    // Tools have plugins that are called as they are, with more behind: kubectl-foo, git-foo.
    let is_plugin = |name: &str| name.split_once('-').is_some_and(|(tool, _)| words.contains(tool));
    let may_be_run = |name: &str, again: bool| {
        again || words.contains(name) || IMPLICIT.contains(&name) || is_plugin(name)
    };
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
    };
    let is_new =
        |path: &PathBuf| is_program(path) && inspection.is_newer(path) && inspection.is_changed(path);
    let new: Vec<(&String, bool, PathBuf)> = first
        .iter()
        .map(|(name, (folder, again))| (name, *again, folder.join(name)))
        .filter(|(.., path)| is_new(path))
        .collect();
    let plain = new.iter().find(|(name, again, _)| may_be_run(name, *again));
    let rest = || {
        let names: Vec<String> = new.iter().map(|(name, ..)| (*name).clone()).collect();
        let named = others(&names)?;
        new.iter().find(|(name, ..)| **name == named)
    };
    plain.or_else(rest).map(|(.., path)| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::fs::PermissionsExt,
        time::{Duration, SystemTime, UNIX_EPOCH},
    };

    #[test]
    fn a_new_program_counts_where_it_is_named_or_hides_another() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let add = |folder: usize, name: &str| {
            let path = folders[folder].path().join(name);
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        add(1, "tool");
        std::thread::sleep(Duration::from_millis(20));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        std::thread::sleep(Duration::from_millis(20));
        let inspection = Inspection { since, folder: ".".into() };
        let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.path().to_owned()).collect();
        let found = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            new_in(&inspection, &paths, &words, |_| None).map(|path| path.file_name().unwrap().to_owned())
        };
        assert_eq!(found(&["tool", "other"]), None);
        // Behind the old one it is not found.
        add(0, "other");
        assert_eq!(found(&["tool"]), None);
        assert_eq!(found(&["other"]).unwrap(), "other");
        let of_dependency = new_in(&inspection, &paths, &HashSet::new(), |names| names.first().cloned());
        assert_eq!(of_dependency.unwrap(), paths[0].canonicalize().unwrap().join("other"));
        add(0, "tool");
        assert_eq!(found(&[]).unwrap(), "tool");
        fs::remove_file(paths[0].join("tool")).unwrap();
        add(0, "node");
        assert_eq!(found(&[]).unwrap(), "node");
    }

    #[test]
    fn a_new_program_of_a_package_counts_where_it_hides_the_machines() {
        let project = tempfile::tempdir().unwrap();
        let bin = project.path().join("node_modules/.bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(project.path().join("part")).unwrap();
        let inspection = Inspection { since: 0, folder: ".".into() };
        let folders = HashSet::from([project.path().join("part")]);
        let found = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            inspection.new_binary(&folders, &words).map(|path| path.file_name().unwrap().to_owned())
        };
        fs::write(bin.join("linter-of-a-package"), "").unwrap();
        fs::write(bin.join("cat"), "").unwrap();
        assert_eq!(found(&["linter-of-a-package"]), None);
        assert_eq!(found(&["cat"]).unwrap(), "cat");
        fs::write(bin.join("sh"), "").unwrap();
        assert_eq!(found(&[]).unwrap(), "sh");
    }
}
