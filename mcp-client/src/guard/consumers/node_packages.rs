//! npm and its like, which run the scripts of a package.json and the programs of its packages.

use super::{KEEPS, NO_USE, Use, Variables, files_in, says};
use crate::{
    guard::{
        arguments::{End, Flags, read},
        interpreters::named_files,
        project::project_folders,
        reach::Code,
    },
    ticket::PLACEHOLDER,
};
use std::{
    fs,
    path::{Path, PathBuf},
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

/// What a script of package.json runs when it runs whatever code is in the project.
pub(in crate::guard) const RUNNERS: &[&str] = &[
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

pub(super) fn use_of(name: &str, arguments: &[String]) -> Result<Use, &'static str> {
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
    // A workspace's root may have one, too.
    let projects = project_folders();
    let absolute = project.canonicalize().unwrap_or_default();
    let above =
        absolute.ancestors().skip(1).filter(|folder| projects.iter().any(|one| folder.starts_with(one)));
    settings.extend(above.map(|folder| folder.join(".npmrc")));
    settings.extend(project.parent().map(|folder| folder.join(".npmrc")));
    settings.extend(strange_binaries(&project));
    let mut files: Vec<PathBuf> = vec![];
    files.extend(rest.iter().flat_map(|word| named_files(word)));
    let scripts: Vec<String> = match command {
        "run" | "run-script" => {
            let script = operands.next().map(str::to_owned);
            // Without such a script, all but npm take a program's name.
            let is_script =
                |script: &String| package.get("scripts").and_then(|all| all.get(script)).is_some();
            if name != "npm" && !script.as_ref().is_some_and(is_script) {
                return Err("is told to run what is no script of this project");
            }
            script.into_iter().collect()
        }
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
                    ..Code::default()
                },
                places: vec![],
                variables: Variables::All,
            });
        }
        _ => return Err(NO_USE),
    };
    files.extend(operands.clone().flat_map(|word| {
        named_files(word).into_iter().chain(Some(PathBuf::from(word)).filter(|path| path.exists()))
    }));
    let handed: Vec<String> = if scripts.is_empty() {
        vec![]
    } else {
        operands.map(str::to_owned).chain(rest.iter().skip(1).cloned()).collect()
    };
    let mut package = package;
    for script in scripts.iter().filter(|_| !handed.is_empty()) {
        // npm adds them to the script's text.
        if let Some(serde_json::Value::String(text)) =
            package.get_mut("scripts").and_then(|all| all.get_mut(script))
        {
            text.push_str(" \"$@\"");
        }
    }
    let text = if scripts.is_empty() { text } else { scripts_text(&package, scripts) };
    let of_workspaces = own.iter().any(|word| word.starts_with("-w") || word.starts_with("--workspace"));
    let whole_project = of_workspaces || runs_the_project(&text);
    let code = Code { files, settings, text, whole_project, handed, ..Code::default() };
    Ok(Use { code, places: vec![], variables: Variables::All })
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
pub(in crate::guard) fn scripts_text(package: &serde_json::Value, mut open: Vec<String>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_takes_what_it_finds() {
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
