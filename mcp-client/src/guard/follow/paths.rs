//! Where a path leads that a text names: to which files of code.

use crate::guard::{judge::lexical, packages, project::is_data, texts::Language};
use std::path::{Path, PathBuf};

/// Whether code in a folder is a project's: neither the system's nor installed.
pub(in crate::guard) fn may_hold_code(path: &Path) -> bool {
    const SYSTEMS: [&str; 11] =
        ["/bin", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr"];
    // Everybody writes there.
    const SHARED: [&str; 2] = ["/dev/shm", "/run/user"];
    let is_systems = SYSTEMS.iter().any(|folder| path.starts_with(folder));
    path != Path::new("/")
        && Some(path) != std::env::home_dir().as_deref()
        && (!is_systems || SHARED.iter().any(|folder| path.starts_with(folder)))
        && !path
            .components()
            .any(|part| ["node_modules", ".git"].iter().any(|name| part.as_os_str() == *name))
}

/// The file that a path leads to, an ending added where that language leaves it out.
pub(super) fn file_of(path: &Path, language: Language) -> Option<PathBuf> {
    let found = if path.is_file() {
        Some(path.to_owned())
    } else {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // TypeScript names what will have been compiled.
        let compiled = match ending {
            "js" | "jsx" => &["ts", "tsx"][..],
            "mjs" => &["mts"],
            "cjs" => &["cts"],
            _ => &[],
        };
        let added = language.endings().iter().map(|ending| {
            let mut path = path.as_os_str().to_owned();
            path.push(".");
            path.push(ending);
            PathBuf::from(path)
        });
        let swapped = compiled.iter().map(|ending| path.with_extension(ending));
        added.chain(swapped).find(|path| path.is_file())
    };
    let found = found?;
    let real = found.canonicalize().ok()?;
    // A link from the project to where nobody looks is looked at.
    let written = lexical(&std::path::absolute(&found).ok()?);
    let may_be_code = may_hold_code(&real) || may_hold_code(&written);
    let is_code = may_be_code && (!is_data(&real) || found.is_symlink());
    is_code.then_some(if written == real { real } else { found })
}

/// The files that a module's path leads to: the file, or what stands for the folder.
pub(in crate::guard) fn module_of(path: &Path, language: Language) -> Vec<PathBuf> {
    if let Some(file) = file_of(path, language) {
        return vec![file];
    }
    if !path.is_dir() {
        return vec![];
    }
    let mut files = packages::entries_of(path);
    let own = ["index", "__init__", "__main__", "mod"];
    files.extend(own.iter().flat_map(|name| {
        let languages = [language, Language::JavaScript, Language::Python];
        languages.into_iter().filter_map(|language| file_of(&path.join(name), language)).collect::<Vec<_>>()
    }));
    files
}
