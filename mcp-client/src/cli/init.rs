//! `init`: a project's folder, ready for an agent.

use super::{current_folder, say};
use crate::{
    config::{KeyConfig, PROJECT_FILE},
    environment::Client,
    error::{Error, Result},
    gitignore,
    owner::Owner,
};
use protocol::{Label, Permission};
use std::{fs, io::Write, path::Path};

pub(super) fn run(
    vault_url: Option<&str>,
    project: Option<Label>,
    environment: Label,
    production: bool,
    reveal: bool,
) -> Result<()> {
    let folder = current_folder()?;
    if folder.join(PROJECT_FILE).symlink_metadata().is_ok() {
        let config = KeyConfig::find(&folder, None)?;
        let names = Client::new(&config, None).environment()?.names.clone();
        let same = names.environment == environment && project.is_none_or(|project| project == names.project);
        if !same {
            return Err(Error::local(
                format!("{PROJECT_FILE} is there already, for {}/{}", names.project, names.environment),
                format!("remove {PROJECT_FILE} first if this folder is to use another environment"),
            ));
        }
        ignore(&folder)?;
        say!(
            "{PROJECT_FILE} is there already, for {}/{}; nothing was changed.",
            names.project,
            names.environment
        );
        return Ok(());
    }
    let project = project.map_or_else(|| folder_label(&folder), Ok)?;
    let mut owner = Owner::unlock(vault_url)?;
    let (project_id, made_project) = owner.ensure_project(&project)?;
    let (record, made_environment) =
        owner.ensure_environment((project_id, &project), &environment, production)?;
    if production && !record.production {
        return Err(Error::local(
            format!("the environment {environment} is there already and is not a production environment"),
            "choose another name for the production environment",
        ));
    }
    let mut permissions = vec![Permission::Read, Permission::Write, Permission::Audit];
    if reveal {
        permissions.push(Permission::Reveal);
    }
    let name = key_name(&project, &environment)?;
    let key = owner.create_key(std::slice::from_ref(&record), name, &permissions, None, vec![])?;
    let config = KeyConfig::for_project(key, owner.vault(), Some(project.clone()), Some(environment.clone()));
    if let Err(error) = config.write_project_file(&folder) {
        // A key that nobody holds must not stay.
        let _ = owner.revoke_key(config.key.id());
        return Err(error);
    }
    ignore(&folder)?;
    let made = |made| if made { "made" } else { "there already" };
    say!("project {project}: {}", made(made_project));
    say!(
        "environment {environment}{}: {}",
        if record.production { " (production)" } else { "" },
        made(made_environment)
    );
    say!("{PROJECT_FILE}: written, 0600, ignored by git");
    say!("Next: securecode import .env");
    Ok(())
}

/// A label made of the folder's name.
fn folder_label(folder: &Path) -> Result<Label> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let label: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    let label = label.trim_start_matches(['.', '_', '-']);
    let label = label.get(..label.len().min(64)).unwrap_or_default();
    label
        .parse()
        .map_err(|_| Error::local("this folder's name makes no project's name", "name one: --project P"))
}

fn key_name(project: &Label, environment: &Label) -> Result<Label> {
    let name = format!("{project}.{environment}");
    name.get(..name.len().min(64))
        .unwrap_or_default()
        .parse()
        .map_err(|error: protocol::ParseNameError| Error::local(error.to_string(), "choose shorter names"))
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
