//! Interpreters and shells: which file one is to run, and what makes it unfit for values: code on its command line or
//! from its standard input, a flag that nobody knows.

use super::{
    arguments::{End, Flags, UNKNOWN, read},
    program::{INLINE, INPUT},
    project::is_data,
    reach::Code,
};
use crate::ticket::PLACEHOLDER;
use std::path::{Path, PathBuf};

/// Shells, which run scripts and lines.
pub(super) const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash"];

/// Why a file of the system's is not run with values: it may do as it is told.
const SYSTEMS: &str = "is given a script of the system's; name the tool itself";
const MODULE: &str = "runs a module that is not known to use secrets";
/// Silently: it will say so itself.
pub(super) const NO_FILE: &str = "is given no file";

/// An interpreter, by its names, its flags, and the endings that it adds to a script's name.
pub(super) struct Interpreter {
    names: &'static [&'static str],
    flags: Flags,
    /// The letters of flags that give it code on the command line.
    inline: &'static str,
    endings: &'static [&'static str],
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["node", "nodejs", "tsx", "ts-node", "bun", "deno"],
        flags: Flags {
            letters: "hvA",
            switches: &[
                "--allow-env",
                "--allow-net",
                "--allow-read",
                "--enable-source-maps",
                "--experimental-fetch",
                "--experimental-sqlite",
                "--experimental-strip-types",
                "--experimental-test-coverage",
                "--experimental-transform-types",
                "--experimental-vm-modules",
                "--experimental-websocket",
                "--expose-gc",
                "--help",
                "--no-addons",
                "--no-deprecation",
                "--no-warnings",
                "--pending-deprecation",
                "--test",
                "--test-only",
                "--throw-deprecation",
                "--trace-deprecation",
                "--trace-exit",
                "--trace-uncaught",
                "--trace-warnings",
                "--use-strict",
                "--version",
            ],
            texts: &[
                "--conditions",
                "-C",
                "--dns-result-order",
                "--max-http-header-size",
                "--max-old-space-size",
                "--max-semi-space-size",
                "--stack-trace-limit",
                "--test-concurrency",
                "--test-name-pattern",
                "--test-skip-pattern",
                "--test-timeout",
                "--unhandled-rejections",
            ],
            files: &[
                "-r",
                "--require",
                "--import",
                "--loader",
                "--experimental-loader",
                "--env-file",
                "--env-file-if-exists",
                "--test-reporter",
            ],
            ..Flags::NONE
        },
        inline: "ep",
        endings: &[".js", ".json", ".node", ".cjs", ".mjs", ".ts"],
    },
    Interpreter {
        names: &["python", "python3", "pypy", "pypy3"],
        flags: Flags {
            letters: "uBEsSIOqvbVh",
            switches: &["--version", "--help"],
            texts: &["-W", "-X", "-m"],
            ..Flags::NONE
        },
        inline: "c",
        endings: &[],
    },
    Interpreter {
        names: &["perl"],
        flags: Flags { letters: "wTtWv", files: &["-I"], ..Flags::NONE },
        inline: "eEnp",
        endings: &[],
    },
    Interpreter {
        names: &["ruby"],
        flags: Flags { letters: "wv", files: &["-I"], ..Flags::NONE },
        inline: "enp",
        endings: &[],
    },
    Interpreter {
        names: &["php"],
        flags: Flags { letters: "qv", ..Flags::NONE },
        inline: "rRB",
        endings: &[],
    },
    Interpreter {
        names: &["lua", "luajit"],
        flags: Flags { letters: "vW", ..Flags::NONE },
        inline: "e",
        endings: &[],
    },
    Interpreter {
        names: &["Rscript"],
        flags: Flags { switches: &["--vanilla"], ..Flags::NONE },
        inline: "e",
        endings: &[],
    },
];

/// Flags of shells that run a script: no start-up files, no standard input.
const OF_SHELLS: Flags = Flags {
    letters: "euxvnfCbhBp",
    switches: &["--noprofile", "--norc", "--posix"],
    texts: &["-o", "+o", "-O", "+O"],
    ..Flags::NONE
};

/// Modules of Python that run a project's code with secrets.
pub(super) const MODULES: &[&str] = &[
    "alembic", "behave", "celery", "coverage", "django", "flask", "gunicorn", "nose2", "nox", "pytest",
    "tox", "unittest", "uvicorn",
];

/// The interpreter of this name, whatever its version.
pub(super) fn named(name: &str) -> Option<&'static Interpreter> {
    INTERPRETERS.iter().find(|one| one.names.iter().any(|known| is_version_of(name, known)))
}

fn is_version_of(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// What a shell is to run, or what makes it unfit for values.
pub(super) fn script_of_shell(name: &str, arguments: &[String]) -> Result<Code, &'static str> {
    let arguments = read(&OF_SHELLS, arguments, End::Operand)?;
    let Some((_, script)) = arguments.operands.first() else { return Err(INPUT) };
    let mut files = vec![script_file(script, &[])?];
    if name == "zsh" {
        files.extend(std::env::home_dir().map(|home| home.join(".zshenv")).filter(|file| file.is_file()));
    }
    files.extend(arguments.operands.iter().skip(1).flat_map(|(_, word)| named_files(word)));
    Ok(files.into())
}

/// What an interpreter is to run, or what makes it unfit for values.
pub(super) fn script_of(
    interpreter: &Interpreter,
    name: &str,
    arguments: &[String],
) -> Result<Code, &'static str> {
    // `deno run x.ts`, `bun test`.
    let runs = ["deno", "bun"].contains(&name)
        && arguments.first().is_some_and(|word| ["run", "test"].contains(&word.as_str()));
    let is_test = runs && arguments.first().is_some_and(|word| word == "test");
    let arguments = arguments.get(usize::from(runs)..).unwrap_or_default();
    if name == "deno" && !runs {
        return Err(INLINE);
    }
    // A module's arguments are its own.
    let module =
        arguments.iter().position(|word| word == "-m").filter(|_| interpreter.flags.texts.contains(&"-m"));
    let (own, rest) = arguments.split_at(module.map_or(arguments.len(), |at| (at + 2).min(arguments.len())));
    let read = read(&interpreter.flags, own, End::Operand).map_err(|unknown| {
        let mut flags = own.iter().take_while(|word| word.starts_with('-') && word.len() > 1);
        let gives_code = |word: &String| match word.strip_prefix("--") {
            Some(long) => long.starts_with("eval") || long.starts_with("print"),
            None => word.chars().skip(1).any(|letter| interpreter.inline.contains(letter)),
        };
        if flags.any(gives_code) { INLINE } else { unknown }
    })?;
    let mut files = Vec::new();
    for file in &read.files {
        if file.starts_with("data:") || file.starts_with("http") {
            return Err(INLINE);
        }
        files.extend(loaded(file));
    }
    for (flag, value) in &read.texts {
        match *flag {
            "-W" if !value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b':') => {
                return Err(UNKNOWN);
            }
            "-X" if ["pycache_prefix", "presite", "pathconfig"].iter().any(|no| value.starts_with(no)) => {
                return Err(UNKNOWN);
            }
            "-m" if read.operands.is_empty() => {
                files.extend(rest.iter().flat_map(|word| named_files(word)));
                let path = value.replace('.', "/");
                let own =
                    [format!("{path}.py"), format!("{path}/__main__.py"), format!("{path}/__init__.py")];
                let own: Vec<PathBuf> =
                    own.into_iter().map(PathBuf::from).filter(|file| file.is_file()).collect();
                let is_known = MODULES.contains(&value.split('.').next().unwrap_or_default());
                if own.is_empty() && !is_known {
                    return Err(MODULE);
                }
                files.extend(own);
                return Ok(Code { files, whole_project: is_known, ..Code::default() });
            }
            _ => {}
        }
    }
    let is_test = is_test || read.switches.contains(&"--test");
    let mut operands = read.operands.iter().map(|(_, word)| *word);
    match operands.next() {
        // All that follow are files to test, or patterns of them.
        Some(first) if is_test => {
            let patterns: Vec<&str> = std::iter::once(first).chain(operands).collect();
            let found: Vec<PathBuf> = patterns.iter().flat_map(|word| named_files(word)).collect();
            let whole_project = patterns.iter().any(|word| !Path::new(word).exists());
            files.extend(patterns.iter().map(PathBuf::from).filter(|path| path.is_dir()));
            files.extend(found);
            Ok(Code { files, whole_project, ..Code::default() })
        }
        Some(script) => {
            files.push(script_file(script, interpreter.endings)?);
            // Files and modules among its arguments may be code as well.
            files.extend(operands.flat_map(named_files));
            Ok(files.into())
        }
        // Without a file, a test runner takes all that look like tests.
        None if is_test => Ok(Code { files, whole_project: true, ..Code::default() }),
        None if read.switches.iter().any(|flag| ["--version", "--help"].contains(flag)) => Err(NO_FILE),
        None => Err(INPUT),
    }
}

/// Whether flags for node, as NODE_OPTIONS has them, load nothing and write nothing.
pub(super) fn are_harmless_flags(options: &str) -> bool {
    let words: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
    let flags = named("node").map_or(Flags::NONE, |node| node.flags);
    read(&flags, &words, End::Marked).is_ok_and(|read| read.files.is_empty() && read.operands.is_empty())
}

/// The file that a script's name stands for, as interpreters find it; of a folder, that folder.
fn script_file(script: &str, endings: &[&str]) -> Result<PathBuf, &'static str> {
    const SYSTEM: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt"];
    let path = Path::new(script);
    if script == "-" || script.starts_with("/dev/") || script.starts_with("/proc/") {
        return Err(INPUT);
    }
    let added = endings.iter().map(|ending| PathBuf::from(format!("{script}{ending}")));
    let found = Some(path.to_owned())
        .filter(|path| path.exists())
        .or_else(|| added.into_iter().find(|path| path.is_file()));
    let found = found.ok_or(NO_FILE)?;
    let real = found.canonicalize().unwrap_or_else(|_| found.clone());
    if SYSTEM.iter().any(|folder| real.starts_with(folder)) {
        return Err(SYSTEMS);
    }
    Ok(found)
}

/// What a flag has loaded: a file, with an ending added or not, or a package of the project's.
fn loaded(name: &str) -> Vec<PathBuf> {
    let mut paths = named_files(name);
    let added =
        [".js", ".cjs", ".mjs", ".json", ".node", "/index.js"].map(|ending| format!("{name}{ending}"));
    paths.extend(added.into_iter().chain([name.to_owned()]).map(PathBuf::from).filter(|path| path.is_file()));
    // A package of that name is looked for upwards, and at home.
    let (first, second) = name.split_once('/').unwrap_or((name, ""));
    let package = match first.starts_with('@') {
        true => Path::new(first).join(second.split('/').next().unwrap_or_default()),
        false => PathBuf::from(first),
    };
    let here = std::env::current_dir().unwrap_or_default();
    let home = std::env::home_dir().unwrap_or_default();
    let above = here.ancestors().map(|folder| folder.join("node_modules"));
    let places = above.chain([".node_modules", ".node_libraries"].map(|name| home.join(name)));
    let is_bare = !name.starts_with(['.', '/']) && !first.is_empty();
    let found =
        places.map(|place| place.join(&package)).find(|package| package.is_dir() || package.is_file());
    paths.extend(found.filter(|_| is_bare));
    paths
}

/// The files that may be code that a word names, by itself or behind `=`; and the modules, where it looks like a name
/// of one: with a dot or a slash in it, or behind `=`.
pub(super) fn named_files(word: &str) -> Vec<PathBuf> {
    const LONGEST: usize = 4096;
    if word.len() > LONGEST || word.contains(PLACEHOLDER) {
        return vec![];
    }
    let (_, behind) = word.split_once('=').unwrap_or_default();
    let pieces = word.split(['=', ',', ':', ' ']).chain([word, behind]).filter(|piece| !piece.is_empty());
    let paths = pieces.flat_map(|piece| {
        let mut paths = vec![piece.to_owned()];
        if piece.contains(['.', '/']) || piece == behind {
            let module = piece.replace('.', "/");
            paths.extend([format!("{piece}.js"), format!("{module}.py"), format!("{module}/__init__.py")]);
        }
        paths
    });
    paths.map(PathBuf::from).filter(|path| path.is_file() && !is_data(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Result<Code, &'static str> {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let words: Vec<String> = words.collect();
        match named(&name) {
            Some(one) => script_of(one, &name, &words),
            None => script_of_shell(&name, &words),
        }
    }

    #[test]
    fn what_is_not_plainly_a_file_to_run_is_unfit() {
        for line in [
            "node -e 1",
            "node -pe 1",
            "node --eval=1",
            "node --import data:text/javascript,1 src/lib.rs",
            "node --import=data:text/javascript,1 src/lib.rs",
            "node --inspect-brk src/lib.rs",
            "node --watch src/lib.rs",
            "node --title src/lib.rs Cargo.toml",
            "node --cpu-prof src/lib.rs",
            "node --snapshot-blob=x src/lib.rs",
            "node --openssl-config=x src/lib.rs",
            "python3.11 -c 1",
            "python3 -Bic x",
            "python3 -X pycache_prefix=x src/lib.rs",
            "python3 -Xpycache_prefix=x src/lib.rs",
            "python3 --check-hash-based-pycs default src/lib.rs",
            "python3 -m pdb x.py",
            "python3 -m base64 x",
            "perl -ne 1",
            "perl -Mx Cargo.toml",
            "ruby -e 1",
            "php -r 1",
            "deno eval 1",
            "node",
            "node -",
            "node /dev/stdin",
            "python3 -u",
            "bash -s src/lib.rs",
            "bash -l src/lib.rs",
            "bash --rcfile x src/lib.rs",
            "sh -i src/lib.rs",
            "perl /usr/bin/prove",
        ] {
            assert!(judged(line).is_err(), "{line}: {:?}", judged(line));
        }
    }

    #[test]
    fn a_script_and_what_it_is_told_to_load_are_its_code() {
        // Files of this crate stand for scripts.
        let files = |line: &str| judged(line).map(|code| (code.files, code.whole_project));
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        for line in [
            "node src/lib.rs --flag",
            "node --max-old-space-size=512 src/lib.rs",
            "python3 -u -Wignore src/lib.rs",
            "bash -euo pipefail src/lib.rs",
            "sh -x src/lib.rs",
            "perl -w src/lib.rs",
        ] {
            assert_eq!(files(line), Ok((paths(&["src/lib.rs"]), false)), "{line}");
        }
        let both = |line: &str| files(line).is_ok_and(|(files, _)| files.contains(&"Cargo.toml".into()));
        for line in [
            "node -r ./Cargo.toml src/lib.rs",
            "node --require=Cargo.toml src/lib.rs",
            "node src/lib.rs Cargo.toml",
            "node src/lib.rs --x=Cargo.toml",
            "perl -ICargo.toml src/lib.rs",
        ] {
            assert!(
                both(line) || files(line).is_ok_and(|(files, _)| files.len() > 1),
                "{line}: {:?}",
                files(line)
            );
        }
        assert_eq!(files("node --test"), Ok((vec![], true)));
        assert_eq!(files("node --test src"), Ok((paths(&["src"]), false)));
        assert_eq!(files("python3 -m pytest -q"), Ok((vec![], true)));
    }
}
