//! Variables that steer shells, loaders and tools: what one runs, or what it writes down.

use super::{
    interpreters::{self, named_files},
    program::find_program,
    project::{is_code, project_folders},
};
use crate::ticket::{Held, PLACEHOLDER};
use protocol::SecretName;
use rustix::fs::Access;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

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

/// Variables that the agent itself sets for its commands.
const AGENTS: &[&str] = &["CLAUDE_", "ANTHROPIC_", "SECURECODE_", "GIT_AUTHOR_", "GIT_COMMITTER_", "MALLOC_"];

/// Variables, besides those that no secret may be named for, that have a tool run or write down something.
const BEGINNINGS: &[&str] = &[
    "ANSIBLE_",
    "BUN_",
    "BASH_XTRACEFD",
    "BASH_LOADABLES_PATH",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "BORG_PASSCOMMAND",
    "BORG_RSH",
    "BUNDLE_",
    "COMPOSE_",
    "CORECLR_",
    "COREPACK_",
    "COVERAGE_PROCESS_START",
    "DESTDIR",
    "DOCKER_",
    "JAVA_HOME",
    "ELIXIR_",
    "ERL_",
    "GEM_",
    "GNUMAKEFLAGS",
    "GRADLE_",
    "GUNICORN_CMD_ARGS",
    "HELM_",
    "JULIA_",
    "KRB5_CONFIG",
    "LIBMYSQL_",
    "LUA_",
    "MAKEFILES",
    "MARIADB_PLUGIN",
    "MAVEN_",
    "MYSQL_HOME",
    "NODE_COMPILE_CACHE",
    "NODE_CONFIG",
    "NODE_PRESERVE_SYMLINKS",
    "NODE_V8_COVERAGE",
    "OPENSSL_",
    "PERLLIB",
    "PGCLUSTER",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PG_CLUSTER_CONF_ROOT",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PNPM_",
    "POETRY_",
    "PREFIX",
    "PRISMA_",
    "PSQLRC",
    "PYTEST_",
    "RCLONE_PASSWORD_COMMAND",
    "REDISCLI_RCFILE",
    "RESTIC_PASSWORD_",
    "RSYNC_CONNECT_PROG",
    "RSYNC_RSH",
    "RUBYLIB",
    "RUBYOPT",
    "R_PROFILE",
    "SSLKEYLOGFILE",
    "TF_CLI_",
    "TF_DATA_DIR",
    "TF_LOG",
    "TF_PLUGIN_",
    "TF_VAR_",
    "TOX_",
    "TS_NODE_",
    "WGETRC",
];

/// Variables by which make, compilers and what starts them run others, by their whole names.
const NAMES: &[&str] = &[
    "AR",
    "ARFLAGS",
    "AS",
    "ASFLAGS",
    "AWKLIBPATH",
    "AWKPATH",
    "CC",
    "CFLAGS",
    "COMPILER_PATH",
    "CPATH",
    "CPP",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "ESBUILD_BINARY_PATH",
    "FC",
    "FFLAGS",
    "GCC_EXEC_PREFIX",
    "LD",
    "LDFLAGS",
    "LDLIBS",
    "LEX",
    "LFLAGS",
    "LIBRARY_PATH",
    "LOADLIBES",
    "MAKEINFO",
    "PUPPETEER_EXECUTABLE_PATH",
    "RIPGREP_CONFIG_PATH",
    "RM",
    "RUBYGEMS_GEMDEPS",
    "R_ENVIRON",
    "R_LIBS",
    "TAR_OPTIONS",
    "TEX",
    "VPATH",
    "YACC",
    "YFLAGS",
];

/// Such variables of this process.
pub fn of_this_process() -> BTreeMap<String, String> {
    variables().filter(|(name, _)| is_steering(name)).collect()
}

/// All variables of this process, as what others are measured by: those that steer tools as they are, of the rest a
/// digest.
pub fn environment() -> BTreeMap<String, String> {
    variables().map(|(name, value)| (name.clone(), as_noted(&name, value))).collect()
}

fn as_noted(name: &str, value: String) -> String {
    if is_steering(name) {
        return value;
    }
    let digest = Sha256::digest(value.as_bytes());
    data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default())
}

/// What a variable can do where a script expands it as text.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// A word that is neither a path nor a flag.
    pub is_plain: bool,
    /// A word of it is a flag.
    pub has_flag: bool,
    /// It has what a shell or make reads as more than a word.
    pub has_syntax: bool,
    /// Its first word is a program of this machine's. A path is one if it can be started.
    pub is_program: bool,
    /// It is the path of a file of code, and nothing else.
    pub file: Option<PathBuf>,
}

impl Told {
    /// What is told by this value.
    pub fn of(value: &str) -> Self {
        let all = |known: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || known.contains(c));
        let has_flag = value.split_whitespace().any(|word| word.starts_with('-') && word.len() > 1);
        // `test` is what many things are called.
        let first = value.split_whitespace().next();
        let is_path = !has_flag && all("_-./") && is_code(Path::new(value));
        Self {
            is_plain: !has_flag && all("_-"),
            has_flag,
            is_program: first.is_some_and(|word| word != "test" && find_program(word).is_some_and(can_start)),
            has_syntax: has_flag || !all("_-./:,@%+= "),
            file: is_path.then(|| value.into()),
        }
    }
}

fn can_start(program: PathBuf) -> bool {
    rustix::fs::access(&program, Access::EXEC_OK).is_ok()
}

/// The variables of this process, what a command assigns, and the secrets, but for what the agent itself has.
pub fn told<'a>(
    assigned: impl Iterator<Item = (&'a str, &'a str)>,
    usual: &BTreeMap<String, String>,
    secrets: &[Held],
) -> BTreeMap<String, Told> {
    const SHELLS_OWN: [&str; 9] = ["_", "COLUMNS", "IFS", "LINES", "OLDPWD", "OPTIND", "PS1", "PS2", "SHLVL"];
    let assigned = assigned.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let is_secret = |name: &str| secrets.iter().any(|held| held.name == name);
    let is_known = |name: &str, value: &str| {
        let here = || std::env::current_dir().is_ok_and(|folder| folder == Path::new(value));
        value.is_empty()
            || SHELLS_OWN.contains(&name)
            || AGENTS.iter().any(|prefix| name.starts_with(prefix))
            || is_secret(name)
            || usual.get(name) == Some(&as_noted(name, value.to_owned()))
            || name == "PWD" && here()
    };
    let others = variables().chain(assigned).filter(|(name, value)| !is_known(name, value));
    let mut told: BTreeMap<String, Told> = others
        .map(|(name, value)| {
            let held = secrets.iter().filter(|held| value.contains(&held.placeholder));
            let value = held.fold(Zeroizing::new(value.clone()), |value, held| {
                Zeroizing::new(value.replace(&held.placeholder, &String::from_utf8_lossy(&held.value)))
            });
            (name, Told::of(&value))
        })
        .collect();
    // No secret says what is run.
    told.extend(secrets.iter().map(|held| {
        let value = Told::of(&String::from_utf8_lossy(&held.value));
        (held.name.clone(), Told { is_plain: false, file: None, ..value })
    }));
    told
}

/// Whether a script that runs its arguments would run something by this one.
pub fn may_run(argument: &str) -> bool {
    let told = Told::of(argument);
    !told.is_plain || told.is_program || Path::new(argument).exists()
}

/// The files that the values of secrets name.
pub fn named_by_secrets(secrets: &[Held]) -> impl Iterator<Item = (&str, PathBuf)> {
    secrets.iter().flat_map(|held| {
        let files = named_by(&held.name, &String::from_utf8_lossy(&held.value));
        files.into_iter().map(|file| (held.name.as_str(), file))
    })
}

/// Whether a variable of this name steers a shell, a loader or a tool.
pub fn is_steering(name: &str) -> bool {
    name.starts_with("BASH_FUNC_")
        || name.parse::<SecretName>().is_ok_and(|name| name.is_hijacking())
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || NAMES.contains(&name)
}

/// Whether a variable that comes of a file may say which code runs: by its name, or by what may be a path.
pub fn may_steer(name: &str, value: &str) -> bool {
    const LONGEST: usize = 4096;
    let is_path = |piece: &str| {
        let slashes = piece.contains(['/', '\\']) && !piece.contains("://");
        !piece.is_empty() && (slashes || std::path::Path::new(piece).exists())
    };
    is_steering(name)
        || value.len() > LONGEST
        || value.contains(PLACEHOLDER)
        || value.split([',', ' ', '=']).any(is_path)
        || !named_by(name, value).is_empty()
}

/// Of this process and of what a command assigns, the first that is not as the agent itself has it.
pub fn changed<'a>(
    assigned: impl Iterator<Item = (&'a str, &'a str)>,
    usual: &BTreeMap<String, String>,
) -> Option<String> {
    let assigned = assigned.map(|(name, value)| (name.to_owned(), value.to_owned()));
    of_this_process()
        .into_iter()
        .chain(assigned.filter(|(name, _)| is_steering(name)))
        .filter(|(name, _)| !HARMLESS.contains(&name.as_str()))
        .filter(|(name, _)| !AGENTS.iter().any(|prefix| name.starts_with(prefix)))
        .find(|(name, value)| usual.get(name) != Some(value) && !is_harmless(name, value))
        .map(|(name, _)| name)
}

/// Whether a value of a steering variable steers nothing.
fn is_harmless(name: &str, value: &str) -> bool {
    let of_letters = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
    match name {
        _ if value.is_empty() => true,
        "CFLAGS" | "CPPFLAGS" | "CXXFLAGS" | "FFLAGS" => {
            value.split_whitespace().all(is_harmless_of_compilers)
        }
        "NODE_OPTIONS" => interpreters::are_harmless_flags(value),
        "PYTHONWARNINGS"
        | "PYTHONFAULTHANDLER"
        | "PYTHONDEVMODE"
        | "PYTHONOPTIMIZE"
        | "npm_config_loglevel" => of_letters(value),
        "EDITOR" | "VISUAL" => ["true", ":", "cat", "vi", "vim", "nano"].contains(&value),
        "NO_PROXY" | "no_proxy" => true,
        // The modules there are judged, as folders that variables name.
        "PYTHONPATH" => value.split(':').all(is_of_project),
        _ => false,
    }
}

/// Whether a compiler's flag says how to compile, and names no file and no program.
fn is_harmless_of_compilers(flag: &str) -> bool {
    let begins = ["-O", "-W", "-g", "-D", "-std=", "-m", "-pipe"].iter().any(|known| flag.starts_with(known));
    begins && flag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=+".contains(&byte))
}

fn is_of_project(folder: &str) -> bool {
    let folder = std::path::Path::new(if folder.is_empty() { "." } else { folder }).canonicalize();
    folder.is_ok_and(|folder| project_folders().iter().any(|project| folder.starts_with(project)))
}

/// The folders of PYTHONPATH, as it is here and as a command assigns it, for all in them may be loaded.
pub fn module_folders<'a>(assigned: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<PathBuf> {
    let paths = std::env::var("PYTHONPATH").into_iter();
    let assigned = assigned.filter(|(name, _)| *name == "PYTHONPATH").map(|(_, path)| path.to_owned());
    let paths: Vec<String> = paths.chain(assigned).collect();
    let folders = paths.iter().flat_map(|path| path.split(':'));
    folders
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        // Of modules there are archives, too, whatever they are called.
        .filter(|path| path.is_dir() || path.is_file())
        .collect()
}

/// The files and modules that variables of this process name, and those that a command assigns, but for those of the
/// secrets.
pub fn named<'a>(assigned: impl Iterator<Item = (&'a str, &'a str)>, secrets: &[&str]) -> Vec<PathBuf> {
    const OTHERS: [&str; 6] = ["PWD", "OLDPWD", "_", "HOME", "SHELL", "LS_COLORS"];
    let assigned = assigned.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let all = variables().chain(assigned);
    let told = all.filter(|(name, _)| !OTHERS.contains(&name.as_str()) && !secrets.contains(&name.as_str()));
    told.flat_map(|(name, value)| named_by(&name, &value)).collect()
}

fn named_by(name: &str, value: &str) -> Vec<PathBuf> {
    // Only of some is a bare word likely to be a module, rather than `test` or `production`.
    let is_module = ["MODULE", "SETTINGS", "APP", "PLUGIN"].iter().any(|word| name.contains(word));
    named_files(&if is_module { format!("={value}") } else { value.to_owned() })
}

fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
