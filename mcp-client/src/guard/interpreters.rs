//! Interpreters of code: which file one is to run, and what makes it unfit for values: code on its command line, code
//! from its standard input, a flag that has it write down what it holds.

use super::{
    program::{INLINE, INPUT, WRITES},
    reach::{Code, is_data},
};
use crate::ticket::PLACEHOLDER;
use std::path::{Path, PathBuf};

/// An interpreter: the flags that give it code on the command line, and those that take an argument.
pub(super) struct Interpreter {
    names: &'static [&'static str],
    /// Long flags, or letters that count anywhere in a group of short ones.
    code: &'static [&'static str],
    /// What flags begin with that have it write its memory or environment into a file.
    writes: &'static [&'static str],
    letters: &'static str,
    takes: &'static [&'static str],
}

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        names: &["node", "nodejs", "tsx", "ts-node", "bun", "deno"],
        code: &[
            "--eval",
            "--print",
            "--interactive",
            "--inspect",
            "--inspect-brk",
            "--inspect-wait",
            "eval",
            "repl",
        ],
        writes: &[
            "--abort-on",
            "--build-snapshot",
            "--cpu-prof",
            "--diagnostic-dir",
            "--experimental-config-file",
            "--experimental-default-config-file",
            "--heap",
            "--perf",
            "--prof",
            "--redirect-warnings",
            "--report",
            "--trace-event",
            "--track-heap",
        ],
        letters: "epi",
        takes: &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "--env-file",
        ],
    },
    Interpreter {
        names: &["python", "python3", "pypy", "pypy3"],
        code: &[],
        writes: &[],
        letters: "ci",
        takes: &["-X", "-W"],
    },
    Interpreter { names: &["perl"], code: &[], writes: &[], letters: "eEnpidmM", takes: &["-I"] },
    Interpreter { names: &["ruby"], code: &[], writes: &[], letters: "enpi", takes: &["-I", "-r"] },
    Interpreter {
        names: &["php"],
        code: &["--run", "--process-code"],
        writes: &[],
        letters: "rRBad",
        takes: &["-c", "-S", "-t"],
    },
    Interpreter { names: &["lua", "luajit"], code: &[], writes: &[], letters: "ei", takes: &["-l"] },
    Interpreter { names: &["Rscript"], code: &[], writes: &[], letters: "e", takes: &[] },
];

/// The interpreter of this name, whatever its version.
pub(super) fn named(name: &str) -> Option<&'static Interpreter> {
    INTERPRETERS.iter().find(|one| one.names.iter().any(|known| is_version_of(name, known)))
}

fn is_version_of(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The files that an interpreter is to run, or what makes it unfit for values.
pub(super) fn script_of(interpreter: &Interpreter, arguments: &[String]) -> Result<Code, &'static str> {
    let mut entries = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
        if interpreter.code.contains(&flag) {
            return Err(INLINE);
        }
        if interpreter.writes.iter().any(|begins| flag.starts_with(begins)) {
            return Err(WRITES);
        }
        let attached = interpreter.takes.iter().find_map(|takes| {
            let rest = word.strip_prefix(takes)?;
            rest.strip_prefix('=').or_else(|| Some(rest).filter(|rest| takes.len() == 2 && !rest.is_empty()))
        });
        if attached.is_some() || interpreter.takes.contains(&flag) {
            let value = attached.or_else(|| words.next().map(String::as_str)).unwrap_or_default();
            if value.starts_with("data:") || value.starts_with("pycache_prefix") {
                return Err(INLINE);
            }
            entries.extend(Some(value).filter(|value| value.contains(['/', '.'])).map(PathBuf::from));
            entries.extend(named_files(value));
            continue;
        }
        if word == "-m" || word == "--module" {
            let module = words.next().map(|module| module.replace('.', "/")).unwrap_or_default();
            if ["base64", "timeit", "pdb", "code", "trace", "cProfile", "profile"].contains(&module.as_str())
            {
                return Err(INLINE);
            }
            let own = [format!("{module}.py"), format!("{module}/__main__.py")].map(PathBuf::from);
            // One that is installed (pytest, unittest, flask) looks for code by itself.
            let whole_project = !own.iter().any(|file| file.is_file());
            entries.extend(own);
            return Ok(Code { files: entries, whole_project, ..Code::default() });
        }
        if word == "-" {
            return Err(INPUT);
        }
        if let Some(letters) = word.strip_prefix('-') {
            if !letters.starts_with('-') && letters.contains(|c| interpreter.letters.contains(c)) {
                return Err(INLINE);
            }
            entries.extend(named_files(word));
            continue;
        }
        if ["run", "test"].contains(&word.as_str()) && !Path::new(word).exists() {
            continue;
        }
        entries.push(PathBuf::from(word));
        // Files and modules among its arguments may be code as well.
        entries.extend(words.flat_map(|word| named_files(word)));
        return Ok(entries.into());
    }
    // Without a file, node's test runner takes all that look like tests.
    if arguments.iter().any(|word| word == "--test") {
        return Ok(Code { files: entries, whole_project: true, ..Code::default() });
    }
    Err(INPUT)
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
        named(&name).map_or(Err("no interpreter"), |one| script_of(one, &words.collect::<Vec<_>>()))
    }

    #[test]
    fn code_from_elsewhere_than_a_file_is_seen() {
        for (reason, lines) in [
            (
                INLINE,
                &[
                    "node -e 1",
                    "node -pe 1",
                    "node --eval=1",
                    "node --import data:text/javascript,1 x.js",
                    "node --import=data:text/javascript,1 x.js",
                    "node --inspect-brk x.js",
                    "python3.11 -c 1",
                    "python3 -Bic x",
                    "python3 -X pycache_prefix=x manage.py",
                    "python3 -Xpycache_prefix=x manage.py",
                    "python3 -m pdb x.py",
                    "perl -ne 1",
                    "perl -Mx y.pl",
                    "ruby -e 1",
                    "php -r 1",
                    "deno eval 1",
                ][..],
            ),
            (INPUT, &["node", "node -", "python3", "python3 -u", "python3 -"]),
            (
                WRITES,
                &[
                    "node --cpu-prof x.js",
                    "node --report-on-signal x.js",
                    "node --heapsnapshot-signal=x y.js",
                ],
            ),
        ] {
            for line in lines {
                assert_eq!(judged(line).err(), Some(reason), "{line}");
            }
        }
    }

    #[test]
    fn a_script_and_what_it_is_told_to_load_are_its_code() {
        let files = |line: &str| judged(line).map(|code| (code.files, code.whole_project));
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(files("node app.js --flag"), Ok((paths(&["app.js"]), false)));
        assert_eq!(files("node -r ./x.js app.js"), Ok((paths(&["./x.js", "app.js"]), false)));
        assert_eq!(files("node --require=./x.js app.js"), Ok((paths(&["./x.js", "app.js"]), false)));
        assert_eq!(files("perl -Ix/lib y.pl"), Ok((paths(&["x/lib", "y.pl"]), false)));
        assert_eq!(files("node --test"), Ok((vec![], true)));
        assert_eq!(judged("python3 -m pytest -q").map(|code| code.whole_project), Ok(true));
        // This crate's own manifest, as a file that is there.
        assert!(files("node app.js Cargo.toml").is_ok_and(|(files, _)| files.contains(&"Cargo.toml".into())));
        assert!(
            files("node app.js --x=Cargo.toml").is_ok_and(|(files, _)| files.contains(&"Cargo.toml".into()))
        );
    }
}
