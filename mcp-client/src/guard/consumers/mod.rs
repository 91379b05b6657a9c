//! Programs that consume secrets: which of the system's are given them, where in their arguments a secret may stand,
//! what they run, and what makes a command of theirs unfit for values. Those that are used most have a file of their own, in
//! which their flags are known; of the others only what is known to be unfit is refused.

mod database;
mod git;
mod http;
mod make;
mod node_packages;
mod runners;

use super::{
    interpreters::{self, named_files},
    program::{INLINE, INPUT, TOLD},
    project::is_code,
    reach::Code,
};
use crate::ticket::PLACEHOLDER;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) use make::targets as targets_of_make;
pub(super) use node_packages::{RUNNERS, scripts_text};

/// Programs of the system that consume secrets. Every other one there gets placeholders.
pub(super) const CONSUMERS: &[&str] = &[
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

/// Consumers that run, compile or read whatever code is in the project.
const WHOLE_PROJECT: &[&str] = &[
    "ansible-playbook",
    "ant",
    "bundle",
    "cargo",
    "celery",
    "composer",
    "django-admin",
    "docker",
    "docker-compose",
    "dotnet",
    "elixir",
    "flask",
    "fly",
    "flyctl",
    "go",
    "gradle",
    "gunicorn",
    "hatch",
    "helm",
    "heroku",
    "just",
    "mix",
    "mvn",
    "netlify",
    "ninja",
    "pip",
    "pip3",
    "podman",
    "poetry",
    "pulumi",
    "pytest",
    "rails",
    "rake",
    "task",
    "terraform",
    "tofu",
    "tox",
    "uv",
    "uvicorn",
    "vercel",
    "wrangler",
];

/// Test runners by names that mean little else.
pub(super) const TEST_RUNNERS: &[&str] =
    &["--test", "ava", "cypress", "jest", "mocha", "playwright", "pytest", "unittest", "vitest"];

/// Tools that keep what they are told on the command line in files of their own: settings, manifests, logs.
const KEEPERS: &[&str] = &[
    "az",
    "bundle",
    "cargo",
    "composer",
    "dotnet",
    "gcloud",
    "go",
    "gradle",
    "gsutil",
    "hatch",
    "mix",
    "mvn",
    "npm",
    "npx",
    "pip",
    "pip3",
    "pnpm",
    "poetry",
    "pulumi",
    "terraform",
    "tofu",
    "tox",
    "uv",
    "yarn",
];

/// Commands of docker, and of its compose, that run what an image has, with arguments that it takes.
const STARTS_IMAGE: &[&str] = &["run", "exec", "create", "start", "attach"];

/// Commands of many tools that write what they are told into a file.
const KEEPING: &[&str] =
    &["auth", "config", "configure", "credential", "credentials", "login", "set-credentials", "user-secrets"];

/// Why a tool gets none in a command that does nothing with secrets: nobody needs to be told.
pub(super) const NO_USE: &str = "has no use for them in this command";
const KEEPS: &str = "keeps what it is told in files of its own";
const WRITES: &str = "is told to write down what it sends";

/// What a tool that may have secrets is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub code: Code,
    /// The numbers of the arguments in which values stand in the places of placeholders.
    pub places: Vec<usize>,
    /// Which variables hold values.
    pub variables: Variables,
}

/// Which variables of a program hold values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// All that the line gives it.
    All,
    /// Those that begin so.
    Beginning(&'static [&'static str]),
    /// None: it takes secrets by its arguments alone.
    None,
}

/// What a tool is given, or what in its arguments makes it unfit for values.
pub(super) fn use_of(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    if let Some(used) = runners::use_of(name, arguments) {
        return used;
    }
    match name {
        "curl" => http::curl(arguments),
        "wget" => http::wget(arguments),
        "http" | "https" => http::httpie(arguments),
        "git" => git::use_of(arguments),
        "npm" | "pnpm" | "yarn" | "npx" | "bunx" => node_packages::use_of(name, arguments),
        "make" | "gmake" => make::use_of(arguments),
        "psql" | "mysql" | "mariadb" | "redis-cli" | "mongosh" | "mongo" => database::use_of(name, arguments),
        _ => other(name, arguments),
    }
}

/// Whether a command in a script runs whatever code it finds in the project.
pub(super) fn runs_whole_project(name: &str, arguments: &[String]) -> bool {
    // What these install or run comes from elsewhere.
    const OF_OTHERS: [&str; 5] = ["docker", "docker-compose", "pip", "pip3", "podman"];
    let is_file = |word: &String| is_code(Path::new(word));
    let module = arguments.iter().position(|word| word == "-m").and_then(|at| arguments.get(at + 1));
    RUNNERS.contains(&name)
        || interpreters::MODULES.contains(&name)
        || WHOLE_PROJECT.contains(&name) && !OF_OTHERS.contains(&name)
        || arguments.iter().any(|word| word == "--test") && !arguments.iter().any(is_file)
        || module.is_some_and(|module| {
            interpreters::MODULES.contains(&module.split('.').next().unwrap_or_default())
        })
}

/// Whether a group of flags of the ssh family has one that names a program, a configuration or a file.
fn tells_ssh(word: &str) -> bool {
    let group = word.strip_prefix('-').filter(|group| !group.starts_with('-')).unwrap_or_default();
    // Behind one of these the rest is its value.
    let flags = group
        .split(['b', 'c', 'i', 'l', 'L', 'm', 'p', 'P', 'R', 'w', 'B', 'Q', 'O'])
        .next()
        .unwrap_or_default();
    flags.contains(['o', 'F', 'e', 'S', 'E', 'D', 'I', 'J', 'W'])
}

fn says(arguments: &[String], texts: &[&str]) -> bool {
    arguments.iter().any(|word| texts.iter().any(|text| word.contains(text)))
}

/// Any other consumer: of its flags only those are known that make it unfit.
fn other(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    let has = |flags: &[&str]| {
        arguments
            .iter()
            .any(|word| flags.contains(&word.split_once('=').map_or(word.as_str(), |(flag, _)| flag)))
    };
    let begins =
        |flags: &[&str]| arguments.iter().any(|word| flags.iter().any(|flag| word.starts_with(flag)));
    let mut commands = arguments.iter().filter(|word| !word.starts_with('-')).map(String::as_str);
    let (first, second) = (commands.next().unwrap_or_default(), commands.next().unwrap_or_default());
    let publishes = ["publish", "upload"].contains(&first);
    if KEEPERS.contains(&name) && !publishes && says(arguments, &[PLACEHOLDER])
        || [first, second].iter().any(|word| KEEPING.contains(word))
    {
        return Err(KEEPS);
    }
    let mut whole_project = WHOLE_PROJECT.contains(&name);
    let unfit = match name {
        "ssh" | "scp" | "sftp" | "rsync" => {
            begins(&["--rsh", "--log-file", "--rsync-path", "-s", "-T", "-v"])
                || arguments.iter().any(|word| tells_ssh(word))
        }
        "java" => begins(&[
            "-javaagent",
            "-agent",
            "-XX:",
            "@",
            "-Xrun",
            "-Xlog",
            "--module-path",
            "-Xshare",
            "--patch-module",
        ]),
        "cargo" | "go" | "dotnet" => {
            has(&["--config", "-exec", "-toolexec", "-overlay", "-modfile"]) || begins(&["+"])
        }
        "docker" | "docker-compose" | "podman" => {
            let mut commands = arguments.iter().map(String::as_str);
            has(&["-v", "--volume", "--mount", "--entrypoint", "--config", "--context", "-c"])
                || ["context", "plugin", "cp"].contains(&first)
                || arguments.last().is_some_and(|word| word == "-")
                // What is in an image or a container is not looked at.
                || commands.any(|word| STARTS_IMAGE.contains(&word)) && !["build", "push", "login"].contains(&first)
        }
        "just" | "task" | "ninja" | "gradle" | "helm" | "mvn" => has(&[
            "--command",
            "-c",
            "--shell",
            "--set",
            "-t",
            "--init-script",
            "-I",
            "--post-renderer",
            "--log-file",
            "-l",
        ]),
        "rails" | "django-admin" | "flask" | "mix" | "elixir" | "rake" | "celery" => {
            ["runner", "r", "console", "c", "shell", "eval", "dbconsole", "dbshell"].contains(&first)
                || has(&["-e", "--eval", "-E", "-p", "-r", "-c", "--command"])
        }
        "pip" | "pip3" => begins(&["--log", "--report", "--cache-dir", "-t", "--target"]),
        "gh" | "glab" => ["alias", "extension"].contains(&first) || has(&["--jq", "-q", "--template", "-t"]),
        "websocat" | "lftp" => says(arguments, &["exec:", "cmd:", "sh-c:", "file:", "!"]),
        _ => false,
    };
    if unfit || says(arguments, &["{{"]) {
        return Err(TOLD);
    }
    match name {
        "ansible" => return Err(INLINE),
        "terraform" | "tofu" if first == "console" => return Err(INPUT),
        "java" => whole_project = true,
        _ => {}
    }
    let mut files: Vec<PathBuf> = arguments.iter().flat_map(|word| named_files(word)).collect();
    if name == "java" {
        // Of a path of classes each folder is code, and of `x/*` the folder.
        let pieces = arguments.iter().flat_map(|word| word.split([':', '=']));
        let paths = pieces.map(|piece| PathBuf::from(piece.trim_end_matches('*')));
        files.extend(paths.filter(|path| path.is_dir() || path.is_file()));
    }
    files.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_file() || path.is_dir()));
    files.extend(files_at_home(name));
    let takes_addresses = !["scp", "sftp", "rsync"].contains(&name);
    let places = arguments.iter().enumerate().filter(|(at, word)| {
        let before = at.checked_sub(1).and_then(|before| arguments.get(before)).map(String::as_str);
        let flag = before.filter(|before| before.starts_with('-') && !before.contains('='));
        if word.starts_with('-') {
            return word.contains('=') && is_for_secrets(word);
        }
        flag.is_some_and(is_for_secrets)
            || takes_addresses && is_address(word) && flag.is_none_or(|flag| ADDRESSED.contains(&flag))
    });
    let places = places.map(|(at, _)| at).collect();
    // These expand them in their recipes.
    let is_given = ["just", "task"].contains(&name);
    let handed = arguments
        .iter()
        .filter(|word| is_given && !word.contains('='))
        .skip_while(|word| word.starts_with('-'));
    let handed = handed.filter(|word| *word != "--").cloned().collect();
    Ok(Use {
        code: Code { files, whole_project, handed, ..Code::default() },
        places,
        variables: Variables::All,
    })
}

/// Short flags behind which tools have the address of a server.
const ADDRESSED: &[&str] = &["-d", "-u", "-H", "-U"];

/// Whether a flag's name says that it takes a secret, or an address that may hold one, and not where to write.
fn is_for_secrets(flag: &str) -> bool {
    const SECRETS: [&str; 15] = [
        "token",
        "pass",
        "key",
        "secret",
        "auth",
        "header",
        "user",
        "data",
        "url",
        "uri",
        "dsn",
        "endpoint",
        "server",
        "connection",
        "database",
    ];
    const WRITTEN: [&str; 8] = ["dir", "file", "path", "out", "log", "cache", "profile", "only"];
    let flag = flag.split('=').next().unwrap_or_default().to_lowercase();
    SECRETS.iter().any(|part| flag.contains(part)) && !WRITTEN.iter().any(|part| flag.contains(part))
}

/// Whether a word is the address of a server, by a scheme in which secrets stand.
fn is_address(word: &str) -> bool {
    const SCHEMES: [&str; 24] = [
        "amqp",
        "amqps",
        "clickhouse",
        "ftp",
        "ftps",
        "http",
        "https",
        "kafka",
        "ldap",
        "ldaps",
        "mariadb",
        "mongodb",
        "mongodb+srv",
        "mqtt",
        "mqtts",
        "mysql",
        "nats",
        "postgres",
        "postgresql",
        "redis",
        "rediss",
        "sqlserver",
        "ws",
        "wss",
    ];
    word.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

/// A tool's own files in the home folder, which steer it: aliases, plugins, credentials.
fn files_at_home(name: &str) -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let folders = [home.join(format!(".{name}")), home.join(".config").join(name)];
    let mut files: Vec<PathBuf> = folders.into_iter().filter(|folder| folder.is_dir()).collect();
    files.extend(
        [format!(".{name}rc"), format!(".{name}.conf")]
            .map(|file| home.join(file))
            .into_iter()
            .filter(|file| file.is_file()),
    );
    files
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Result<Use, &'static str> {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        use_of(&name, &words.collect::<Vec<_>>())
    }

    #[test]
    fn what_keeps_writes_or_runs_what_it_is_told_is_unfit() {
        for line in [
            "cargo login securecode-X-1",
            "cargo add --git https://securecode-X-1@example.com/x",
            "pip config set global.index-url https://securecode-X-1@example.com",
            "pip install --log x y",
            "aws configure set aws_secret_access_key securecode-X-1",
            "gh auth login --with-token",
            "gh alias set x y",
            "docker login -u x --password-stdin",
            "docker context create x",
            "kubectl config set-credentials x --token=securecode-X-1",
            "kubectl get pods -o go-template={{.}}",
            "git clone https://securecode-X-1@example.com/x.git",
            "npm start -- securecode-X-1",
            "curl --trace x https://example.com",
            "curl --tr x https://example.com",
            "curl -sK x https://example.com",
            "curl -O https://example.com",
            "curl -w %output{x}%{url} https://example.com",
            "curl file:///etc/passwd",
            "wget -o x https://example.com",
            "wget -vdo x https://example.com",
            "wget -x https://example.com",
            "psql -L x",
            "psql postgres://securecode-X-1",
            "psql -c \\!env",
            "psql -f -",
            "mysql --tee=x",
            "http --download https://example.com",
            "git fetch ext::sh",
            "git fetch --upload-pack=x https://example.com",
            "git fetch --upload-p=x https://example.com",
            "git push ../bare.git",
            "git status",
            "git remote add x https://securecode-X-1@example.com",
            "git config a b",
            "npm config set x y",
            "npm test --script-shell=x",
            "npm test --script-sh=x",
            "make --eval=x",
            "make --ev x",
            "make SHELL=x",
            "make MAKEFILES=x",
            "make CC=x",
            "make X=$(shell",
            "make -f -",
            "ssh -oProxyCommand=x host",
            "rsync -e x a b",
            "docker run -v /:/x image",
            "docker run --rm -e X alpine",
            "docker exec -e X container printenv",
            "docker compose run web sh",
            "docker build -",
            "podman create image",
            "uv run awk x",
            "pnpm run nothing",
            "java -javaagent:x.jar Main",
            "go build -toolexec x",
            "gradle --init-script x build",
            "helm install --post-renderer x y z",
            "websocat sh-c:env -",
            "ansible all -a x",
            "rails runner x",
            "mix run -e x",
        ] {
            assert!(judged(line).is_err(), "{line}: {:?}", judged(line));
        }
    }

    #[test]
    fn values_stand_where_secrets_belong() {
        for (line, places) in [
            ("curl -s -H X:securecode-X-1 https://example.com -o out.json", &[2, 3][..]),
            ("curl -sSHX:securecode-X-1 -o z/securecode-X-1 https://example.com", &[0, 3]),
            ("wget -qO- --header=X:securecode-X-1 https://example.com", &[1, 2]),
            ("psql postgres://securecode-X-1 -c select", &[0]),
            ("psql -d securecode-X-1 -c select", &[1]),
            ("git push https://securecode-X-1@example.com/x.git HEAD:refs/heads/securecode-X-1", &[1]),
            ("make deploy TOKEN=securecode-X-1", &[1]),
            ("cargo publish --token securecode-X-1", &[2]),
            ("stripe --api-key=securecode-X-1 customers list --name=securecode-X-1", &[0]),
            ("aws s3 ls", &[]),
        ] {
            let mut found = judged(line).map(|used| used.places).unwrap_or_else(|why| panic!("{line} {why}"));
            found.sort_unstable();
            assert_eq!(found, places, "{line}");
        }
    }

    #[test]
    fn what_finds_code_by_itself_runs_the_whole_project() {
        for (line, whole) in
            [("cargo run", true), ("pytest", true), ("terraform apply", true), ("curl x", false)]
        {
            assert_eq!(judged(line).map(|used| used.code.whole_project), Ok(whole), "{line}");
        }
    }
}
