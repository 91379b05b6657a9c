//! A project's folder: its `.securecoderc`, which git does not see.

use crate::{
    config::{KeyConfig, PROJECT_FILE},
    environment::Client,
    error::{Error, Result},
    gitignore,
};
use protocol::Label;
use sealing::EnvironmentNames;
use std::{fs, io::Write, path::Path};

/// What the folder is set up for, if it is.
///
/// # Errors
/// When it is set up for another project or environment than these, or what is there does not work.
pub fn present(
    folder: &Path,
    project: Option<&Label>,
    environment: Option<&Label>,
) -> Result<Option<EnvironmentNames>> {
    if folder.join(PROJECT_FILE).symlink_metadata().is_err() {
        return Ok(None);
    }
    let config = KeyConfig::find(folder, None)?;
    let names = Client::new(&config, None).environment()?.names.clone();
    let same = environment.is_none_or(|environment| *environment == names.environment)
        && project.is_none_or(|project| *project == names.project);
    if !same {
        return Err(Error::local(
            format!("{PROJECT_FILE} is there already, for {}/{}", names.project, names.environment),
            format!("remove {PROJECT_FILE} first if this folder is to use another environment"),
        ));
    }
    ignore(folder)?;
    Ok(Some(names))
}

/// Sets the folder up: its file, and a line in `.gitignore`.
///
/// # Errors
/// When either cannot be written.
pub fn set_up(folder: &Path, config: &KeyConfig) -> Result<()> {
    // First what keeps it out of git.
    ignore(folder)?;
    config.write_project_file(folder)
}

/// A project's name, made of the folder's.
///
/// # Errors
/// When nothing of it can be one.
pub fn name(folder: &Path) -> Result<Label> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let label: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    let label = label.trim_start_matches(['.', '_', '-']);
    let label = label.get(..label.len().min(64)).unwrap_or_default();
    label
        .parse()
        .map_err(|_| Error::local("this folder's name makes no project's name", "name one: --project P"))
}

/// Adds the project's file to .gitignore, unless a line names it already. What is there stays.
fn ignore(folder: &Path) -> Result<()> {
    let path = folder.join(".gitignore");
    let present = fs::read_to_string(&path).unwrap_or_default();
    let wanted = gitignore::with(&present, PROJECT_FILE);
    // Appended, so that whatever else is in the file stays, readable or not.
    let added = wanted.get(present.len()..).unwrap_or_default();
    let mut options = fs::OpenOptions::new();
    let mut write = || options.create(true).append(true).open(&path)?.write_all(added.as_bytes());
    if added.is_empty() { Ok(()) } else { write().map_err(|error| Error::io(&path, &error)) }
}
