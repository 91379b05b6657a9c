//! The files of a project: where it begins, which there are, and which of them may be code.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The project that a file is of: the nearest folder above with a repository or a manifest.
pub(super) fn project_of(file: &Path) -> Option<PathBuf> {
    let file = file.canonicalize().or_else(|_| std::path::absolute(file)).ok()?;
    let marks = [
        ".git",
        "package.json",
        "pyproject.toml",
        "Cargo.toml",
        "go.mod",
        "Gemfile",
        "composer.json",
        ".securecoderc",
    ];
    let mut above = file.parent()?.ancestors();
    above.find(|folder| marks.iter().any(|mark| folder.join(mark).exists())).map(Path::to_owned)
}

/// The folders above this one, and itself, that have a repository or our file: all of one project. A home is none.
pub fn project_folders() -> Vec<PathBuf> {
    project_folders_above(Path::new("."))
}

pub(super) fn project_folders_above(folder: &Path) -> Vec<PathBuf> {
    let here = folder.canonicalize().unwrap_or_default();
    let home = std::env::home_dir();
    let is_of_it = |folder: &&Path| {
        *folder == here || [".git", ".securecoderc"].iter().any(|mark| folder.join(mark).exists())
    };
    let above = here.ancestors().filter(|folder| Some(*folder) != home.as_deref());
    above.filter(is_of_it).map(Path::to_owned).collect()
}

/// Names of folders of what was installed or built.
pub(super) const SKIPPED: &[&str] =
    &[".git", "node_modules", "target", ".venv", "venv", "__pycache__", ".next", "vendor"];

/// Whether a folder is of what was installed or built: by its name, where a tool makes one of that name.
fn is_set_aside(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let beside = |manifests: &[&str]| {
        folder.parent().is_some_and(|parent| manifests.iter().any(|name| parent.join(name).is_file()))
    };
    SKIPPED.contains(&name.as_ref())
        && match name.as_ref() {
            ".next" => beside(&["package.json"]),
            ".venv" | "venv" => folder.join("pyvenv.cfg").is_file(),
            "target" => beside(&["Cargo.toml", "build.sbt", "pom.xml"]),
            "vendor" => beside(&["Cargo.toml", "Gemfile", "composer.json", "go.mod"]),
            _ => true,
        }
}

/// What such a folder is loaded by where its own name is taken for a module's; no tool puts scripts there.
fn scripts_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    const SCRIPTS: [&str; 8] = ["cjs", "cts", "js", "jsx", "mjs", "mts", "py", "ts"];
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| SCRIPTS.iter().any(|known| ending == *known)))
}

/// The files of a project, without what was installed or built.
///
/// Whether these are all: of more than so many none is looked at.
pub(super) fn walk(root: &Path, files: &mut Vec<PathBuf>) -> bool {
    const MOST: usize = 100_000;
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if files.len() >= MOST {
                return false;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if is_set_aside(&entry.path()) {
                        files.extend(scripts_in(&entry.path()));
                    } else {
                        open.push(entry.path());
                    }
                }
                Ok(_) => files.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    true
}

/// The tests in folders that were set aside, by the names that runners look for: they pass by `node_modules` alone, and
/// most by virtual environments.
///
/// Whether these are all: of more than so many none is looked at.
pub(super) fn tests_set_aside(root: &Path, tests: &mut Vec<PathBuf>) -> bool {
    const MOST: usize = 1_000_000;
    let (mut open, mut count) = (vec![(root.to_owned(), false)], 0);
    while let Some((folder, is_aside)) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            count += 1;
            if count > MOST {
                return false;
            }
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                tests.extend(Some(path).filter(|path| is_aside && is_test(path)));
            } else if !["node_modules", ".git", "__pycache__"].iter().any(|name| entry.file_name() == *name) {
                let is_aside = is_aside || is_set_aside(&path);
                open.push((path, is_aside));
            }
        }
    }
    true
}

/// Whether a test runner would take a file for a test, by its name or by its folder's; what pip brings is for none of
/// Python's.
fn is_test(path: &Path) -> bool {
    const SCRIPTS: [&str; 8] = ["cjs", "cts", "js", "jsx", "mjs", "mts", "ts", "tsx"];
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().to_lowercase();
    let (stem, ending) = (text(path.file_stem()), text(path.extension()));
    let folders = || path.parent().into_iter().flat_map(Path::components).map(|part| part.as_os_str());
    let is_in = |names: &[&str]| folders().any(|part| names.iter().any(|name| part == *name));
    let is_named = stem == "test"
        || ["test-", "test_"].iter().any(|begin| stem.starts_with(begin))
        || [".test", "-test", "_test", ".spec", "-spec", "_spec", ".cy"]
            .iter()
            .any(|end| stem.ends_with(end));
    match ending.as_str() {
        "py" => (is_named || stem == "conftest") && !is_in(&["site-packages", "dist-packages"]),
        ending => SCRIPTS.contains(&ending) && (is_named || is_in(&["test", "tests", "__tests__"])),
    }
}

/// Whether a file's name is that of data, which no tool runs and by which none is steered.
pub(super) fn is_data(path: &Path) -> bool {
    const DATA: &[&str] = &[
        "bmp",
        "bz2",
        "css",
        "csv",
        "db",
        "db-journal",
        "db-shm",
        "db-wal",
        "err",
        "gif",
        "gz",
        "ico",
        "jpeg",
        "jpg",
        "jsonl",
        "lock",
        "log",
        "lz4",
        "md",
        "mp3",
        "mp4",
        "ndjson",
        "out",
        "parquet",
        "pdf",
        "pid",
        "png",
        "rst",
        "scss",
        "sqlite",
        "sqlite3",
        "sqlite3-journal",
        "sqlite3-shm",
        "sqlite3-wal",
        "svg",
        "tar",
        "tsv",
        "ttf",
        "txt",
        "wav",
        "webp",
        "woff",
        "woff2",
        "xz",
        "zip",
        "zst",
    ];
    const STEERING_JSON: &[&str] = &[
        "package.json",
        "composer.json",
        "deno.json",
        "project.json",
        "nx.json",
        "turbo.json",
        "lerna.json",
    ];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    // Python's own lists of what to install are obeyed.
    if name.starts_with("requirements") || name == "cmakelists.txt" {
        return false;
    }
    match name.rsplit_once('.') {
        Some((stem, "json")) => {
            !STEERING_JSON.contains(&name.as_str())
                && !["config", "rc", ".schema"].iter().any(|end| stem.ends_with(end))
                && !stem.starts_with("tsconfig")
                && !stem.starts_with('.')
        }
        Some((_, extension)) => DATA.contains(&extension),
        None => false,
    }
}

/// Whether a file's name is that of code.
pub(super) fn is_code(path: &Path) -> bool {
    const CODE: &[&str] = &[
        "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "py", "rb", "pl", "pm", "php", "sh", "bash",
        "zsh", "lua", "r", "mk", "go", "rs", "java", "jar", "so", "node", "wasm", "sql", "tf", "gradle",
    ];
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| CODE.contains(&extension.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_where_nothing_else_is_looked_for() {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for name in [
            "Cargo.toml",
            "test_own.py",
            "target/deep/test_new.py",
            "target/deep/out.py",
            "target/deep/tests/any.js",
            "vendor/a/b/new.test.ts",
            "vendor/a/b/new.ts",
            ".venv/pyvenv.cfg",
            ".venv/lib/site-packages/x/test_x.py",
            ".venv/lib/x.test.js",
            "target/node_modules/x/x.test.js",
        ] {
            write(name);
        }
        let mut tests = vec![];
        assert!(tests_set_aside(project.path(), &mut tests));
        let mut names: Vec<String> =
            tests.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        assert_eq!(names, ["any.js", "new.test.ts", "test_new.py", "x.test.js"]);
    }
}
