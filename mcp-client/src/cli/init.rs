//! `init`: a project's folder, ready for an agent.

use super::{current_folder, say};
use crate::{
    config::{KeyConfig, PROJECT_FILE},
    error::{Error, Result},
    owner::Owner,
    project,
};
use protocol::{Label, Permission};
use std::io::Write;

pub(super) fn run(
    vault_url: Option<&str>,
    project: Option<Label>,
    environment: Label,
    production: bool,
    reveal: bool,
) -> Result<()> {
    let folder = current_folder()?;
    if let Some(names) = project::present(&folder, project.as_ref(), Some(&environment))? {
        say!(
            "{PROJECT_FILE} is there already, for {}/{}; nothing was changed.",
            names.project,
            names.environment
        );
        return Ok(());
    }
    let project = project.map_or_else(|| project::name(&folder), Ok)?;
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
    if let Err(error) = project::set_up(&folder, &config) {
        // A key that nobody holds must not stay.
        let _ = owner.revoke_key(config.key.id());
        return Err(error);
    }
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

/// What a key is called that was made for a machine's use of an environment.
pub(super) fn key_name(project: &Label, environment: &Label) -> Result<Label> {
    let name = format!("{project}.{environment}");
    name.get(..name.len().min(64))
        .unwrap_or_default()
        .parse()
        .map_err(|error: protocol::ParseNameError| Error::local(error.to_string(), "choose shorter names"))
}
