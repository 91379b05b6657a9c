//! New modules that languages load in place of their own, though no program names them.

use super::texts::Language;
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Modules of Python that it loads before a script's first line, or that nearly every other module loads.
const PYTHON_IMPLICIT: &[&str] = &[
    "os",
    "re",
    "io",
    "abc",
    "array",
    "codecs",
    "concurrent",
    "contextvars",
    "fcntl",
    "msvcrt",
    "opcode",
    "quopri",
    "select",
    "site",
    "stat",
    "types",
    "enum",
    "functools",
    "collections",
    "keyword",
    "operator",
    "reprlib",
    "heapq",
    "copyreg",
    "warnings",
    "contextlib",
    "string",
    "struct",
    "threading",
    "time",
    "socket",
    "ssl",
    "selectors",
    "signal",
    "email",
    "http",
    "urllib",
    "json",
    "base64",
    "hashlib",
    "hmac",
    "random",
    "logging",
    "traceback",
    "linecache",
    "tokenize",
    "token",
    "inspect",
    "dis",
    "ast",
    "importlib",
    "typing",
    "copy",
    "weakref",
    "datetime",
    "calendar",
    "locale",
    "tempfile",
    "shutil",
    "subprocess",
    "uuid",
    "decimal",
    "numbers",
    "queue",
    "bisect",
    "math",
    "zlib",
    "gzip",
    "textwrap",
    "argparse",
    "gettext",
    "getopt",
    "fnmatch",
    "glob",
    "pathlib",
    "platform",
];

/// Names of folders and scripts that many projects have and few modules load, though Python has a module of that name.
const USUAL: &[&str] = &["test", "tests", "code", "setup", "docs", "examples", "this", "example"];

/// Of a project's new files, those that a language loads in place of its own: Python from the folder of the script, Perl
/// from any that `use lib` or `-I` names.
pub(super) fn shadows(language: Language, newer: &HashSet<PathBuf>, folder: &Path) -> Vec<PathBuf> {
    match language {
        Language::Python => {
            let mut installed = None;
            let is_shadow =
                |file: &&PathBuf| is_pythons(file, folder, installed.get_or_insert_with(folders_of_python));
            newer.iter().filter(is_shadow).cloned().collect()
        }
        Language::Perl => {
            newer.iter().filter(|file| file.extension() == Some(OsStr::new("pm"))).cloned().collect()
        }
        _ => vec![],
    }
}

fn is_pythons(file: &Path, folder: &Path, installed: &[PathBuf]) -> bool {
    let Ok(below) = file.strip_prefix(folder) else { return false };
    let mut parts = below.components().map(|part| part.as_os_str().to_string_lossy());
    let (Some(first), second) = (parts.next(), parts.next()) else { return false };
    let stem = first.split('.').next().unwrap_or_default();
    let ending = first.rsplit('.').next().unwrap_or_default();
    let is_module = match second {
        // A new link to a folder is a package, whatever it has.
        None => ["py", "pyc", "so", "pyd"].contains(&ending) || file.is_dir(),
        Some(second) => second.starts_with("__init__."),
    };
    let is_compiled = ["pyc", "so"].contains(&ending);
    let is_installed = || {
        !USUAL.contains(&stem)
            && installed
                .iter()
                .any(|folder| folder.join(stem).is_dir() || folder.join(format!("{stem}.py")).is_file())
    };
    is_module && (PYTHON_IMPLICIT.contains(&stem) || stem.starts_with('_') || is_compiled || is_installed())
}

/// Where the Pythons of this machine and of this folder have their modules.
pub(super) fn folders_of_python() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&path).chain([".venv/bin", "venv/bin"].map(PathBuf::from));
    let mut libraries: Vec<PathBuf> = programs
        .flat_map(|folder| {
            let python = folder.join("python3").canonicalize().unwrap_or_default();
            let real = python.parent().and_then(Path::parent).map(|prefix| prefix.join("lib"));
            [folder.parent().map(|prefix| prefix.join("lib")), real].into_iter().flatten()
        })
        .collect();
    libraries.extend(std::env::home_dir().map(|home| home.join(".local/lib")));
    libraries.sort();
    libraries.dedup();
    let versions = libraries.iter().flat_map(|library| fs::read_dir(library).into_iter().flatten().flatten());
    let versions = versions.map(|entry| entry.path());
    versions
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python")))
        .flat_map(|version| [version.join("site-packages"), version.join("dist-packages"), version])
        .filter(|folder| folder.is_dir())
        .collect()
}
