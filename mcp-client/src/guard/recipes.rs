//! Recipes of other tools than make: a justfile, a Taskfile, a compose file. They are read as a makefile that says the
//! same, roughly, for they expand variables as make does: as text.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Just,
    Task,
    Compose,
}

/// The files that such a tool reads in a folder or above, and those that it is given.
pub(super) fn files_of(name: &str, arguments: &[String], folder: &Path) -> Vec<PathBuf> {
    let names: &[&str] = match name {
        "just" => &["justfile", ".justfile", "Justfile"],
        "task" => &[
            "Taskfile.yml",
            "taskfile.yml",
            "Taskfile.yaml",
            "taskfile.yaml",
            "Taskfile.dist.yml",
            "taskfile.dist.yml",
            "Taskfile.dist.yaml",
            "taskfile.dist.yaml",
        ],
        "docker" | "docker-compose" | "podman" => &[
            "compose.yaml",
            "compose.yml",
            "compose.override.yaml",
            "compose.override.yml",
            "docker-compose.yml",
            "docker-compose.yaml",
            "docker-compose.override.yml",
            "docker-compose.override.yaml",
        ],
        _ => return vec![],
    };
    let folder = folder.canonicalize().unwrap_or_default();
    let beside =
        |folder: &Path| names.iter().map(|name| folder.join(name)).filter(|file| file.is_file()).collect();
    let found = folder.ancestors().map(beside).find(|files: &Vec<PathBuf>| !files.is_empty());
    let pieces = arguments.iter().flat_map(|word| word.split('='));
    let given = pieces.map(|piece| folder.join(piece)).flat_map(|path| match path.is_dir() {
        true => beside(&path),
        false => vec![path],
    });
    found.into_iter().flatten().chain(given.filter(|path| path.is_file())).collect()
}

/// By the file's name, or by what stands at the beginning of a line.
fn form_of(file: &Path, text: &str) -> Option<Form> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let says = |key: &str| text.lines().any(|line| line.starts_with(key));
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "just" => Some(Form::Just),
        "yml" | "yaml" if says("tasks:") || says("includes:") => Some(Form::Task),
        "yml" | "yaml" if says("services:") || says("include:") => Some(Form::Compose),
        _ => ["justfile", ".justfile"].contains(&name.as_str()).then_some(Form::Just),
    }
}

/// The makefile that says what this file says; nothing where it is of no such tool.
pub(super) fn as_makefile(file: &Path, text: &str) -> Option<String> {
    let variables = |expression: &str| -> String {
        names(expression).map(|name| format!("$({name})")).collect::<Vec<_>>().join("")
    };
    let form = form_of(file, text)?;
    Some(lines_of(form, text).map(|line| line.written(form, &variables) + "\n").collect())
}

/// The commands of such a file as the shell's, with `"$@"` where they expand what stands on the tool's command line.
pub(super) fn as_script(file: &Path, text: &str) -> Option<String> {
    let form = form_of(file, text)?;
    let assigned: HashSet<&str> =
        text.lines().filter_map(|line| line.split_once(":=")).map(|(name, _)| name.trim()).collect();
    let arguments = |expression: &str| -> String {
        let is_given = |name: &str| match form {
            Form::Just => !assigned.contains(name),
            _ => name.starts_with("CLI_ARGS"),
        };
        names(expression).find(|name| is_given(name)).map_or("_", |_| "$@").to_owned()
    };
    let commands = lines_of(form, text).filter_map(|line| match line {
        Line::Command(text) => {
            Some(replaced(&text, "{{", "}}", &arguments).trim_start_matches(['@', '-']).to_owned())
        }
        _ => None,
    });
    Some(commands.map(|command| command + "\n").collect())
}

enum Line {
    Command(String),
    /// What is mounted, built or read.
    Path(String),
    Assignment(String, String),
    Nothing,
}

impl Line {
    fn written(self, form: Form, variables: &dyn Fn(&str) -> String) -> String {
        let expanded = |text: &str| match form {
            Form::Compose => of_compose(text),
            _ => replaced(&text.replace('$', "$$"), "{{", "}}", variables),
        };
        match self {
            Self::Command(text) => format!("\t{}", expanded(&text)),
            Self::Path(text) => format!("include _{}", expanded(&text)),
            Self::Assignment(name, value) if form == Form::Just => format!("{name} := {}", variables(&value)),
            Self::Assignment(name, value) => format!("{name} := {}", expanded(&value)),
            Self::Nothing => String::new(),
        }
    }
}

fn lines_of(form: Form, text: &str) -> impl Iterator<Item = Line> {
    let mut section = String::new();
    text.lines().map(move |line| match form {
        Form::Just if line.starts_with([' ', '\t']) => Line::Command(line.trim().to_owned()),
        Form::Just => match line.split_once(":=") {
            Some((name, value)) => Line::Assignment(name.trim().to_owned(), value.to_owned()),
            // The arguments of a recipe may have values of their own.
            None => Line::Assignment("_".to_owned(), line.split('#').next().unwrap_or_default().to_owned()),
        },
        Form::Task | Form::Compose => {
            let body = line.trim().trim_start_matches("- ").trim();
            let is_key =
                |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
            let pair = body
                .split_once(':')
                .filter(|(key, value)| is_key(key) && (value.is_empty() || value.starts_with(' ')));
            let (key, value) = match pair {
                Some((key, value)) if ["", "|", ">", "|-", ">-"].contains(&value.trim()) => {
                    key.clone_into(&mut section);
                    return Line::Nothing;
                }
                Some((key, value)) => (key.to_owned(), value.trim()),
                None => (section.clone(), body),
            };
            let is_quote = |c: char| ['"', '\''].contains(&c);
            let value = value.trim_matches(is_quote);
            let value = value.trim_start_matches('[').trim_end_matches(']').trim_matches(is_quote);
            // A list in one line has its words in quotes.
            let value = value.replace("\", \"", " ").replace("\",\"", " ").replace("', '", " ");
            let is_in = |keys: &[&str]| keys.contains(&key.as_str());
            match form {
                Form::Task if is_in(&["cmd", "cmds", "sh", "deps", "preconditions", "status", "defer"]) => {
                    Line::Command(value)
                }
                Form::Task => Line::Assignment(key, value),
                _ if is_in(&["command", "entrypoint", "test", "post_start", "pre_stop"]) => {
                    Line::Command(value)
                }
                _ if is_in(&[
                    "build",
                    "context",
                    "dockerfile",
                    "env_file",
                    "extends",
                    "file",
                    "include",
                    "path",
                    "source",
                    "volumes",
                ]) =>
                {
                    Line::Path(value)
                }
                _ => Line::Nothing,
            }
        }
    })
}

/// The names in an expression, those of the environment's in quotes among them.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
    words.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// A text with something else for what stands in these brackets.
fn replaced(text: &str, open: &str, close: &str, by: &dyn Fn(&str) -> String) -> String {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once(open) {
        made.push_str(before);
        let (inner, behind) = behind.split_once(close).unwrap_or((behind, ""));
        made.push_str(&by(inner));
        rest = behind;
    }
    made + rest
}

/// A text of a compose file: `$X` and `${X:-y}` are expanded by compose, `$$` is the shell's.
fn of_compose(text: &str) -> String {
    let (mut made, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('$') {
        made.push_str(before);
        if let Some(behind) = behind.strip_prefix('$') {
            made.push_str("$$");
            rest = behind;
            continue;
        }
        let behind = behind.strip_prefix('{').unwrap_or(behind);
        let end = behind.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(behind.len());
        let (name, behind) = behind.split_at(end);
        made.push_str(&format!("$({name})"));
        // What stands for one that is not set is expanded in its turn.
        rest = behind.trim_start_matches([':', '-', '?', '+']);
    }
    (made + rest).replace('}', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::commands;

    fn read(file: &str, text: &str) -> [String; 3] {
        let script = commands::read(&as_makefile(Path::new(file), text).unwrap(), true);
        [&script.texts, &script.parts, &script.words].map(|names| {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.join(" ")
        })
    }

    #[test]
    fn what_is_expanded_as_text_is_found() {
        let just = "port := env_var_or_default('PORT', '80')\n\ndeploy env=region *args:\n    @node app.js --port {{ port }} {{args}}\n    echo $HOME\n";
        assert!(read("justfile", just)[0].split(' ').any(|name| name == "PORT"));
        assert!(read("justfile", just)[0].split(' ').any(|name| name == "region"));
        let task = "version: '3'\nvars:\n  WHERE: '{{.STAGE}}'\ntasks:\n  deploy:\n    cmds:\n      - tool {{.WHERE}} $REST\n      - cmd: |\n          tool {{.MORE | default \"x\"}}\n";
        assert_eq!(read("Taskfile.yml", task)[0], "MORE STAGE WHERE default x");
        assert_eq!(read("Taskfile.yml", task)[2], "MORE REST STAGE WHERE default x");
        let compose = "services:\n  web:\n    image: app:${TAG}\n    environment:\n      - URL=${URL}\n    command: [\"tool\", \"${FLAGS:-x}\"]\n    volumes:\n      - ${SOURCE}:/app\n";
        assert_eq!(read("compose.yml", compose), ["FLAGS SOURCE", "SOURCE", "FLAGS"].map(str::to_owned));
        assert!(as_makefile(Path::new("values.yml"), "replicas: 2\n").is_none());
    }

    #[test]
    fn what_stands_on_the_tools_command_line_is_a_scripts_argument() {
        let just = "x := 'y'\nunit *args:\n    @node --test {{args}} {{x}}\n";
        assert_eq!(as_script(Path::new("justfile"), just).unwrap(), "node --test $@ _\n");
        let task = "tasks:\n  unit:\n    cmds:\n      - node --test {{.CLI_ARGS}} {{.X}}\n";
        assert_eq!(as_script(Path::new("Taskfile.yml"), task).unwrap(), "node --test $@ _\n");
    }
}
