//! Projects and environments, as their owner makes, finds and deletes them.

use super::Owner;
use crate::error::{Error, Result};
use protocol::{
    EnvironmentId, Label, ProjectId,
    body::{NewEnvironment, NewProject, Removal},
};
use sealing::{EnvironmentDraft, EnvironmentRecord, ProjectRecord, make_id};

impl Owner {
    /// The project of this name, made if it is not there; and whether it was made.
    ///
    /// # Errors
    /// The refusal.
    pub fn ensure_project(&mut self, name: &Label) -> Result<(ProjectId, bool)> {
        if let Some(project) = self.manifest.project(name) {
            return Ok((project.id, false));
        }
        let id = ProjectId::from_bytes(make_id()?);
        self.write(
            |next| next.projects.push(ProjectRecord { id, name: name.clone() }),
            |remote, manifest| remote.put(&format!("/v1/projects/{id}"), &NewProject { manifest }),
        )?;
        Ok((id, true))
    }

    /// The environment of this name, made if it is not there; and whether it was made.
    ///
    /// # Errors
    /// The refusal.
    pub fn ensure_environment(
        &mut self,
        project: (ProjectId, &Label),
        name: &Label,
        production: bool,
    ) -> Result<(EnvironmentRecord, bool)> {
        if let Some(environment) = self.manifest.environment(project.0, name) {
            return Ok((environment.clone(), false));
        }
        let owner = ProjectRecord { id: project.0, name: project.1.clone() };
        let EnvironmentDraft { record, key, root, buckets } =
            self.key.draft_environment(&owner, name.clone(), production)?;
        let id = record.id;
        self.write(
            |next| next.environments.push(record.clone()),
            |remote, manifest| {
                let body = NewEnvironment { project: project.0, key, root, buckets, manifest };
                remote.put(&format!("/v1/environments/{id}"), &body)
            },
        )?;
        Ok((record, true))
    }

    /// The environment that is meant: by name, and by project where the name is not enough.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find_environment(&self, project: Option<&Label>, name: &Label) -> Result<EnvironmentRecord> {
        let project_of =
            |record: &EnvironmentRecord| self.manifest.projects.iter().find(|one| one.id == record.project);
        let matching = self.manifest.environments.iter().filter(|record| {
            record.name == *name
                && project.is_none_or(|wanted| project_of(record).is_some_and(|one| one.name == *wanted))
        });
        let found: Vec<_> = matching.collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Error::local(
                format!("there is no environment {name}"),
                "make it: securecode init --environment E",
            )),
            _ => Err(Error::local(
                format!("several projects have an environment {name}"),
                "name the project: --project P",
            )),
        }
    }

    /// The project of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn find_project(&self, name: &Label) -> Result<ProjectRecord> {
        self.manifest.project(name).cloned().ok_or_else(|| {
            Error::local(format!("there is no project {name}"), "list them: securecode projects list")
        })
    }

    /// Deletes a project, with its environments and everything in them.
    ///
    /// # Errors
    /// The refusal.
    pub fn remove_project(&mut self, id: ProjectId) -> Result<()> {
        self.write(
            |next| next.remove_project(id),
            |remote, manifest| remote.post(&format!("/v1/projects/{id}/delete"), &Removal { manifest }),
        )
    }

    /// Deletes an environment, with everything in it.
    ///
    /// # Errors
    /// The refusal.
    pub fn remove_environment(&mut self, id: EnvironmentId) -> Result<()> {
        self.write(
            |next| next.remove_environment(id),
            |remote, manifest| remote.post(&format!("/v1/environments/{id}/delete"), &Removal { manifest }),
        )
    }
}
