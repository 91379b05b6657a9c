//! make, which takes secrets as variables and runs the recipes of its own file.

use super::{Use, Variables, files_in};
use crate::guard::{
    arguments::{End, Flags, UNKNOWN, read},
    program::{INLINE, INPUT},
    steering,
};
use std::path::{Path, PathBuf};

const MAKE: Flags = Flags {
    letters: "ksBniwj0123456789",
    switches: &[
        "--always-make",
        "--dry-run",
        "--just-print",
        "--keep-going",
        "--no-print-directory",
        "--print-directory",
        "--quiet",
        "--silent",
    ],
    texts: &["--jobs", "-O", "--output-sync", "-C", "--directory"],
    files: &["-f", "--file", "--makefile"],
    ..Flags::NONE
};

pub(super) fn use_of(arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&MAKE, arguments, End::Marked)?;
    let mut places = vec![];
    for (at, word) in &read.operands {
        match word.split_once('=') {
            Some((name, value)) => {
                let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let is_makes = name.len() <= 3 && name.bytes().all(|byte| !byte.is_ascii_lowercase())
                    || name.ends_with("FLAGS")
                    || MAKE_VARIABLES.contains(&name)
                    || steering::is_steering(name);
                if !is_name || is_makes || value.contains(['$', '`', '(', ';', '|', '&']) {
                    return Err(INLINE);
                }
                places.push(*at);
            }
            None if word.contains(['$', '`', '(']) => return Err(INLINE),
            None => {}
        }
    }
    let folders: Vec<&str> = read
        .texts
        .iter()
        .filter(|(flag, _)| ["-C", "--directory"].contains(flag))
        .map(|(_, folder)| *folder)
        .collect();
    let folder = match folders.as_slice() {
        [] => PathBuf::new(),
        [folder] => folder.into(),
        _ => return Err(UNKNOWN),
    };
    if read
        .files
        .iter()
        .any(|file| file.starts_with(['-', '/']) && !Path::new(file).is_file() || *file == "-")
    {
        return Err(INPUT);
    }
    let mut files: Vec<PathBuf> = read.files.iter().map(|file| folder.join(file)).collect();
    // make makes its own file from one of the same name with an ending (`Makefile.sh`, `Makefile.c`), by rules it has.
    let is_own = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        ["GNUmakefile", "makefile", "Makefile"].contains(&name.split('.').next().unwrap_or_default())
            && file.is_file()
    };
    let here = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.clone() };
    let names = files_in(&here).into_iter().filter_map(|file| Some(folder.join(file.file_name()?)));
    files.extend(names.filter(is_own));
    // What it runs is named from the folder that it works in, which must have the file then.
    let works_in = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
    let works_in = works_in.canonicalize().map_err(|_| UNKNOWN)?;
    if files.iter().any(|file| file.canonicalize().is_ok_and(|file| !file.starts_with(&works_in))) {
        return Err("is given a makefile of another folder");
    }
    Ok(Use { code: files.into(), places, variables: Variables::All })
}

/// What make is told to make; where that is not known, a word that is no target.
pub(in crate::guard) fn targets(arguments: &[String]) -> Vec<String> {
    let Ok(read) = read(&MAKE, arguments, End::Marked) else { return vec![String::new()] };
    let operands = read.operands.iter().map(|(_, word)| *word);
    operands.filter(|word| !word.contains('=')).map(str::to_owned).collect()
}

/// Variables of make's own, besides those of three letters and the flags.
const MAKE_VARIABLES: &[&str] = &[
    "COMPILE",
    "CTANGLE",
    "CWEAVE",
    "GPATH",
    "LDLIBS",
    "LINT",
    "LOADLIBES",
    "MAKE",
    "MAKEFILES",
    "MAKEINFO",
    "OUTPUT_OPTION",
    "PATH",
    "SHELL",
    "TANGLE",
    "TARGET_ARCH",
    "TEXI2DVI",
    "VPATH",
    "WEAVE",
    "YACC",
];
