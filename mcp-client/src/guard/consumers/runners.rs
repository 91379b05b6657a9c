//! Tools that run another program in an environment of their own: `uv run pytest`. The program is judged as if it stood
//! alone.

use super::{Use, Variables};
use crate::guard::{
    arguments::{End, Flags, UNKNOWN, read},
    interpreters::{self, SHELLS, named_files},
    program::TOLD,
    project::is_code,
    reach::Code,
};
use std::path::{Path, PathBuf};

/// The tools, and the command of theirs that runs a program.
const RUNNERS: &[(&str, &str)] = &[
    ("bundle", "exec"),
    ("hatch", "run"),
    ("pipenv", "run"),
    ("poetry", "run"),
    ("rye", "run"),
    ("uv", "run"),
];

const FLAGS: Flags = Flags {
    letters: "qv",
    switches: &[
        "--active",
        "--frozen",
        "--isolated",
        "--locked",
        "--no-dev",
        "--no-sync",
        "--offline",
        "--quiet",
    ],
    texts: &["--extra", "--group", "-p", "--python"],
    ..Flags::NONE
};

/// What such a command is given; nothing where it is none, or does something else.
pub(super) fn use_of(name: &str, arguments: &[String]) -> Option<Result<Use, &'static str>> {
    let (_, command) = RUNNERS.iter().find(|(tool, _)| *tool == name)?;
    let at = arguments.iter().position(|word| !word.starts_with('-'))?;
    (arguments.get(at)? == command).then(|| run(arguments, at))
}

fn run(arguments: &[String], at: usize) -> Result<Use, &'static str> {
    let (own, rest) = arguments.split_at(at);
    let before = read(&FLAGS, own, End::Marked)?;
    let rest = rest.get(1..).unwrap_or_default();
    let flags = read(&FLAGS, rest, End::Operand)?;
    let python =
        before.texts.iter().chain(&flags.texts).filter(|(flag, _)| ["-p", "--python"].contains(flag));
    if python.into_iter().any(|(_, version)| version.contains('/')) {
        return Err(UNKNOWN);
    }
    let (first, program) = flags.operands.first().copied().ok_or(TOLD)?;
    let own = rest.get(first + 1..).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let file = Path::new(program);
    let installed = [".venv/bin", "venv/bin"].map(|folder| Path::new(folder).join(program));
    let mut files: Vec<PathBuf> = own.iter().flat_map(|word| named_files(word)).collect();
    // Interpreters and shells behind it are judged as launched ones.
    if SHELLS.contains(&name) || interpreters::named(name).is_some() {
        return Err(UNKNOWN);
    }
    if program.contains('/') || is_code(file) {
        if !file.is_file() {
            return Err(TOLD);
        }
        files.push(file.to_owned());
    } else if super::CONSUMERS.contains(&name) || interpreters::MODULES.contains(&name) {
        let used = super::use_of(name, own)?;
        files.extend(used.code.files);
        files.extend(installed.into_iter().filter(|file| file.is_file()));
        let code = Code { files, whole_project: true, ..used.code };
        let places = used.places.into_iter().map(|place| place + arguments.len() - own.len()).collect();
        return Ok(Use { code, places, variables: used.variables });
    } else {
        // What was installed into the project's own environment, by the packages that it depends on or by itself.
        let script = installed.into_iter().find(|file| file.is_file() && !is_systems(file)).ok_or(TOLD)?;
        files.push(script);
    }
    Ok(Use {
        code: Code { files, whole_project: true, ..Code::default() },
        places: vec![],
        variables: Variables::All,
    })
}

/// Whether a name leads out of the environment, to a program of the machine's.
fn is_systems(file: &Path) -> bool {
    file.canonicalize()
        .is_ok_and(|real| ["/bin", "/usr", "/opt", "/sbin"].iter().any(|folder| real.starts_with(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_run_is_judged_by_itself() {
        let judged = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            use_of(&words[0], &words[1..])
        };
        for line in ["uv sync", "uv pip install x", "bundle install", "poetry build"] {
            assert!(judged(line).is_none(), "{line}");
        }
        for line in [
            "uv run pytest",
            "uv run -q pytest -x",
            "poetry run flask db upgrade",
            "uv run src/lib.rs",
            "uv --quiet run -- gunicorn app",
        ] {
            assert!(
                matches!(judged(line), Some(Ok(ref used)) if used.code.whole_project),
                "{line}: {:?}",
                judged(line)
            );
        }
        for line in [
            "uv run awk x",
            "uv run -- printenv",
            "poetry run nothing",
            "bundle exec env",
            "uv run --with x pytest",
            "uv run",
            "uv run sh -c x",
            "uv run docker run x",
            "uv run --python /tmp/x pytest",
        ] {
            assert!(matches!(judged(line), Some(Err(_))), "{line}: {:?}", judged(line));
        }
    }
}
