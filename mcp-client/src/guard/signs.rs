//! What the system tells of changes to a program's files, and of the folders on the way to them (inotify).

use super::{follow::MADE, names::Names, project::SKIPPED, reach::Seen};
use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    ffi::OsStr,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

/// The system's queue of changes.
#[derive(Debug)]
pub(super) struct Signs {
    queue: OwnedFd,
    /// The folders that are watched, by the numbers of their watches.
    folders: RefCell<HashMap<i32, PathBuf>>,
    /// What came to be before the watches were set.
    before: Option<String>,
}

/// What the system told.
pub(super) enum Sign {
    Nothing,
    /// Something was done to a file, which may have changed it.
    Touched,
    /// This changed, though it may be as it was by now.
    Changed(String),
}

/// What is asked of folders in which new names count.
const NAMES: WatchFlags = WatchFlags::CREATE.union(WatchFlags::MOVED_TO).union(WatchFlags::MOVE_SELF);

impl Signs {
    /// Of these files, and the folders above them. What cannot be watched, for there are bounds, is left out.
    pub(super) fn of(files: &[Seen], names: &Names) -> Option<Self> {
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
        for folder in above.into_iter().chain(names.folders.iter().cloned()) {
            let kinds = if names.folders.contains(&folder) { NAMES } else { WatchFlags::MOVE_SELF };
            if let Ok(number) = inotify::add_watch(&queue, &folder, kinds | WatchFlags::ONLYDIR) {
                folders.insert(number, folder);
            }
        }
        let before = names.folders.iter().find_map(|folder| names.appeared(folder));
        Some(Self { queue, folders: RefCell::new(folders), before: before.map(|path| name_of(&path)) })
    }

    pub(super) fn queue(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }

    /// What came since it was last asked.
    pub(super) fn read(&self, names: &Names) -> Sign {
        if let Some(before) = &self.before {
            return Sign::Changed(before.clone());
        }
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
            let Some(folder) = self.folders.borrow().get(&event.wd()).cloned() else {
                sign = Sign::Touched;
                continue;
            };
            if event.events().contains(ReadFlags::MOVE_SELF) {
                // One that came to be since is no way to anything.
                if names.folders.contains(&folder) || names.own.iter().any(|file| file.starts_with(&folder)) {
                    return Sign::Changed(name_of(&folder));
                }
                continue;
            }
            let Some(name) = event.file_name() else { continue };
            let path = folder.join(OsStr::from_bytes(name.to_bytes()));
            if event.events().contains(ReadFlags::ISDIR) {
                let is_moved = event.events().contains(ReadFlags::MOVED_TO);
                if is_moved && names.may_load(&path) {
                    return Sign::Changed(name_of(&path));
                }
                if let Some(new) = self.look_into(&path, names) {
                    return Sign::Changed(name_of(&new));
                }
            } else if names.may_run(&path, &folder) {
                return Sign::Changed(name_of(&path));
            }
        }
    }

    /// Watches a folder that came to be; what there is to run in it already.
    fn look_into(&self, folder: &Path, names: &Names) -> Option<PathBuf> {
        let is_left_out = |name: &&&str| folder.file_name().is_some_and(|folder| folder == **name);
        if SKIPPED.iter().chain(&MADE).any(|name| is_left_out(&name)) {
            return None;
        }
        match inotify::add_watch(&self.queue, folder, NAMES | WatchFlags::ONLYDIR) {
            Ok(number) => {
                self.folders.borrow_mut().insert(number, folder.to_owned());
            }
            // It was for a moment.
            Err(_) => return names.may_load(folder).then(|| folder.to_owned()),
        }
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).find_map(|path| {
            if path.is_dir() && !path.is_symlink() {
                return self.look_into(&path, names);
            }
            names.may_run(&path, folder.parent().unwrap_or(folder)).then_some(path)
        })
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
