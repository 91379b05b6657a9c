//! What the system tells of changes to a program's files, and of the folders on the way to them (inotify).

use super::reach::Seen;
use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use std::{
    collections::{HashMap, HashSet},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

/// The system's queue of changes.
#[derive(Debug)]
pub(super) struct Signs {
    queue: OwnedFd,
    /// The folders that are watched, by the numbers of their watches.
    folders: HashMap<i32, PathBuf>,
}

/// What the system told.
pub(super) enum Sign {
    Nothing,
    /// Something was done to a file, which may have changed it.
    Touched,
    /// This changed, though it may be as it was by now.
    Changed(String),
}

impl Signs {
    /// Of these files, and the folders above them. What cannot be watched, for there are bounds, is left out.
    pub(super) fn of(files: &[Seen]) -> Option<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let mut above = HashSet::new();
        let touched =
            WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        for file in files {
            let _ = inotify::add_watch(&queue, file.path(), touched);
            // By its name, and where that leads.
            for path in [std::path::absolute(file.path()), file.path().canonicalize()].into_iter().flatten() {
                for folder in path.ancestors().skip(1) {
                    if !above.insert(folder.to_owned()) {
                        break;
                    }
                }
            }
        }
        let mut folders = HashMap::new();
        for folder in above {
            if let Ok(number) =
                inotify::add_watch(&queue, &folder, WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR)
            {
                folders.insert(number, folder);
            }
        }
        Some(Self { queue, folders })
    }

    pub(super) fn queue(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }

    /// What came since it was last asked.
    pub(super) fn read(&self) -> Sign {
        let mut buffer = [MaybeUninit::uninit(); 1 << 14];
        let mut reader = Reader::new(&self.queue, &mut buffer);
        let mut sign = Sign::Nothing;
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return sign,
                Err(_) => return Sign::Changed("what cannot be watched".to_owned()),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                return Sign::Changed("more than can be watched".to_owned());
            }
            match self.folders.get(&event.wd()) {
                Some(folder) if event.events().contains(ReadFlags::MOVE_SELF) => {
                    return Sign::Changed(name_of(folder));
                }
                Some(_) => {}
                None => sign = Sign::Touched,
            }
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
