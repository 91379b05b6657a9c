//! What a program runs, watched from the judgement on: where the system tells of changes (Linux: inotify), they are heard
//! of before anything that was printed after them is shown.

use super::reach::Seen;
#[cfg(target_os = "linux")]
use super::signs::{Sign, Signs};
use std::os::fd::BorrowedFd;

/// The code of a program that is trusted with values.
#[derive(Debug, Default)]
pub struct Trusted {
    files: Vec<Seen>,
    /// Nothing where the system has no more queues to give.
    #[cfg(target_os = "linux")]
    signs: Option<Signs>,
}

impl Trusted {
    /// Of these files, as they were when they were judged.
    pub(super) fn of(files: Vec<Seen>) -> Self {
        #[cfg(target_os = "linux")]
        let signs = Signs::of(&files);
        Self {
            files,
            #[cfg(target_os = "linux")]
            signs,
        }
    }

    /// The file that is not as it was when the program was judged, or was something else since.
    pub(super) fn changed(&self) -> Option<String> {
        self.heard().or_else(|| self.files.iter().find_map(Seen::changed))
    }

    /// The same, at next to no cost, of what the system told since it was last asked.
    pub(super) fn heard(&self) -> Option<String> {
        #[cfg(target_os = "linux")]
        match self.signs.as_ref()?.read() {
            Sign::Nothing => None,
            // Who reads a file, or changes nothing of it, is no danger.
            Sign::Touched => self.files.iter().find_map(Seen::changed),
            Sign::Changed(what) => Some(what),
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// What can be read when there is something to hear.
    pub(super) fn queue(&self) -> Option<BorrowedFd<'_>> {
        #[cfg(target_os = "linux")]
        return self.signs.as_ref().map(Signs::queue);
        #[cfg(not(target_os = "linux"))]
        None
    }
}
