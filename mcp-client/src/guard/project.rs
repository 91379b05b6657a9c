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
