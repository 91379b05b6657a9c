//! What a program finds rather than names: code that it lists or computes, tests that a runner looks for, and files that
//! data leads to.

use super::{Reach, may_hold_code, module_of, tokens::Tokens};
use crate::guard::{
    consumers,
    project::{is_code, project_of, tests_set_aside, walk},
    reach::{Obstacle, Seen},
    texts::Language,
};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

impl Reach<'_> {
    /// Any code of the project around a folder, and of the folders that are named, may be run.
    pub(super) fn finds_code_in(&mut self, folder: &Path, named: &[PathBuf]) {
        self.finds_code = true;
        self.folders.extend(project_of(&folder.join("x")));
        self.folders.extend(named.iter().cloned());
    }

    /// Notes the folders that a text may list: those that it names, else its own, unless that is all of the project.
    pub(super) fn lists(&mut self, tokens: &HashSet<&str>, quoted: &HashSet<&str>, folder: &Path) {
        const MOST: usize = 64;
        let paths = tokens.iter().filter(|token| token.contains('/')).chain(quoted);
        let paths = paths.map(|path| path.trim_start_matches('/'));
        let paths: HashSet<&str> = paths.filter(|path| path.contains(|c| !"./".contains(c))).collect();
        let is_listed = |path: &PathBuf| path.is_dir() && may_hold_code(path) && !self.roots.contains(path);
        let mut found: Vec<PathBuf> = vec![];
        let mut bases = vec![folder.to_owned(), self.here.clone()];
        if quoted.contains("..") {
            bases.extend(folder.parent().map(Path::to_owned));
        }
        while let Some(base) = bases.pop() {
            let below = paths.iter().filter_map(|path| base.join(path).canonicalize().ok()).filter(is_listed);
            for path in below {
                if !found.contains(&path) && found.len() < MOST {
                    found.push(path.clone());
                    bases.push(path);
                }
            }
        }
        if found.is_empty() {
            found.extend(Some(folder.to_owned()).filter(is_listed));
        }
        self.listed.extend(found);
    }

    /// Opens what these values lead to, if a text computes what it loads: it may load that.
    pub(in crate::guard) fn load(&mut self, values: &[String]) {
        let bases: Vec<PathBuf> = self.loaders.iter().chain([&self.here]).cloned().collect();
        if self.loaders.is_empty() {
            return;
        }
        for path in values.iter().flat_map(|value| bases.iter().map(move |base| base.join(value))) {
            if path.is_file() && !is_json(&path) && self.is_changed(&path) {
                self.changed = Some(path);
                return;
            }
            self.open.extend(module_of(&path, Language::JavaScript));
            if path.is_dir() {
                self.open.extend(Some(path.join("package.json")).filter(|file| file.is_file()));
                if !self.listed.is_empty() {
                    self.folders.extend(path.canonicalize());
                }
            }
        }
    }

    /// The folders in which it finds code, where it does.
    pub(in crate::guard) fn folders_of_found(&self) -> HashSet<PathBuf> {
        if !self.finds_code {
            return HashSet::new();
        }
        let files = self.by_name.values().flatten();
        let mut folders: HashSet<PathBuf> =
            files.filter_map(|file| file.parent().map(Path::to_owned)).collect();
        folders.extend(self.folders.iter().cloned());
        folders
    }

    /// All that is found rather than named, up to a number that can be watched.
    ///
    /// # Errors
    /// The first file that changed, or the folder that holds more than can be looked at.
    pub(in crate::guard) fn found(&mut self) -> Result<Vec<Seen>, Obstacle> {
        const MOST: usize = 4000;
        const LONGEST: usize = 1 << 20;
        if !self.finds_code {
            return Ok(vec![]);
        }
        // Stamped before they are looked into.
        let mut seen: Vec<Seen> = self.newer.iter().map(|file| Seen::now(file)).collect();
        if let Some(file) = self.newer.iter().find(|file| self.is_changed(file)) {
            return Err(file.clone().into());
        }
        // What is listed in data is loaded from wherever it is.
        for data in &self.newer_data {
            let text = fs::read(data).unwrap_or_default();
            let text = String::from_utf8_lossy(text.get(..text.len().min(LONGEST)).unwrap_or_default());
            let folder = data.parent().unwrap_or(Path::new(""));
            let paths = Tokens::of(&text).all.into_iter().filter(|token| token.contains('/'));
            let named = paths.flat_map(|path| {
                let bases = [folder, self.here.as_path()];
                bases.map(|base| module_of(&base.join(path), Language::JavaScript)).into_iter().flatten()
            });
            if let Some(file) = named.into_iter().find(|file| self.is_changed(file)) {
                return Err(file.into());
            }
        }
        if !self.loaders.is_empty() {
            let mut listed = vec![];
            for folder in &self.listed {
                if !walk(folder, &mut listed) {
                    return Err(folder.clone().into());
                }
            }
            if let Some(file) = listed.into_iter().find(|file| !is_json(file) && self.is_changed(file)) {
                return Err(file.into());
            }
        }
        let runs_tests = consumers::TEST_RUNNERS.iter().any(|runner| self.words.contains(*runner));
        let mut tests = vec![];
        for root in self.roots.iter().filter(|_| runs_tests) {
            if !tests_set_aside(root, &mut tests) {
                return Err(root.clone().into());
            }
        }
        if let Some(test) = tests.into_iter().find(|test| self.is_changed(test)) {
            return Err(test.into());
        }
        let mut files: Vec<PathBuf> = vec![];
        for folder in self.folders.iter().filter(|folder| !self.roots.contains(folder)) {
            if !self.is_indexed(folder) && !walk(folder, &mut files) {
                return Err(folder.clone().into());
            }
        }
        let all = self.by_name.values().flatten().chain(&files);
        seen.extend(all.filter(|file| is_code(file)).take(MOST).map(|file| Seen::now(file)));
        if let Some(file) = files.iter().find(|file| !self.inspection.is_data(file) && self.is_changed(file))
        {
            return Err(file.clone().into());
        }
        seen.retain(|file| is_code(file.path()));
        Ok(seen)
    }
}

/// Whether a file of data may have texts in it as they are: a picture, a sound or an archive has none.
pub(super) fn has_text(path: &Path) -> bool {
    const NONE: [&str; 22] = [
        "bmp", "bz2", "gif", "gz", "ico", "jpeg", "jpg", "lz4", "mp3", "mp4", "parquet", "pdf", "png", "ttf",
        "wav", "webp", "woff", "woff2", "xz", "zip", "zst", "css",
    ];
    !path.extension().is_some_and(|ending| NONE.iter().any(|known| ending == *known))
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}
