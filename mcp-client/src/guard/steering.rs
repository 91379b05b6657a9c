//! Variables that steer shells, loaders and tools: what one runs, or what it writes down.

use super::{
    interpreters::{self, named_files},
    reach::project_folders,
};
use crate::ticket::PLACEHOLDER;
use protocol::SecretName;
use std::{collections::BTreeMap, path::PathBuf};

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
    "NODE_V8_COVERAGE",
    "OPENSSL_",
    "PERLLIB",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PNPM_",
    "POETRY_",
    "PREFIX",
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

/// Such variables of this process.
pub fn of_this_process() -> BTreeMap<String, String> {
    variables().filter(|(name, _)| is_steering(name)).collect()
}

/// Whether a variable of this name steers a shell, a loader or a tool.
pub fn is_steering(name: &str) -> bool {
    name.starts_with("BASH_FUNC_")
        || name.parse::<SecretName>().is_ok_and(|name| name.is_hijacking())
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
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

fn is_of_project(folder: &str) -> bool {
    let folder = std::path::Path::new(if folder.is_empty() { "." } else { folder }).canonicalize();
    folder.is_ok_and(|folder| project_folders().iter().any(|project| folder.starts_with(project)))
}

/// The folders of PYTHONPATH, for all in them may be loaded.
pub fn module_folders() -> Vec<PathBuf> {
    let path = std::env::var("PYTHONPATH").unwrap_or_default();
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .filter(|folder| folder.is_dir())
        .collect()
}

/// The files and modules that variables of this process name, but for those of the secrets.
pub fn named(secrets: &[&str]) -> Vec<PathBuf> {
    const OTHERS: [&str; 6] = ["PWD", "OLDPWD", "_", "HOME", "SHELL", "LS_COLORS"];
    let told =
        variables().filter(|(name, _)| !OTHERS.contains(&name.as_str()) && !secrets.contains(&name.as_str()));
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
