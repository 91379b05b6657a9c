//! Programs that consume secrets: which of the system's are given them, which files steer one, and what in its arguments
//! makes it unfit for values.

#![allow(clippy::collapsible_match, reason = "a tool's conditions stand under its name")]

use super::{
    program::{INLINE, INPUT, TOLD},
    reach::{Code, is_code},
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

/// What a tool runs or is steered by, or what in its arguments makes it unfit for values.
pub(super) fn code_of(name: &str, arguments: &[String]) -> Result<Code, &'static str> {
    let has = |flags: &[&str]| {
        arguments
            .iter()
            .any(|word| flags.contains(&word.split_once('=').map_or(word.as_str(), |(flag, _)| flag)))
    };
    let says = |texts: &[&str]| arguments.iter().any(|word| texts.iter().any(|text| word.contains(text)));
    let mut commands = arguments.iter().filter(|word| !word.starts_with('-')).map(String::as_str);
    let (first, second) = (commands.next().unwrap_or_default(), commands.next().unwrap_or_default());
    let publishes = ["publish", "upload"].contains(&first);
    if KEEPERS.contains(&name) && !publishes && says(&[PLACEHOLDER])
        || CONSUMERS.contains(&name)
            // Of these two it is known which commands have a use for secrets.
            && !["git", "npm"].contains(&name)
            && [first, second].iter().any(|word| KEEPING.contains(word))
    {
        return Err(KEEPS);
    }
    // A file may stand behind a flag and `=`.
    let named = arguments.iter().map(|word| word.rsplit_once('=').map_or(word.as_str(), |(_, file)| file));
    let mut files: Vec<PathBuf> =
        named.map(PathBuf::from).filter(|path| is_code(path) && path.is_file()).collect();
    let mut whole_project = WHOLE_PROJECT.contains(&name);
    match name {
        "npm" | "pnpm" | "yarn" | "npx" => {
            if has(&[
                "-c",
                "--call",
                "--node-options",
                "--script-shell",
                "--shell",
                "--prefix",
                "-C",
                "--dir",
                "--cwd",
            ]) {
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
            files.push("package.json".into());
            files.extend(strange_binaries());
            whole_project = runs_the_project();
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
                    files.extend(words.next().map(PathBuf::from));
                } else if let Some(file) = word.strip_prefix("-f").or_else(|| word.strip_prefix("--file=")) {
                    files.push(file.into());
                }
            }
            files.extend(["GNUmakefile", "makefile", "Makefile"].map(PathBuf::from));
        }
        "git" => {
            match first {
                "push" | "pull" | "fetch" | "ls-remote" => {}
                // The address becomes a setting of the new repository.
                "clone" if says(&[PLACEHOLDER]) => return Err(KEEPS),
                "clone" => {}
                "remote" if ["update", "prune", "show"].contains(&second) => {}
                _ => return Err(NO_USE),
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
            ]) || says(&["ext::"])
            {
                return Err(TOLD);
            }
            files.push(".git/config".into());
            files.extend(files_in(&hooks_folder()));
        }
        "psql" | "mysql" | "mariadb" | "redis-cli" | "mongosh" | "mongo" => {
            if says(&[
                "\\!",
                "\\getenv",
                "\\setenv",
                "system ",
                "process",
                "require(",
                "import(",
                "globalThis",
                "Function",
                "eval(",
                "load(",
            ]) {
                return Err("is told to run code on the command line");
            }
            if says(&["\\o", "\\w", "\\T", "\\P", "tee ", "pager "])
                || has(&["-L", "--log-file", "-o", "--output", "--tee", "--pager"])
            {
                return Err(WRITES);
            }
        }
        "ssh" | "scp" | "sftp" | "rsync" => {
            let long = ["-o", "-F", "-e", "--rsh", "-S", "-E", "--log-file", "--rsync-path"];
            if has(&long) || arguments.iter().any(|word| word.starts_with("-o")) {
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
            if arguments.iter().any(told) || says(&["%output{"]) {
                return Err(WRITES);
            }
            if arguments.iter().any(|word| {
                ["file:", "telnet:", "dict:", "gopher:"].iter().any(|scheme| word.starts_with(scheme))
            }) {
                return Err("is told to use a protocol that no secret is for");
            }
        }
        "java" => {
            if arguments.iter().any(|word| {
                ["-javaagent", "-agent", "-XX:", "@", "-Xrun", "-Xlog"]
                    .iter()
                    .any(|flag| word.starts_with(flag))
            }) {
                return Err(TOLD);
            }
            files.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_file()));
        }
        "cargo" | "go" | "dotnet" => {
            if has(&["--config", "-exec", "-toolexec", "-overlay", "-modfile"])
                || arguments.iter().any(|word| word.starts_with('+'))
            {
                return Err(TOLD);
            }
            files.extend([".cargo/config", ".cargo/config.toml"].map(PathBuf::from));
            files.extend(arguments.iter().map(PathBuf::from).filter(|path| path.is_file()));
        }
        "docker" | "podman" if has(&["-v", "--volume", "--mount", "--entrypoint"]) => {
            return Err(TOLD);
        }
        "ansible" => return Err(INLINE),
        "rails" | "django-admin" | "flask" | "mix" | "elixir" | "rake" | "celery"
            if ["runner", "r", "console", "c", "shell", "eval", "dbconsole", "dbshell"].contains(&first)
                || has(&["-e", "--eval", "-E", "-p", "-r", "-c", "--command"]) =>
        {
            return Err(INLINE);
        }
        "just" | "task" | "ninja" | "gradle" | "helm"
            if has(&[
                "--command",
                "-c",
                "--shell",
                "--set",
                "-t",
                "--init-script",
                "-I",
                "--post-renderer",
            ]) =>
        {
            return Err(TOLD);
        }
        "terraform" | "tofu" if first == "console" => return Err(INPUT),
        "websocat" | "lftp" if says(&["exec:", "cmd:", "sh-c:", "file:", "!"]) => return Err(TOLD),
        _ => {}
    }
    Ok(Code { files, whole_project, ..Code::default() })
}

/// Whether package.json has a script that runs whatever code it finds.
fn runs_the_project() -> bool {
    let text = fs::read_to_string("package.json").unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let scripts = package.get("scripts").and_then(|scripts| scripts.as_object()).into_iter().flatten();
    let mut texts = scripts.filter_map(|(_, script)| script.as_str());
    texts.any(|script| {
        let words: Vec<&str> = script.split_whitespace().collect();
        words.iter().enumerate().any(|(at, word)| {
            let name = word.rsplit('/').next().unwrap_or_default();
            // With a file behind it, node's test runner runs that one.
            let names_file = words.get(at + 1..).into_iter().flatten().any(|word| is_code(Path::new(word)));
            RUNNERS.contains(&name) && !(name == "--test" && names_file)
        })
    })
}

/// Programs under node_modules/.bin that npm did not put there: it makes links to packages alone.
fn strange_binaries() -> Vec<PathBuf> {
    let packages = Path::new("node_modules").canonicalize().unwrap_or_default();
    let is_npms = |file: &PathBuf| {
        file.is_symlink() && file.canonicalize().is_ok_and(|target| target.starts_with(&packages))
    };
    files_in(Path::new("node_modules/.bin")).into_iter().filter(|file| !is_npms(file)).collect()
}

/// Where git looks for hooks in this folder.
fn hooks_folder() -> PathBuf {
    let asked = Command::new("git").args(["rev-parse", "--git-path", "hooks"]).output().ok();
    let path = asked
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    path.map_or_else(|| ".git/hooks".into(), |path| path.trim_end().into())
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Result<Code, &'static str> {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        code_of(&name, &words.collect::<Vec<_>>())
    }

    #[test]
    fn what_keeps_writes_or_runs_what_it_is_told_is_unfit() {
        for (reason, lines) in [
            (
                KEEPS,
                &[
                    "cargo login securecode-X-1",
                    "cargo add --git https://securecode-X-1@example.com/x",
                    "pip config set global.index-url https://securecode-X-1@example.com",
                    "aws configure set aws_secret_access_key securecode-X-1",
                    "gh auth login --with-token",
                    "docker login -u x --password-stdin",
                    "kubectl config set-credentials x --token=securecode-X-1",
                    "git clone https://securecode-X-1@example.com/x.git",
                    "npm start -- securecode-X-1",
                ][..],
            ),
            (
                WRITES,
                &[
                    "curl --trace x https://example.com",
                    "curl --tr x https://example.com",
                    "curl -w %output{x}%{url} https://example.com",
                    "wget -o x https://example.com",
                    "psql -L x",
                    "mysql --tee=x",
                    "http --download https://example.com",
                ],
            ),
            (
                TOLD,
                &[
                    "git fetch ext::sh",
                    "git push --receive-pack=x origin",
                    "ssh -oProxyCommand=x host",
                    "rsync -e x a b",
                    "docker run -v /:/x image",
                    "java -javaagent:x.jar Main",
                    "go build -toolexec x",
                    "gradle --init-script x build",
                    "helm install --post-renderer x y z",
                    "websocat sh-c:env -",
                ],
            ),
            (
                INLINE,
                &[
                    "npm start --script-shell=x",
                    "make --eval=x",
                    "make SHELL=x",
                    "make X=$(shell",
                    "ansible all -a x",
                    "rails runner x",
                    "mix run -e x",
                ],
            ),
            (NO_USE, &["git status", "git remote add x y", "git config a b", "npm config set x y"]),
        ] {
            for line in lines {
                assert_eq!(judged(line).err(), Some(reason), "{line}");
            }
        }
    }

    #[test]
    fn what_uses_secrets_is_fit() {
        for line in [
            "curl -s -H X:securecode-X-1 https://example.com -o out.json",
            "psql postgres://securecode-X-1 -c select",
            "mongosh mongodb://securecode-X-1 --eval db.users.find()",
            "git push https://securecode-X-1@example.com/x.git main",
            "npm run build",
            "npm publish",
            "cargo publish --token securecode-X-1",
            "make deploy",
            "docker compose up -d",
            "aws s3 ls",
            "kubectl get pods",
        ] {
            assert!(judged(line).is_ok(), "{line}: {:?}", judged(line).err());
        }
    }

    #[test]
    fn what_finds_code_by_itself_runs_the_whole_project() {
        for (line, whole) in
            [("cargo run", true), ("pytest", true), ("terraform apply", true), ("curl x", false)]
        {
            assert_eq!(judged(line).map(|code| code.whole_project), Ok(whole), "{line}");
        }
    }
}
