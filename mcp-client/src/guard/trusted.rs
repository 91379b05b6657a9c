//! What a program runs, watched from the judgement on: where the system tells of changes (Linux: inotify), they are heard
//! of before anything that was printed after them is shown.

#[cfg(target_os = "linux")]
use super::signs::{Sign, Signs};
use super::{follow::may_hold_code, names::Names, reach::Seen};
use std::{
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

/// The code of a program that is trusted with values.
#[derive(Debug, Default)]
pub struct Trusted {
    files: Vec<Seen>,
    names: Names,
    /// Nothing where the system has no more queues to give.
    #[cfg(target_os = "linux")]
    signs: Option<Signs>,
}

impl Trusted {
    /// Of these files, as they were when they were judged, in these projects.
    pub(super) fn of(files: Vec<Seen>, mut names: Names, roots: &[PathBuf]) -> Self {
        let paths = files.iter().map(Seen::path);
        let places = |path: &Path| [std::path::absolute(path), path.canonicalize()].into_iter().flatten();
        names.own = paths.flat_map(places).collect();
        let given = std::mem::take(&mut names.folders);
        let mut folders: Vec<PathBuf> = given.iter().flat_map(|folder| folder.canonicalize()).collect();
        for file in &names.own {
            let is_of_project = |folder: &&Path| roots.iter().any(|root| folder.starts_with(root));
            let above = file.ancestors().skip(2).take_while(is_of_project);
            folders.extend(file.parent().into_iter().chain(above).map(Path::to_owned));
        }
        names.folders = folders.into_iter().filter(|folder| may_hold_code(folder)).collect();
        #[cfg(target_os = "linux")]
        let signs = Signs::of(&files, &names);
        Self {
            files,
            names,
            #[cfg(target_os = "linux")]
            signs,
        }
    }

    /// The file that is not as it was when the program was judged, or was something else since.
    pub(super) fn changed(&self) -> Option<String> {
        self.heard().or_else(|| self.files.iter().find_map(Seen::changed)).or_else(|| self.appeared())
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The same, at next to no cost, of what the system told since it was last asked.
    pub(super) fn heard(&self) -> Option<String> {
        #[cfg(target_os = "linux")]
        match self.signs.as_ref()?.read(&self.names) {
            Sign::Nothing => None,
            // Who reads a file, or changes nothing of it, is no danger.
            Sign::Touched => self.files.iter().find_map(Seen::changed),
            Sign::Changed(what) => Some(what),
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// A file that came to be and may be run, where the system does not tell of it.
    fn appeared(&self) -> Option<String> {
        #[cfg(target_os = "linux")]
        if self.signs.is_some() {
            return None;
        }
        let path = self.names.folders.iter().find_map(|folder| self.names.appeared(folder))?;
        Some(path.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// What can be read when there is something to hear.
    pub(super) fn queue(&self) -> Option<BorrowedFd<'_>> {
        #[cfg(target_os = "linux")]
        return self.signs.as_ref().map(Signs::queue);
        #[cfg(not(target_os = "linux"))]
        None
    }
}
