//! `projects`, `environments` and `rotate`, for their owner.

use super::{Environments, OwnedPlace, Projects, current_folder, print_json, say};
use crate::{
    config::KeyConfig,
    error::{Error, Result},
    owner::Owner,
};
use indicatif::{ProgressBar, ProgressStyle};
use sealing::EnvironmentRecord;
use serde_json::json;
use std::io::Write;

/// The owner, and the environment that is named, or that of this folder's project.
pub(super) fn owned(vault_url: Option<&str>, place: &OwnedPlace) -> Result<(Owner, EnvironmentRecord)> {
    let here = KeyConfig::find(&current_folder()?, vault_url).ok();
    let project = place.project.clone().or_else(|| here.as_ref().and_then(|here| here.project.clone()));
    let environment = place.environment.clone().or_else(|| here.and_then(|here| here.environment));
    let environment = environment.ok_or_else(|| {
        Error::local(
            "no environment is named",
            "name one: --environment E, or run this in a project of securecode",
        )
    })?;
    let owner = Owner::unlock(vault_url)?;
    let record = owner.find_environment(project.as_ref(), &environment)?;
    Ok((owner, record))
}

pub(super) fn projects(vault_url: Option<&str>, command: Projects) -> Result<()> {
    let mut owner = Owner::unlock(vault_url)?;
    match command {
        Projects::List { json } => {
            let environments = |id| owner.manifest().environments.iter().filter(move |one| one.project == id);
            let rows = owner.manifest().projects.iter().map(|one| {
                let names: Vec<_> = environments(one.id).map(|environment| &environment.name).collect();
                json!({ "id": one.id, "name": one.name, "environments": names })
            });
            if json {
                return print_json(&rows.collect::<Vec<_>>());
            }
            for one in &owner.manifest().projects {
                let names: Vec<String> = environments(one.id).map(|one| one.name.to_string()).collect();
                say!("{}  {}", one.name, names.join(", "));
            }
        }
        Projects::Create { name } => match owner.ensure_project(&name)? {
            (_, true) => say!("{name} made"),
            (_, false) => say!("{name} is there already"),
        },
        Projects::Rm { name } => {
            owner.remove_project(owner.find_project(&name)?.id)?;
            say!("{name} deleted, with its environments and everything in them");
        }
    }
    Ok(())
}

pub(super) fn environments(vault_url: Option<&str>, command: Environments) -> Result<()> {
    let mut owner = Owner::unlock(vault_url)?;
    match command {
        Environments::List { json } => {
            let project = |one: &EnvironmentRecord| {
                owner
                    .manifest()
                    .projects
                    .iter()
                    .find(|project| project.id == one.project)
                    .map(|one| &one.name)
            };
            if json {
                let rows = owner.manifest().environments.iter().map(|one| {
                    json!({
                        "id": one.id, "name": one.name, "project": project(one), "production": one.production,
                        "generation": one.generation,
                    })
                });
                return print_json(&rows.collect::<Vec<_>>());
            }
            for one in &owner.manifest().environments {
                let project = project(one).map(ToString::to_string).unwrap_or_default();
                say!("{}  {project}{}", one.name, if one.production { "  production" } else { "" });
            }
        }
        Environments::Create { name, project, production } => {
            let id = owner.find_project(&project)?.id;
            match owner.ensure_environment((id, &project), &name, production)? {
                (_, true) => say!("{name} made"),
                (_, false) => say!("{name} is there already"),
            }
        }
        Environments::Rm { name, project } => {
            let record = owner.find_environment(project.as_ref(), &name)?;
            owner.remove_environment(record.id)?;
            say!("{name} deleted, with everything in it");
        }
    }
    Ok(())
}

pub(super) fn rotate(vault_url: Option<&str>, place: &OwnedPlace) -> Result<()> {
    let (mut owner, record) = owned(vault_url, place)?;
    // Drawn on a terminal alone.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("sealing anew  {bar:30} {pos} of {len}") {
        bar.set_style(style);
    }
    let result = owner.rotate_environment(&record, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    result.map_err(|error| Error {
        what: format!("{}; {} is readable under its old key", error.what, record.name),
        remedy: format!("{}; then run the same again: it goes on where it stopped", error.remedy),
        ..error
    })?;
    say!(
        "{} has a new key. Who held the old one may still know what was in it: change secrets that leaked.",
        record.name
    );
    Ok(())
}
