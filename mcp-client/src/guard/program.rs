//! Which programs are trusted with values. A program that prints what it is given, that is told its code on the
//! command line, or that changed since the session began, is given placeholders.

use super::{
    arguments::{End, Flags, read},
    changes::Inspection,
    consumers::{self, Variables},
    interpreters::{self, SHELLS},
    project::project_folders,
    steering::{self, Told},
    trusted::Trusted,
};
use crate::ticket::Redeemed;
use std::{
    ffi::OsString,
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Where a program that is trusted is given values.
#[derive(Debug)]
pub struct Given {
    /// What is started, as it is written.
    pub program: String,
    /// The number of its word.
    pub at: usize,
    /// Whether a launcher before it starts it as a process of its own, rather than becoming it.
    pub is_apart: bool,
    /// The numbers of the words, the program's own being counted.
    pub words: Vec<usize>,
    /// The variables.
    pub variables: Variables,
    /// The files that it runs.
    pub code: Trusted,
}

/// What a program is given.
#[derive(Debug)]
pub enum Judgement {
    /// Values in these arguments and variables.
    Values(Box<Given>),
    /// Placeholders, without a word: it never needs more.
    Placeholders,
    /// Placeholders, for this reason, which the agent is told.
    Because(String),
    /// It is a shell with a command line as the argument of this number: that is guarded in its turn.
    Shell(usize),
    /// It starts programs with arguments that only it knows (`xargs`, `find -exec`), named at these places: each is
    /// judged when it is started.
    Starter(Vec<usize>),
}

/// Why a program is not trusted, behind its name.
pub(super) const INLINE: &str = "is given its code on the command line";
pub(super) const INPUT: &str = "reads its code from standard input";
pub(super) const TOLD: &str = "is told what to run on the command line";

/// What `argv` is given in this session.
pub fn judge(argv: &[OsString], session: &Redeemed) -> Judgement {
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(places) = started(&words) {
        return Judgement::Starter(places);
    }
    let Some((launchers, first)) = launched(&words) else { return Judgement::Placeholders };
    let (before, command) = words.split_at(first);
    let Some((program, arguments)) = command.split_first() else { return Judgement::Placeholders };
    let name = program.rsplit('/').next().unwrap_or_default();
    let Some(path) = find_program(program) else { return Judgement::Placeholders };
    let inspection = Inspection { since: session.since, folder: ".".into() };
    let is_apart = launchers.iter().any(|launcher| launcher.rsplit('/').next() != Some("env"));
    for launcher in launchers {
        // It is handed everything.
        let is_known =
            find_program(launcher).is_some_and(|path| is_system(&path) || is_old_tool(&path, &inspection));
        if !is_known {
            return Judgement::Because(format!("{launcher} before it is not a tool of this machine's"));
        }
    }
    if SHELLS.contains(&name)
        && let Some(text) = shell_text(arguments)
    {
        return Judgement::Shell(first + 1 + text);
    }
    let is_system = is_system(&path);
    let is_consumer = consumers::CONSUMERS.contains(&name) || interpreters::MODULES.contains(&name);
    let scripted = |code| {
        // What stands behind a script is its own.
        consumers::Use { code, places: (0..arguments.len()).collect(), variables: Variables::All }
    };
    let used = if SHELLS.contains(&name) {
        interpreters::script_of_shell(name, arguments).map(scripted)
    } else if let Some(interpreter) = interpreters::named(name) {
        interpreters::script_of(interpreter, name, arguments).map(scripted)
    } else if is_system && !is_consumer {
        return Judgement::Placeholders;
    } else if !is_consumer && (is_foreign(&path) || !program.contains('/') && !is_of_project(&path)) {
        return Judgement::Because(format!("{name} is not of this project and not known to use secrets"));
    } else if is_consumer {
        consumers::use_of(name, arguments)
    } else {
        let named = arguments.iter().flat_map(|word| interpreters::named_files(word));
        Ok(scripted(named.collect::<Vec<_>>().into()))
    };
    let consumers::Use { mut code, places, variables } = match used {
        Ok(used) => used,
        Err(consumers::NO_USE | interpreters::NO_FILE) => return Judgement::Placeholders,
        Err(what) => return Judgement::Because(format!("{name} {what}")),
    };
    let usual = std::env::var("PATH").unwrap_or_default();
    if before.iter().any(|word| word.strip_prefix("PATH=").is_some_and(|assigned| assigned != usual)) {
        return Judgement::Because("PATH was changed, which can change what it runs".to_owned());
    }
    let assigned = || before.iter().filter_map(|word| word.split_once('='));
    if let Some(variable) = steering::changed(assigned(), &session.environment) {
        return Judgement::Because(format!("{variable} was changed, which can change what {name} runs"));
    }
    if let Some(folder) = inspection.strange_path_folder(&session.environment) {
        return Judgement::Because(format!(
            "PATH has a folder with programs that are newer than this session: {folder}"
        ));
    }
    if !is_system || !is_called(&path, name) {
        code.files.push(path);
    }
    let secrets: Vec<&str> = session.secrets.iter().map(|held| held.name.as_str()).collect();
    code.files.extend(steering::named(assigned(), &secrets));
    code.files.extend(steering::module_folders(assigned()));
    let mut named = steering::named_by_secrets(&session.secrets);
    if let Some((secret, _)) = named.find(|(_, file)| inspection.is_changed(file)) {
        return Judgement::Because(format!("{secret} names a file that changed since this session began"));
    }
    // make and its like take variables among their arguments.
    let of_make = arguments
        .iter()
        .filter(|_| ["make", "gmake", "just", "task"].contains(&name))
        .filter_map(|word| word.split_once('='));
    let texts =
        session.secrets.iter().filter(|held| Told::of(&String::from_utf8_lossy(&held.value)).has_syntax);
    code.texts = texts.map(|held| held.placeholder.clone()).collect();
    code.assigned = assigned().chain(of_make).map(|(name, value)| (name.into(), value.into())).collect();
    let assigned = code.assigned.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    code.told = steering::told(assigned, &session.environment, &session.secrets);
    match inspection.inspect(command, &code) {
        Err(obstacle) => Judgement::Because(obstacle.to_string()),
        Ok(code) => {
            // What env is to set for the program is the program's.
            let is_env = before.first().is_some_and(|word| word.rsplit('/').next() == Some("env"));
            let is_set = |word: &str| is_env && !word.starts_with('-') && word.contains('=');
            let set = before.iter().enumerate().filter(|(_, word)| is_set(word)).map(|(at, _)| at);
            let words = set.chain(places.into_iter().map(|at| at + first + 1)).collect();
            Judgement::Values(Box::new(Given {
                program: program.clone(),
                at: first,
                is_apart,
                words,
                variables,
                code,
            }))
        }
    }
}

/// The line that a shell is told on its command line, with the number of its word.
pub(super) fn told_to_shell(argv: &[OsString]) -> Option<(usize, String)> {
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let first = behind_launchers(&words)?;
    let (program, arguments) = words.get(first..)?.split_first()?;
    let at = first
        + 1
        + shell_text(arguments)
            .filter(|_| SHELLS.contains(&program.rsplit('/').next().unwrap_or_default()))?;
    Some((at, words.get(at)?.clone()))
}

/// Where the programs stand that `xargs` or `find` starts; nothing where it is neither, or starts none.
fn started(words: &[String]) -> Option<Vec<usize>> {
    const TAKES: [&str; 11] =
        ["-n", "-P", "-I", "-L", "-d", "-s", "-E", "-a", "--max-args", "--max-procs", "--delimiter"];
    let mut at = behind_launchers(words)?;
    let places = match words.get(at)?.rsplit('/').next()? {
        "xargs" => {
            at += 1;
            while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
                at += if TAKES.contains(&word.as_str()) { 2 } else { 1 };
            }
            vec![at]
        }
        "find" => {
            let starts = |word: &String| ["-exec", "-execdir", "-ok", "-okdir"].contains(&word.as_str());
            words.iter().enumerate().filter(|(_, word)| starts(word)).map(|(at, _)| at + 1).collect()
        }
        _ => vec![],
    };
    let places: Vec<usize> = places.into_iter().filter(|at| *at < words.len()).collect();
    (!places.is_empty()).then_some(places)
}

/// The number of the word that names the program which does the work, behind `env`, `timeout` and their like.
fn behind_launchers(words: &[String]) -> Option<usize> {
    launched(words).map(|(_, at)| at)
}

/// The launchers in front of it, and the number of the word that names the program which does the work.
fn launched(words: &[String]) -> Option<(Vec<&str>, usize)> {
    let mut launchers = Vec::new();
    let mut at = 0;
    loop {
        let launcher = words.get(at)?;
        let name = launcher.rsplit('/').next()?;
        let Some((_, flags, operands)) = LAUNCHERS.iter().find(|(known, ..)| *known == name) else {
            match STARTERS.contains(&name).then(|| started_by(words, at)).flatten() {
                Some(started) => {
                    launchers.push(launcher.as_str());
                    at = started;
                    continue;
                }
                None => return Some((launchers, at)),
            }
        };
        launchers.push(launcher.as_str());
        let behind = words.get(at + 1..)?;
        let (first, _) = *read(flags, behind, End::Operand).ok()?.operands.first()?;
        at += 1 + first + operands;
        while name == "env" && words.get(at).is_some_and(|word| word.contains('=')) {
            at += 1;
        }
    }
}

/// Programs that start the one that their arguments name; their flags, and how many words stand before its name. A
/// flag that is missing here has something else run, or written down: env's `-S`, flock's `-c`, time's `-o` and `-v`.
const LAUNCHERS: &[(&str, Flags, usize)] = &[
    (
        "env",
        Flags {
            letters: "i0v",
            switches: &["--ignore-environment"],
            texts: &["-u", "--unset"],
            ..Flags::NONE
        },
        0,
    ),
    (
        "timeout",
        Flags {
            letters: "v",
            switches: &["--foreground", "--preserve-status", "--verbose"],
            texts: &["-s", "-k", "--signal", "--kill-after"],
            ..Flags::NONE
        },
        1,
    ),
    ("nice", Flags { letters: "0123456789", texts: &["-n", "--adjustment"], ..Flags::NONE }, 0),
    (
        "ionice",
        Flags {
            letters: "t",
            switches: &["--ignore"],
            texts: &["-c", "-n", "--class", "--classdata"],
            ..Flags::NONE
        },
        0,
    ),
    ("time", Flags { letters: "p", switches: &["--portability"], ..Flags::NONE }, 0),
    ("stdbuf", Flags { texts: &["-i", "-o", "-e", "--input", "--output", "--error"], ..Flags::NONE }, 0),
    (
        "flock",
        Flags {
            letters: "sxenoF",
            switches: &["--shared", "--exclusive", "--nonblock", "--nb", "--close", "--no-fork", "--verbose"],
            texts: &["-w", "--timeout", "--wait", "-E", "--conflict-exit-code"],
            ..Flags::NONE
        },
        1,
    ),
    ("taskset", Flags { letters: "ac", switches: &["--all-tasks", "--cpu-list"], ..Flags::NONE }, 1),
    ("nohup", Flags::NONE, 0),
    ("chronic", Flags { letters: "ev", ..Flags::NONE }, 0),
    ("caffeinate", Flags { letters: "dimsu", texts: &["-t", "-w"], ..Flags::NONE }, 0),
    ("setsid", Flags { letters: "cfw", switches: &["--ctty", "--fork", "--wait"], ..Flags::NONE }, 0),
];

/// Tools that start a program of the machine's, which their arguments name.
const STARTERS: &[&str] =
    &["bundle", "bunx", "hatch", "npm", "npx", "pipenv", "pnpm", "poetry", "rye", "uv", "uvx", "yarn"];

/// Where the interpreter or shell stands that such a tool starts, if it is one.
fn started_by(words: &[String], at: usize) -> Option<usize> {
    let is_interpreter = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or_default();
        SHELLS.contains(&name) || interpreters::named(name).is_some()
    };
    // Anything else between the two is for the tool to understand, which is judged as what it is then.
    let name = words.get(at)?.rsplit('/').next()?;
    let runs = ["hatch", "pipenv", "poetry", "rye", "uv"].contains(&name);
    let passes = |word: &str| {
        ["exec", "--", "-y", "--yes", "-q", "--quiet", "-s", "--silent", "--offline", "--no-install", "--no"]
            .contains(&word)
            || runs && word == "run"
    };
    let first = (at + 1..words.len()).find(|at| words.get(*at).is_some_and(|word| !passes(word)))?;
    words.get(first).is_some_and(is_interpreter).then_some(first)
}

/// Where the text of `sh -c TEXT` stands among the arguments.
fn shell_text(arguments: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = arguments.get(at).filter(|word| word.starts_with(['-', '+']) && word.len() > 1) {
        if word == "-o" || word == "-O" || word == "--rcfile" || word == "--init-file" {
            at += 2;
            continue;
        }
        at += 1;
        if word.starts_with('-') && !word.starts_with("--") && word.contains('c') {
            return arguments.get(at).map(|_| at);
        }
    }
    None
}

/// A program as the shell would find it.
pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).is_file().then(|| program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
    })
}

/// Whether a tool is none of the project's, and was there before the session began.
fn is_old_tool(path: &Path, inspection: &Inspection) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    !inspection.is_newer(path)
        && !inspection.is_newer(&real)
        && ![path, &real].iter().any(|path| project_folders().iter().any(|folder| path.starts_with(folder)))
}

/// Whether a program is the system's own, by where its name leads.
fn is_system(path: &Path) -> bool {
    const FOLDERS: [&str; 7] = ["/bin", "/sbin", "/usr", "/lib", "/lib64", "/opt", "/snap"];
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    FOLDERS.iter().any(|folder| real.starts_with(folder)) && !is_of_project(&real)
}

/// Whether a program of the system has this name, but for its version: it is judged by it, and a link of the agent's may
/// give it any other.
fn is_called(path: &Path, name: &str) -> bool {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let real = path.canonicalize().unwrap_or_default();
    let real = real.file_name().unwrap_or_default().to_string_lossy();
    let without_version =
        |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    is_system(folder) || without_version(&real) == without_version(name)
}

/// Whether a program is neither the project's nor a script: a tool of the machine's, whose manner nobody knows.
fn is_foreign(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut head = [0; 2];
    let is_script =
        fs::File::open(&path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"#!";
    !is_script && !is_of_project(&path)
}

fn is_of_project(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    project_folders().iter().any(|folder| path.starts_with(folder))
}
