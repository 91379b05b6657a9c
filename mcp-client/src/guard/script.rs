//! A command line that travels by a number: what the hook wrote down, `securecode run --id` runs, once.
//!
//! Whether the agent's sandbox lets a command out depends on the text of the whole line, quotes and all, so the
//! text is not in it (docs/decisions/0003).

use super::{exec, judge, line, output, shell};
use crate::{
    error::{Error, Result},
    home,
    sandbox::{self, Network},
    ticket,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

#[derive(Serialize, Deserialize)]
struct Script {
    command: String,
    folder: PathBuf,
    shell: String,
}

fn path(id: &str) -> Result<PathBuf> {
    Ok(home::session_folder()?.join(format!("{id}.line")))
}

/// Writes a command line down; its number.
///
/// # Errors
/// When it cannot be written.
pub fn write(command: &str, folder: &Path) -> Result<String> {
    let id = ticket::random()?;
    let shell = shell::of_the_person().unwrap_or_else(|| "/bin/bash".to_owned());
    let script = Script { command: command.to_owned(), folder: folder.to_owned(), shell };
    let text = serde_json::to_vec(&script).map_err(|error| Error::local(error.to_string(), "try again"))?;
    home::replace_private_file(&path(&id)?, &text)?;
    Ok(id)
}

/// Runs what was written down, in the sandbox and under the guard; its exit code.
///
/// # Errors
/// When there is no such line (any more), or it cannot be run safely.
pub fn run(id: &str) -> Result<u8> {
    let gone =
        || Error::local("there is no such command to run", "run the command itself: source FILE && COMMAND");
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(gone());
    }
    let path = path(id)?;
    let text = home::read_private_file(&path)?.ok_or_else(gone)?;
    fs::remove_file(&path).map_err(|error| Error::io(&path, &error))?;
    let script: Script = serde_json::from_str(&text).map_err(|_| gone())?;
    let uses_secrets = judge::mentions_session_file(&script.command);
    let line = if uses_secrets {
        line::guard(&script.command, &exec::wrapper()?, &HashSet::new())
            .map_err(|refusal| Error::local(refusal.0, "write it in plain POSIX shell"))?
    } else {
        script.command.clone()
    };
    let sessions = ticket::living();
    let mask = output::Mask::of(&sessions)?;
    let folder = home::session_folder()?;
    let folder = folder.canonicalize().map_err(|error| Error::io(&folder, &error))?;
    let visible: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(|error| Error::io(&folder, &error))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            uses_secrets
                && path.extension().is_some_and(|extension| extension == "env" || extension == "sock")
        })
        .collect();
    let network = if uses_secrets { Network::Shared } else { Network::None };
    let mut command = sandbox::command(&script.folder, &visible, network)?;
    command.arg(&script.shell).arg("-c").arg(line);
    exec::unguard(&mut command);
    if uses_secrets {
        command.env("SECURECODE_GUARD", "1");
    }
    exec::keep_back(&mut command);
    let status = output::run(command, &mask).map_err(|error| {
        Error::local(
            format!("the sandbox cannot be started: {error}"),
            "check that bwrap works: bwrap --ro-bind / / true",
        )
    })?;
    if script.command.split([';', '&', '|', '\n', '(']).any(|part| part.trim_start().starts_with("cd ")) {
        eprintln!("securecode: `cd` in a command with secrets lasts for that command alone");
    }
    Ok(output::exit_code(status))
}
