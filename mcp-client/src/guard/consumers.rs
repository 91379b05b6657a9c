//! Programs that consume secrets: which of the system's are given them, which files steer one, and what in its arguments
//! makes it unfit for values.

#![allow(clippy::collapsible_match, reason = "a tool's conditions stand under its name")]

use super::{
    changes::is_code,
    program::{INLINE, TOLD},
};
use crate::ticket::PLACEHOLDER;
use std::{fs, path::PathBuf};

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

/// Why a tool gets none in a command that does nothing with secrets: nobody needs to be told.
pub(super) const NO_USE: &str = "has no use for them in this command";

/// The files that steer another tool, or what in its arguments makes it unfit for values.
pub(super) fn tool_entries(name: &str, arguments: &[String]) -> Result<Vec<PathBuf>, &'static str> {
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
