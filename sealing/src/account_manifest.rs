use protocol::{EnvironmentId, KeyId, Label, Permissions, ProjectId};
use seal::{FieldsError, OpenError, Reader, Writer};
use zeroize::Zeroizing;

/// The owner's own record of projects, environments and keys. What stands here is believed; what the vault
/// lists is compared with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountManifest {
    /// From 1; each write makes the next.
    pub version: u64,
    /// Sorted by id.
    pub projects: Vec<ProjectRecord>,
    /// Sorted by id.
    pub environments: Vec<EnvironmentRecord>,
    /// Sorted by id.
    pub keys: Vec<ManifestKey>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Its id.
    pub id: ProjectId,
    /// Its name.
    pub name: Label,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// Its id.
    pub id: EnvironmentId,
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: Label,
    /// Whether its secrets are production secrets.
    pub production: bool,
    /// Which of its keys is in use, from 1.
    pub generation: u64,
}

/// Whether a key may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// It may.
    Active,
    /// It may not, and gets no new environment key.
    Revoked,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestKey {
    /// Its id.
    pub id: KeyId,
    /// Its name.
    pub name: Label,
    /// What it may do.
    pub permissions: Permissions,
    /// Seconds since 1970; 0 for never.
    pub expires_at: u64,
    /// Whether it may still be used.
    pub status: KeyStatus,
    /// What it may use; sorted.
    pub environments: Vec<EnvironmentId>,
}

impl AccountManifest {
    /// The record of an account that owns nothing yet.
    pub fn first() -> Self {
        Self { version: 1, ..Self::default() }
    }

    /// The manifest to write next, after this one was changed.
    pub fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// The project of this name.
    pub fn project(&self, name: &Label) -> Option<&ProjectRecord> {
        self.projects.iter().find(|project| project.name == *name)
    }

    /// The environment of this name in that project.
    pub fn environment(&self, project: ProjectId, name: &Label) -> Option<&EnvironmentRecord> {
        self.environments
            .iter()
            .find(|environment| environment.project == project && environment.name == *name)
    }

    /// The key of this id.
    pub fn key(&self, id: KeyId) -> Option<&ManifestKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// Takes a project out, with its environments.
    pub fn remove_project(&mut self, id: ProjectId) {
        let gone: Vec<EnvironmentId> =
            self.environments.iter().filter(|one| one.project == id).map(|one| one.id).collect();
        self.projects.retain(|one| one.id != id);
        self.environments.retain(|one| one.project != id);
        for key in &mut self.keys {
            key.environments.retain(|one| !gone.contains(one));
        }
    }

    /// Takes an environment out.
    pub fn remove_environment(&mut self, id: EnvironmentId) {
        self.environments.retain(|one| one.id != id);
        for key in &mut self.keys {
            key.environments.retain(|one| *one != id);
        }
    }

    /// Says that a key may be used no more.
    pub fn revoke_key(&mut self, id: KeyId) {
        for key in self.keys.iter_mut().filter(|key| key.id == id) {
            key.status = KeyStatus::Revoked;
        }
    }

    /// Says until when a key may be used, in seconds since 1970.
    pub fn end_key(&mut self, id: KeyId, expires_at: u64) {
        for key in self.keys.iter_mut().filter(|key| key.id == id) {
            key.expires_at = expires_at;
        }
    }

    /// Sorts the lists, as the format asks.
    pub fn sort(&mut self) {
        sort_by(&mut self.projects, |project| project.id);
        sort_by(&mut self.environments, |environment| environment.id);
        sort_by(&mut self.keys, |key| key.id);
        for key in &mut self.keys {
            sort_by(&mut key.environments, |id| *id);
        }
    }

    pub(crate) fn write(&self) -> Zeroizing<Vec<u8>> {
        Writer::new()
            .u64(self.version)
            .list(self.projects.iter(), |w, project| {
                w.raw(project.id.as_bytes()).bytes(project.name.as_str().as_bytes())
            })
            .list(self.environments.iter(), |w, environment| {
                w.raw(environment.id.as_bytes())
                    .raw(environment.project.as_bytes())
                    .bytes(environment.name.as_str().as_bytes())
                    .u8(u8::from(environment.production))
                    .u64(environment.generation)
            })
            .list(self.keys.iter(), |w, key| {
                w.raw(key.id.as_bytes())
                    .bytes(key.name.as_str().as_bytes())
                    .u32(key.permissions.bits())
                    .u64(key.expires_at)
                    .u8(match key.status {
                        KeyStatus::Active => 1,
                        KeyStatus::Revoked => 2,
                    })
                    .list(key.environments.iter(), |w, id| w.raw(id.as_bytes()))
            })
            .finish_secret()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        Self::read_fields(bytes).map_err(|_| OpenError)
    }

    fn read_fields(bytes: &[u8]) -> Result<Self, FieldsError> {
        let mut reader = Reader::new(bytes);
        let manifest = Self {
            version: reader.u64()?,
            projects: reader.list(
                |r| Ok(ProjectRecord { id: ProjectId::from_bytes(r.array()?), name: label(r)? }),
                |project| project.id,
            )?,
            environments: reader.list(
                |r| {
                    Ok(EnvironmentRecord {
                        id: EnvironmentId::from_bytes(r.array()?),
                        project: ProjectId::from_bytes(r.array()?),
                        name: label(r)?,
                        production: r.flag()?,
                        generation: r.u64()?,
                    })
                },
                |environment| environment.id,
            )?,
            keys: reader.list(
                |r| {
                    Ok(ManifestKey {
                        id: KeyId::from_bytes(r.array()?),
                        name: label(r)?,
                        permissions: Permissions::from_bits(r.u32()?).ok_or(FieldsError)?,
                        expires_at: r.u64()?,
                        status: match r.u8()? {
                            1 => KeyStatus::Active,
                            2 => KeyStatus::Revoked,
                            _ => return Err(FieldsError),
                        },
                        environments: r.list(|r| r.array().map(EnvironmentId::from_bytes), |id| *id)?,
                    })
                },
                |key| key.id,
            )?,
        };
        reader.end()?;
        Ok(manifest)
    }
}

/// Moves each down to its place: few steps for a list that is sorted but for what was added, and little code in a
/// browser, where the library's sorts of each type would be the larger part of this file.
fn sort_by<T, K: Ord>(list: &mut [T], id: impl Fn(&T) -> K) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && list.get(at - 1).map(&id) > list.get(at).map(&id) {
            list.swap(at - 1, at);
            at -= 1;
        }
    }
}

fn label(reader: &mut Reader<'_>) -> Result<Label, FieldsError> {
    reader.text()?.parse().map_err(|_| FieldsError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_list_is_sorted_as_the_library_sorts_it(mut list in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut expected = list.clone();
            expected.sort_unstable();
            sort_by(&mut list, |one| *one);
            prop_assert_eq!(list, expected);
        }
    }
}
