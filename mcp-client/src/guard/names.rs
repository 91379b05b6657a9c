//! New names near a program's files which it would load in place of its own, or beside them.

use super::{
    configuration, modules,
    project::{is_code, is_data},
    texts::Language,
};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// What a file that comes to be after a program was judged is measured by.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// What the program loads, by the parts of paths and the names of modules.
    pub loaded: HashSet<String>,
    /// Words of what it runs, for the tools among them.
    pub words: HashSet<String>,
    /// It runs whatever code there is.
    pub finds_code: bool,
    /// Folders of its code.
    pub folders: HashSet<PathBuf>,
    /// Its files, by their names and where those lead.
    pub own: HashSet<PathBuf>,
    /// When it was judged, in nanoseconds since 1970.
    pub since: u128,
}

impl Names {
    /// Whether a new name in a folder, one of those or one below it, may be run by the program.
    pub fn may_run(&self, path: &Path, folder: &Path) -> bool {
        let own = &self.own;
        let (Some(name), Some(stem)) = (text(path.file_name()), text(path.file_stem())) else { return true };
        // Those are compared.
        if own.contains(path) {
            return false;
        }
        // What is on the way to them now is another folder.
        if own.iter().any(|file| file.starts_with(path)) {
            return true;
        }
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink());
        let has_own = |endings: &[&str]| {
            endings.iter().any(|ending| own.contains(&path.with_file_name(format!("{stem}.{ending}"))))
        };
        if configuration::in_folder(path.parent().unwrap_or(folder))
            .into_iter()
            .any(|(file, tools)| file == path && tools.are_among(&self.words))
        {
            return true;
        }
        // node takes a whole name first.
        if path.extension().is_none() && (!is_link || has_own(JAVASCRIPT)) {
            return has_own(JAVASCRIPT);
        }
        let is_compiled = [".pyc", ".pyd"].iter().any(|ending| name.ends_with(ending));
        if is_data(path) && !is_link || !is_code(path) && !is_link && !is_compiled || name.ends_with(".sql") {
            return false;
        }
        // What is compiled beside its source; and what vite makes of its configuration, for a moment.
        let is_made = ["js", "cjs", "mjs"].iter().any(|ending| name.ends_with(ending))
            && (has_own(&["ts", "tsx", "mts", "cts"])
                || name.split_once(".timestamp-").is_some_and(|(of, _)| of.contains(".config.")));
        if is_made {
            return false;
        }
        let loads = |name: &str| self.loaded.contains(name);
        let shadows = |language: Language, path: &Path| {
            !modules::shadows(language, &HashSet::from([path.to_owned()]), folder).is_empty()
        };
        self.finds_code
            || loads(&stem)
            || loads(&name)
            || ["index", "__init__", "__main__", "mod"].contains(&stem.as_str())
                && path.parent().and_then(|folder| text(folder.file_name())).is_some_and(|name| loads(&name))
            || is_link && self.may_load(path)
            || [Language::Python, Language::Perl]
                .into_iter()
                .any(|language| own.iter().any(|file| language.is_of(file)) && shadows(language, path))
    }

    /// Whether a folder of this name would be loaded for a module.
    pub fn may_load(&self, path: &Path) -> bool {
        let name = text(path.file_name()).unwrap_or_default();
        self.own.iter().any(|file| file.starts_with(path))
            || self.loaded.contains(&name)
            || self.own.iter().any(|file| Language::Python.is_of(file))
                && path.parent().is_some_and(|folder| {
                    let module = HashSet::from([path.join("__init__.py")]);
                    !modules::shadows(Language::Python, &module, folder).is_empty()
                })
    }

    /// What is new in a folder and may be run.
    pub fn appeared(&self, folder: &Path) -> Option<PathBuf> {
        // A folder changes with the names in it.
        if !self.is_new(folder) {
            return None;
        }
        let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|path| self.is_new(path)).find(|path| {
            let is_folder = path.is_dir() && !path.is_symlink();
            if is_folder { self.may_load(path) } else { self.may_run(path, folder) }
        })
    }

    /// Whether a file came to be since the program was judged.
    fn is_new(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|metadata| super::changes::changed_at(&metadata) >= self.since)
    }
}

const JAVASCRIPT: &[&str] = &["js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx", "json", "node"];

fn text(name: Option<&std::ffi::OsStr>) -> Option<String> {
    Some(name?.to_string_lossy().into_owned())
}
