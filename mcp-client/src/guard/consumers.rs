//! Programs that consume secrets: which of the system's are given them, where in their arguments a secret may stand,
//! what they run, and what makes a command of theirs unfit for values.

use super::{
    arguments::{Arguments, End, Flags, UNKNOWN, read},
    interpreters::named_files,
    program::{INLINE, INPUT, TOLD},
    reach::Code,
    steering,
};
use crate::ticket::PLACEHOLDER;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

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

/// What a script of package.json runs when it runs whatever code is in the project.
const RUNNERS: &[&str] = &[
    "--test",
    "angular",
    "astro",
    "ava",
    "cypress",
    "esbuild",
    "jest",
    "lerna",
    "mocha",
    "next",
    "ng",
    "nodemon",
    "nuxt",
    "nx",
    "parcel",
    "playwright",
    "pytest",
    "react-scripts",
    "remix",
    "rollup",
    "svelte-kit",
    "tap",
    "tape",
    "ts-node-dev",
    "tsc",
    "turbo",
    "unittest",
    "vite",
    "vitest",
    "vue-cli-service",
    "webpack",
];

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

const CURL: Flags = Flags {
    letters: "sSLfikgGIvN460#",
    switches: &[
        "--compressed",
        "--fail",
        "--fail-with-body",
        "--get",
        "--globoff",
        "--head",
        "--http1.1",
        "--http2",
        "--include",
        "--insecure",
        "--ipv4",
        "--ipv6",
        "--location",
        "--no-buffer",
        "--no-progress-meter",
        "--progress-bar",
        "--raw",
        "--show-error",
        "--silent",
        "--tlsv1.2",
        "--verbose",
    ],
    texts: &[
        "-X",
        "--request",
        "-o",
        "--output",
        "-w",
        "--write-out",
        "-m",
        "--max-time",
        "--connect-timeout",
        "--retry",
        "--retry-delay",
        "--retry-max-time",
        "--cacert",
        "--max-redirs",
        "--limit-rate",
        "-r",
        "--range",
        "-D",
        "--dump-header",
        "-c",
        "--cookie-jar",
        "-T",
        "--upload-file",
        "--resolve",
        "--unix-socket",
    ],
    places: &[
        "-H",
        "--header",
        "-u",
        "--user",
        "-d",
        "--data",
        "--data-ascii",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "--json",
        "-F",
        "--form",
        "--form-string",
        "-b",
        "--cookie",
        "-A",
        "--user-agent",
        "-e",
        "--referer",
        "--oauth2-bearer",
        "--url",
    ],
    files: &[],
};

const WGET: Flags = Flags {
    letters: "qSNnv46",
    switches: &[
        "--quiet",
        "--no-verbose",
        "--server-response",
        "--no-check-certificate",
        "--spider",
        "--content-on-error",
    ],
    texts: &["-O", "--output-document", "-T", "--timeout", "-t", "--tries", "--method"],
    places: &["--header", "--post-data", "--body-data", "--user", "--password", "--user-agent"],
    files: &[],
};

const HTTPIE: Flags = Flags {
    letters: "hbvjf",
    switches: &[
        "--body",
        "--headers",
        "--verbose",
        "--json",
        "--form",
        "--follow",
        "--ignore-stdin",
        "--check-status",
    ],
    texts: &["--pretty", "-p", "--print", "--timeout", "--verify"],
    places: &["-a", "--auth", "-A", "--raw"],
    files: &[],
};

const GIT: Flags = Flags {
    letters: "qvfn",
    switches: &[
        "--all",
        "--depth=1",
        "--dry-run",
        "--ff-only",
        "--follow-tags",
        "--force",
        "--force-with-lease",
        "--heads",
        "--no-rebase",
        "--no-tags",
        "--prune",
        "--quiet",
        "--rebase",
        "--tags",
        "--verbose",
        "--no-verify",
        "--progress",
    ],
    texts: &["--depth", "-b", "--branch"],
    ..Flags::NONE
};

const NPM: Flags = Flags {
    letters: "sqy",
    switches: &[
        "--if-present",
        "--no-audit",
        "--no-fund",
        "--no-progress",
        "--offline",
        "--prefer-offline",
        "--production",
        "--quiet",
        "--silent",
        "--workspaces",
        "--yes",
        "--no-install",
        "--frozen-lockfile",
        "--ignore-scripts",
    ],
    texts: &[
        "--loglevel",
        "--prefix",
        "-C",
        "--dir",
        "--cwd",
        "--omit",
        "--include",
        "-w",
        "--workspace",
        "--access",
        "--tag",
        "--otp",
    ],
    ..Flags::NONE
};

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

/// Clients of databases. Their commands can read files, variables and shells, so those are looked at.
const DATABASE: Flags = Flags {
    letters: "AtqXwWx1n",
    switches: &[
        "--tuples-only",
        "--no-align",
        "--quiet",
        "--no-psqlrc",
        "--raw",
        "--tls",
        "--ssl",
        "--csv",
        "--batch",
        "--silent",
        "-sN",
        "--no-auth-warning",
    ],
    texts: &[
        "-c",
        "--command",
        "-e",
        "--execute",
        "--eval",
        "-h",
        "--host",
        "-p",
        "--port",
        "-P",
        "-U",
        "--username",
        "-v",
        "--set",
        "-n",
        "-D",
        "--database",
        "-F",
        "--field-separator",
    ],
    places: &["-d", "--dbname", "-a", "--pass", "--password", "-u", "--user", "--uri"],
    files: &["-f", "--file"],
};

/// What a tool is given, or what in its arguments makes it unfit for values.
pub(super) fn use_of(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    match name {
        "curl" => client(read(&CURL, arguments, End::Marked)?),
        "wget" => client(read(&WGET, arguments, End::Marked)?),
        "http" | "https" => client(read(&HTTPIE, arguments, End::Marked)?),
        "git" => git(arguments),
        "npm" | "pnpm" | "yarn" | "npx" | "bunx" => node_packages(name, arguments),
        "make" | "gmake" => make(arguments),
        "psql" | "mysql" | "mariadb" | "redis-cli" | "mongosh" | "mongo" => database(name, arguments),
        _ => other(name, arguments),
    }
}

fn says(arguments: &[String], texts: &[&str]) -> bool {
    arguments.iter().any(|word| texts.iter().any(|text| word.contains(text)))
}

/// A client of HTTP, which takes secrets by its arguments alone.
fn client(arguments: Arguments<'_>) -> Result<Use, &'static str> {
    let writes_more = |(flag, text): &(&str, &str)| {
        ["-w", "--write-out"].contains(flag) && (text.contains("%output") || text.starts_with('@'))
            // Of a pattern in the address, a part stands for `#1`.
            || ["-o", "--output"].contains(flag) && text.contains('#')
    };
    if arguments.texts.iter().any(writes_more) {
        return Err(WRITES);
    }
    let is_of_another_protocol = |word: &str| {
        let scheme = word.split_once(':').map_or("", |(scheme, _)| scheme);
        ["file", "telnet", "dict", "gopher", "scp", "sftp", "smb", "smtp", "tftp"]
            .contains(&scheme.to_lowercase().as_str())
    };
    if arguments.operands.iter().any(|(_, word)| is_of_another_protocol(word)) {
        return Err("is told to use a protocol that no secret is for");
    }
    let places = arguments.operands.iter().map(|(at, _)| *at).chain(arguments.places).collect();
    Ok(Use { code: Code::default(), places, variables: Variables::None })
}

/// git takes secrets in the address of a repository elsewhere. Hooks and helpers have the environment, so that has none.
fn git(arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&GIT, arguments, End::Marked).map_err(|_| {
        let plain = arguments.iter().find(|word| !word.starts_with('-')).map(String::as_str);
        if ["push", "pull", "fetch", "ls-remote"].contains(&plain.unwrap_or_default()) {
            UNKNOWN
        } else {
            NO_USE
        }
    })?;
    let Some(((_, command), operands)) = read.operands.split_first() else { return Err(NO_USE) };
    let elsewhere = |word: &str| ["https://", "http://"].iter().any(|scheme| word.starts_with(scheme));
    let places: Vec<usize> = operands.iter().filter(|(_, word)| elsewhere(word)).map(|(at, _)| *at).collect();
    match *command {
        // The address becomes a setting of the new repository.
        "clone" if says(arguments, &[PLACEHOLDER]) => return Err(KEEPS),
        "push" | "pull" | "fetch" | "ls-remote" if !places.is_empty() => {}
        _ => return Err(NO_USE),
    }
    let mut files: Vec<PathBuf> = ["config", "config.worktree"].into_iter().map(git_path).collect();
    files.extend(files_in(&git_path("hooks")));
    Ok(Use { code: Code { settings: files, ..Code::default() }, places, variables: Variables::None })
}

fn node_packages(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    if says(arguments, &[PLACEHOLDER]) {
        return Err(KEEPS);
    }
    let own = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let (own, rest) = arguments.split_at(own);
    let is_starter = ["npx", "bunx"].contains(&name);
    // What stands behind a program's name is the program's.
    let read = read(&NPM, own, if is_starter { End::Operand } else { End::Marked }).map_err(|unknown| {
        if name == "npm" && !own.iter().any(|word| RUNS.contains(&word.as_str())) { NO_USE } else { unknown }
    })?;
    let words: Vec<&str> = read.operands.iter().map(|(_, word)| *word).collect();
    let (command, operands) = match words.split_first() {
        _ if is_starter => ("exec", words.as_slice()),
        // `yarn migrate` is `yarn run migrate`.
        Some((first, _)) if name != "npm" && !RUNS.contains(first) && *first != "dlx" => {
            ("run", words.as_slice())
        }
        Some((first, operands)) => (*first, operands),
        None => return Err(NO_USE),
    };
    let mut operands = operands.iter().copied();
    let folders = read.texts.iter().filter(|(flag, _)| ["--prefix", "-C", "--dir", "--cwd"].contains(flag));
    let project = match folders.map(|(_, folder)| *folder).next_back() {
        Some(folder) => Some(Path::new(folder).join("package.json")).filter(|file| file.is_file()),
        None => upwards("package.json"),
    };
    let project = project.ok_or(NO_USE)?;
    let text = fs::read_to_string(&project).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let mut settings = vec![project.clone()];
    settings.extend(project.parent().map(|folder| folder.join(".npmrc")));
    settings.extend(strange_binaries(&project));
    let mut files: Vec<PathBuf> = vec![];
    files.extend(rest.iter().flat_map(|word| named_files(word)));
    let scripts: Vec<String> = match command {
        "run" | "run-script" => operands.next().map(str::to_owned).into_iter().collect(),
        "test" | "t" | "tst" => vec!["test".into()],
        "start" | "stop" | "restart" | "dev" | "build" => vec![command.to_owned()],
        "ci" | "install" | "i" | "publish" => vec![],
        "exec" | "x" | "dlx" => {
            let program = operands.next().ok_or(NO_USE)?;
            let beside = project.parent().unwrap_or(Path::new("")).join("node_modules/.bin").join(program);
            if !beside.exists() {
                return Err("is told to run what is not of this project");
            }
            files.push(beside.canonicalize().unwrap_or(beside));
            files.extend(operands.by_ref().flat_map(named_files));
            return Ok(Use {
                code: Code {
                    files,
                    settings,
                    text: program.to_owned(),
                    whole_project: RUNNERS.contains(&program),
                },
                places: vec![],
                variables: Variables::All,
            });
        }
        _ => return Err(NO_USE),
    };
    files.extend(operands.flat_map(|word| {
        named_files(word).into_iter().chain(Some(PathBuf::from(word)).filter(|path| path.exists()))
    }));
    let text = if scripts.is_empty() { text } else { scripts_text(&package, scripts) };
    let of_workspaces = own.iter().any(|word| word.starts_with("-w") || word.starts_with("--workspace"));
    let whole_project = of_workspaces || runs_the_project(&text);
    Ok(Use { code: Code { files, settings, text, whole_project }, places: vec![], variables: Variables::All })
}

/// The commands of npm that run a project's scripts.
const RUNS: &[&str] = &[
    "run",
    "run-script",
    "test",
    "t",
    "tst",
    "start",
    "stop",
    "restart",
    "ci",
    "install",
    "i",
    "publish",
    "dev",
    "build",
    "exec",
    "x",
];

/// The text of these scripts of a package.json, of those before and after them, and of those that they name.
fn scripts_text(package: &serde_json::Value, mut open: Vec<String>) -> String {
    let mut texts: Vec<(String, String)> = vec![];
    while let Some(name) = open.pop() {
        for name in [format!("pre{name}"), name.clone(), format!("post{name}")] {
            let text =
                package.get("scripts").and_then(|scripts| scripts.get(&name)).and_then(|text| text.as_str());
            let Some(text) = text.filter(|_| !texts.iter().any(|(known, _)| *known == name)) else {
                continue;
            };
            let others = package.get("scripts").and_then(|scripts| scripts.as_object()).into_iter().flatten();
            let named = others
                .map(|(other, _)| other)
                .filter(|other| text.split_whitespace().any(|word| word == *other));
            open.extend(named.cloned());
            texts.push((name, text.to_owned()));
        }
    }
    texts.into_iter().map(|(_, text)| text + "\n").collect()
}

fn make(arguments: &[String]) -> Result<Use, &'static str> {
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
    // make would make its own file from the second three.
    let own = ["GNUmakefile", "makefile", "Makefile", "GNUmakefile.sh", "makefile.sh", "Makefile.sh"];
    files.extend(own.map(|name| folder.join(name)).into_iter().filter(|file| file.is_file()));
    Ok(Use { code: files.into(), places, variables: Variables::All })
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

fn database(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
    let read = read(&DATABASE, arguments, End::Marked)?;
    let told = |texts: &[&str]| read.texts.iter().any(|(_, text)| texts.iter().any(|one| text.contains(one)));
    if told(&[
        "\\",
        "system",
        "process",
        "require",
        "import",
        "globalThis",
        "Function",
        "eval",
        "load",
        "tee",
        "pager",
        "source",
        "`",
        "outfile",
        "dumpfile",
    ]) {
        return Err("is told more than to ask its database");
    }
    // What comes by standard input is not seen, so there has to be a command.
    let commands = ["-c", "--command", "-e", "--execute", "--eval"];
    let asks = read.texts.iter().any(|(flag, _)| commands.contains(flag)) || !read.files.is_empty();
    let is_command = |word: &str| name == "redis-cli" && !word.contains("://");
    if !(asks || read.operands.iter().any(|(_, word)| is_command(word))) {
        return Err(INPUT);
    }
    if read.files.iter().any(|file| *file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")) {
        return Err(INPUT);
    }
    let places =
        read.operands.iter().filter(|(_, word)| word.contains("://") || word.starts_with(PLACEHOLDER));
    let places = places.map(|(at, _)| *at).chain(read.places.iter().copied()).collect();
    Ok(Use {
        code: read.files.iter().map(PathBuf::from).collect::<Vec<_>>().into(),
        places,
        variables: Variables::Beginning(&["PG", "MYSQL_PWD", "REDISCLI_AUTH"]),
    })
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
        "ssh" | "scp" | "sftp" | "rsync" => begins(&[
            "-o",
            "-F",
            "-e",
            "--rsh",
            "-S",
            "-E",
            "-D",
            "-s",
            "--log-file",
            "--rsync-path",
            "-4o",
            "-6o",
            "-T",
            "-v",
        ]),
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
        "docker" | "podman" => {
            has(&["-v", "--volume", "--mount", "--entrypoint", "--config", "--context", "-c"])
                || ["context", "plugin", "cp"].contains(&first)
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
    files.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_file() || path.is_dir()));
    files.extend(files_at_home(name));
    // In an address, and behind a flag that is for a secret.
    let is_for_secrets = |word: &str| {
        let flag = word.split('=').next().unwrap_or_default().to_lowercase();
        word.starts_with('-')
            && ["token", "pass", "key", "secret", "auth", "header", "user", "data", "url", "uri", "dsn"]
                .iter()
                .any(|part| flag.contains(part))
    };
    let places = arguments.iter().enumerate().filter(|(at, word)| {
        let before = at.checked_sub(1).and_then(|before| arguments.get(before));
        word.contains("://")
            || is_for_secrets(word)
            || before.is_some_and(|before| is_for_secrets(before) && !before.contains('='))
    });
    let places = places.map(|(at, _)| at).collect();
    Ok(Use { code: Code { files, whole_project, ..Code::default() }, places, variables: Variables::All })
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

/// Whether a script runs whatever code it finds.
fn runs_the_project(script: &str) -> bool {
    script.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.iter().enumerate().any(|(at, word)| {
            let name = word.rsplit('/').next().unwrap_or_default();
            // With a file behind it, node's test runner runs that one.
            let names_file = words.get(at + 1..).into_iter().flatten().any(|word| Path::new(word).is_file());
            RUNNERS.contains(&name) && !(name == "--test" && names_file)
        })
    })
}

/// Programs under node_modules/.bin, here or above, that npm did not put there: it makes links to packages alone.
fn strange_binaries(package: &Path) -> Vec<PathBuf> {
    let folders = package.ancestors().skip(1).map(|folder| folder.join("node_modules"));
    let strange = folders.flat_map(|modules| {
        let packages = modules.canonicalize().unwrap_or_default();
        let is_npms = move |file: &PathBuf| {
            file.is_symlink() && file.canonicalize().is_ok_and(|target| target.starts_with(&packages))
        };
        files_in(&modules.join(".bin")).into_iter().filter(move |file| !is_npms(file))
    });
    strange.collect()
}

/// The nearest file of this name, here or above.
fn upwards(name: &str) -> Option<PathBuf> {
    let here = Path::new(".").canonicalize().ok()?;
    here.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Where git has this file of its own for the repository around here.
fn git_path(name: &str) -> PathBuf {
    let asked = Command::new("git").args(["rev-parse", "--git-path", name]).output().ok();
    let path = asked
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    path.map_or_else(|| Path::new(".git").join(name), |path| path.trim_end().into())
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
            ("cargo publish --token securecode-X-1", &[1, 2]),
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
        for (script, whole) in [
            ("node --test", true),
            ("node --test src/lib.rs", false),
            ("vitest run", true),
            ("node app.js", false),
        ] {
            assert_eq!(runs_the_project(script), whole, "{script}");
        }
    }

    #[test]
    fn a_script_of_a_package_is_followed_with_those_that_it_names() {
        let package = serde_json::json!({ "scripts": {
            "start": "npm run build && node app.js", "prestart": "node before.js", "build": "node build.js", "lint": "node lint.js",
        }});
        let text = scripts_text(&package, vec!["start".into()]);
        assert!(text.contains("app.js") && text.contains("before.js") && text.contains("build.js"), "{text}");
        assert!(!text.contains("lint.js"));
    }
}
