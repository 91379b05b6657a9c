//! Which programs are trusted with values. A program that prints what it is given, that is told its code on the
//! command line, or that changed since the session began, is given placeholders.

#![allow(clippy::collapsible_match, reason = "a tool's conditions stand under its name")]

use super::changes::{Inspection, is_code};
use crate::ticket::{PLACEHOLDER, Redeemed};
use protocol::SecretName;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a program is given.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The values.
    Values,
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

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash"];

/// Programs of the system that consume secrets. Every other one there gets placeholders.
const CONSUMERS: &[&str] = &[
    "ab",
    "ansible",
    "ansible-playbook",
    "ant",
    "aws",
    "az",
    "borg",
    "bundle",
    "cargo",
    "celery",
    "composer",
    "createdb",
    "curl",
    "django-admin",
    "docker",
    "docker-compose",
    "doctl",
    "dotnet",
    "dropdb",
    "elixir",
    "flask",
    "fly",
    "flyctl",
    "gcloud",
    "gh",
    "git",
    "glab",
    "go",
    "gradle",
    "gsutil",
    "gunicorn",
    "hatch",
    "helm",
    "heroku",
    "http",
    "https",
    "hurl",
    "java",
    "just",
    "kcat",
    "kubectl",
    "ldapsearch",
    "lftp",
    "make",
    "gmake",
    "mariadb",
    "mariadb-dump",
    "mix",
    "mongo",
    "mongodump",
    "mongorestore",
    "mongosh",
    "mosquitto_pub",
    "mosquitto_sub",
    "mvn",
    "mysql",
    "mysqldump",
    "mysqladmin",
    "netlify",
    "ninja",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_restore",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "poetry",
    "psql",
    "pulumi",
    "pytest",
    "rails",
    "rake",
    "rclone",
    "redis-cli",
    "restic",
    "rsync",
    "s3cmd",
    "scp",
    "sftp",
    "skopeo",
    "ssh",
    "stripe",
    "task",
    "terraform",
    "tofu",
    "tox",
    "twine",
    "uv",
    "uvicorn",
    "vault",
    "vercel",
    "websocat",
    "wget",
    "wrangler",
    "yarn",
    "npm",
    "npx",
];

/// An interpreter: the flags that give it code on the command line, and those that take an argument.
struct Interpreter {
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

/// Variables that say nothing about the code that runs.
const HARMLESS: &[&str] = &[
    "_",
    "GIT_EDITOR",
    "GIT_TERMINAL_PROMPT",
    "GIT_PAGER",
    "PAGER",
    "PATH",
    "LOGNAME",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONIOENCODING",
    "PYTHONUTF8",
    "PYTHONHASHSEED",
    "CARGO_TERM_COLOR",
    "NODE_ENV",
    "PS1",
    "PS2",
    "OPTIND",
    "SHLVL",
    "PWD",
    "OLDPWD",
    "TERM",
    "COLUMNS",
    "LINES",
    "IFS",
    "SHELL",
    "TMPDIR",
];

/// Why a program is not trusted, behind its name.
const INLINE: &str = "is given its code on the command line";
const INPUT: &str = "reads its code from standard input";
const TOLD: &str = "is told what to run on the command line";
const WRITES: &str = "is told to write down what it holds";

/// What tools read in the home folder and obey: what they run, or what they write down.
const STEERING: &[&str] = &[
    ".aws/config",
    ".cargo/config",
    ".cargo/config.toml",
    ".config/curlrc",
    ".config/git/config",
    ".config/pip/pip.conf",
    ".curlrc",
    ".docker/config.json",
    ".gitconfig",
    ".kube/config",
    ".my.cnf",
    ".mylogin.cnf",
    ".npmrc",
    ".pip/pip.conf",
    ".psqlrc",
    ".pypirc",
    ".ssh/config",
    ".wgetrc",
    ".yarnrc",
    ".yarnrc.yml",
];

/// What `argv` is given in this session.
pub fn judge(argv: &[OsString], session: &Redeemed) -> Judgement {
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(places) = started(&words) {
        return Judgement::Starter(places);
    }
    let Some(first) = behind_launchers(&words) else { return Judgement::Placeholders };
    let (before, command) = words.split_at(first);
    let Some((program, arguments)) = command.split_first() else { return Judgement::Placeholders };
    let name = program.rsplit('/').next().unwrap_or_default();
    let Some(path) = find_program(program) else { return Judgement::Placeholders };
    let inspection = Inspection { since: session.since };
    if SHELLS.contains(&name)
        && let Some(text) = shell_text(arguments)
    {
        return Judgement::Shell(first + 1 + text);
    }
    let is_system = is_system(&path);
    let entries = if SHELLS.contains(&name) {
        match arguments.iter().find(|word| !word.starts_with(['-', '+'])) {
            Some(script) => vec![PathBuf::from(script)],
            None => return Judgement::Because(format!("{name} {INPUT}")),
        }
    } else if let Some(interpreter) =
        INTERPRETERS.iter().find(|one| one.names.iter().any(|known| is_version_of(name, known)))
    {
        match script_of(interpreter, arguments) {
            Ok(entries) => entries,
            Err(what) => return Judgement::Because(format!("{name} {what}")),
        }
    } else if is_system && !CONSUMERS.contains(&name) {
        return Judgement::Placeholders;
    } else {
        match tool_entries(name, arguments) {
            Ok(entries) => entries,
            Err(NO_USE) => return Judgement::Placeholders,
            Err(what) => return Judgement::Because(format!("{name} {what}")),
        }
    };
    let assigned = before.iter().filter_map(|word| word.split_once('='));
    if let Some(variable) = steered(assigned, &session.environment) {
        return Judgement::Because(format!("{variable} was changed, which can change what {name} runs"));
    }
    if let Some(folder) = inspection.strange_path_folder(&session.environment) {
        return Judgement::Because(format!(
            "PATH has a folder with programs that are newer than this session: {folder}"
        ));
    }
    let own = (!is_system).then(|| path.clone());
    let steering = steering_files().find(|file| file.is_file() && inspection.is_changed(file));
    match steering.or_else(|| inspection.changed(own.into_iter().chain(entries))) {
        Some(file) => Judgement::Because(format!(
            "{} changed since this session began",
            file.file_name().unwrap_or_default().to_string_lossy()
        )),
        None => Judgement::Values,
    }
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
    let mut at = 0;
    loop {
        let name = words.get(at)?.rsplit('/').next()?;
        let (takes, operands): (&[&str], usize) = match name {
            "env" => (&["-u", "-C", "--unset", "--chdir"], 0),
            "timeout" => (&["-s", "-k", "--signal", "--kill-after"], 1),
            "nice" => (&["-n", "--adjustment"], 0),
            "ionice" => (&["-c", "-n", "--class", "--classdata"], 0),
            "time" => (&["-f", "-o", "--format", "--output"], 0),
            "stdbuf" => (&["-i", "-o", "-e"], 0),
            "nohup" | "setsid" | "chronic" | "caffeinate" => (&[], 0),
            _ => return Some(at),
        };
        at += 1;
        while let Some(word) = words.get(at).filter(|word| word.starts_with('-') && word.len() > 1) {
            // A command line in one word, taken apart by env: not looked into.
            if name == "env" && (word.starts_with("-S") || word.starts_with("--split")) {
                return None;
            }
            at += if takes.contains(&word.as_str()) { 2 } else { 1 };
        }
        at += operands;
        while name == "env" && words.get(at).is_some_and(|word| word.contains('=')) {
            at += 1;
        }
    }
}

fn is_version_of(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
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

/// The files that an interpreter is to run, or what makes it unfit for values.
fn script_of(interpreter: &Interpreter, arguments: &[String]) -> Result<Vec<PathBuf>, &'static str> {
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
        if interpreter.takes.contains(&flag) {
            let value =
                word.split_once('=').map(|(_, value)| value).or_else(|| words.next().map(String::as_str));
            entries
                .extend(value.filter(|value| value.contains('/') || value.contains('.')).map(PathBuf::from));
            continue;
        }
        if word == "-m" || word == "--module" {
            let module = words.next().map(|module| module.replace('.', "/")).unwrap_or_default();
            if ["base64", "timeit", "pdb", "code", "trace", "cProfile", "profile"].contains(&module.as_str())
            {
                return Err(INLINE);
            }
            entries.extend([format!("{module}.py"), format!("{module}/__main__.py")].map(PathBuf::from));
            return Ok(entries);
        }
        if word == "-" {
            return Err(INPUT);
        }
        if let Some(letters) = word.strip_prefix('-') {
            if !letters.starts_with('-') && letters.contains(|c| interpreter.letters.contains(c)) {
                return Err(INLINE);
            }
            continue;
        }
        if ["run", "test"].contains(&word.as_str()) && !Path::new(word).exists() {
            continue;
        }
        entries.push(PathBuf::from(word));
        // Files among its arguments may be code as well.
        entries.extend(
            words
                .filter(|word| is_code(Path::new(word.as_str())) && Path::new(word).is_file())
                .map(PathBuf::from),
        );
        return Ok(entries);
    }
    if arguments.iter().any(|word| word == "--test") { Ok(entries) } else { Err(INPUT) }
}

/// The files in the home folder that steer tools, those of Python's user site among them.
fn steering_files() -> impl Iterator<Item = PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let versions = fs::read_dir(home.join(".local/lib")).into_iter().flatten().flatten();
    let sites = versions.map(|version| version.path().join("site-packages"));
    let of_python =
        sites.flat_map(|site| fs::read_dir(site).into_iter().flatten().flatten()).map(|file| file.path());
    let startup = of_python.filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".pth") || name.starts_with("usercustomize") || name.starts_with("sitecustomize")
    });
    STEERING
        .iter()
        .map(|name| home.join(name))
        .collect::<Vec<_>>()
        .into_iter()
        .chain(startup.collect::<Vec<_>>())
}

/// Why a tool gets none in a command that does nothing with secrets: nobody needs to be told.
const NO_USE: &str = "has no use for them in this command";

/// The files that steer another tool, or what in its arguments makes it unfit for values.
fn tool_entries(name: &str, arguments: &[String]) -> Result<Vec<PathBuf>, &'static str> {
    let has = |flags: &[&str]| {
        arguments
            .iter()
            .any(|word| flags.contains(&word.split_once('=').map_or(word.as_str(), |(flag, _)| flag)))
    };
    let first = arguments.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let mut entries: Vec<PathBuf> =
        arguments.iter().map(PathBuf::from).filter(|path| is_code(path) && path.is_file()).collect();
    let logs = ["npm", "pnpm", "yarn", "npx", "gcloud", "gsutil", "az"];
    if logs.contains(&name) && arguments.iter().any(|word| word.contains(PLACEHOLDER)) {
        return Err("writes its arguments into a log");
    }
    match name {
        "npm" | "pnpm" | "yarn" | "npx" => {
            if has(&["-c", "--call", "--node-options", "--script-shell", "--shell", "--prefix", "-C"]) {
                return Err(INLINE);
            }
            let runs = [
                "run",
                "run-script",
                "test",
                "t",
                "start",
                "stop",
                "restart",
                "ci",
                "install",
                "i",
                "publish",
                "dev",
                "build",
            ];
            if name == "npm" && !runs.contains(&first) {
                return Err(NO_USE);
            }
            entries.push("package.json".into());
        }
        "make" | "gmake" => {
            if has(&["--eval", "-E", "-p", "--print-data-base", "-C", "--directory", "-I"])
                || arguments.iter().any(|word| {
                    word.split_once('=').is_some_and(|(name, value)| {
                        name.contains("SHELL") || value.contains(['`', '(', ';', '|', '&'])
                    })
                })
            {
                return Err(INLINE);
            }
            let mut words = arguments.iter();
            while let Some(word) = words.next() {
                if word == "-f" || word == "--file" || word == "--makefile" {
                    entries.extend(words.next().map(PathBuf::from));
                } else if let Some(file) = word.strip_prefix("-f").or_else(|| word.strip_prefix("--file=")) {
                    entries.push(file.into());
                }
            }
            entries.extend(["GNUmakefile", "makefile", "Makefile"].map(PathBuf::from));
        }
        "git" => {
            let network = ["push", "pull", "fetch", "clone", "ls-remote", "remote"];
            if !network.contains(&first) {
                return Err(NO_USE);
            }
            if has(&[
                "-c",
                "--exec-path",
                "--upload-pack",
                "--receive-pack",
                "-u",
                "--config",
                "--config-env",
                "--exec",
                "--template",
            ]) || arguments.iter().any(|word| word.contains("ext::"))
            {
                return Err(TOLD);
            }
            entries.push(".git/config".into());
            entries
                .extend(fs::read_dir(".git/hooks").into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        "psql" | "mysql" | "mariadb" | "redis-cli" | "mongosh" | "mongo" => {
            if arguments.iter().any(|word| {
                word.contains("\\!")
                    || word.contains("\\getenv")
                    || word.contains("\\setenv")
                    || word.contains("system ")
                    || word.contains("process.env")
            }) {
                return Err("is told to run code on the command line");
            }
        }
        "ssh" | "scp" | "sftp" | "rsync" => {
            if has(&["-o", "-F", "-e", "--rsh", "-S"]) || arguments.iter().any(|word| word.starts_with("-o"))
            {
                return Err(TOLD);
            }
        }
        "curl" | "wget" | "http" | "https" => {
            // What it would send is written by these. curl takes the beginning of a flag for the flag.
            let writes: &[&str] = match name {
                "curl" => &["--trace", "--libcurl", "--stderr", "--config", "-K"],
                "wget" => &[
                    "--debug",
                    "--output-file",
                    "--append-output",
                    "--execute",
                    "--config",
                    "--use-askpass",
                    "--warc",
                    "-o",
                    "-a",
                    "-e",
                    "-d",
                ],
                _ => &["--download", "--output", "--session", "-o"],
            };
            let told = |word: &String| {
                let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
                let is_long = flag.len() > 3 && flag.starts_with("--");
                writes.iter().any(|known| {
                    flag.starts_with(known) || (is_long && name != "http" && known.starts_with(flag))
                })
            };
            if arguments.iter().any(told) {
                return Err("is told to write down what it sends");
            }
            if arguments.iter().any(|word| {
                word.starts_with("file:")
                    || word.starts_with("telnet:")
                    || word.starts_with("dict:")
                    || word.starts_with("gopher:")
            }) {
                return Err("is told to use a protocol that no secret is for");
            }
        }
        "java"
            if arguments.iter().any(|word| {
                ["-javaagent", "-agent", "-XX:", "@", "-Xrun", "-Xlog"]
                    .iter()
                    .any(|flag| word.starts_with(flag))
            }) =>
        {
            return Err(TOLD);
        }
        "go" | "cargo" | "java" | "dotnet" => {
            entries.extend([".cargo/config", ".cargo/config.toml"].map(PathBuf::from));
            entries.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_file()));
        }
        "docker" | "podman" if has(&["-v", "--volume", "--mount", "--entrypoint"]) => {
            return Err(TOLD);
        }
        _ => {}
    }
    Ok(entries)
}

/// A variable that steers what runs and is not as the agent itself has it.
fn steered<'a>(
    assigned: impl Iterator<Item = (&'a str, &'a str)>,
    usual: &BTreeMap<String, String>,
) -> Option<String> {
    const OTHERS: &[&str] =
        &["CLAUDE_", "ANTHROPIC_", "SECURECODE_", "XDG_", "GIT_AUTHOR_", "GIT_COMMITTER_", "MALLOC_"];
    let assigned = assigned.map(|(name, value)| (name.to_owned(), value.to_owned()));
    crate::ticket::steering()
        .into_iter()
        .chain(assigned)
        .filter(|(name, _)| !HARMLESS.contains(&name.as_str()))
        .filter(|(name, _)| !OTHERS.iter().any(|prefix| name.starts_with(prefix)))
        .filter(|(name, _)| name.parse::<SecretName>().is_ok_and(|name| name.is_hijacking()))
        .find(|(name, value)| usual.get(name) != Some(value))
        .map(|(name, _)| name)
}

/// A program as the shell would find it.
fn find_program(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).is_file().then(|| program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
    })
}

/// Whether a program is the system's own.
fn is_system(path: &Path) -> bool {
    ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].iter().any(|folder| path.parent() == Some(Path::new(folder)))
}
