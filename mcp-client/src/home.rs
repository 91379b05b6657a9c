//! `~/.securecode`, or what `SECURECODE_HOME` names: the client's own folder, and private files in it.

use crate::error::{Error, Result};
use rustix::fs::OFlags;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// No private file is longer.
const LONGEST: u64 = 16 << 20;

/// The client's folder.
///
/// # Errors
/// When neither `SECURECODE_HOME` nor `HOME` is set.
pub fn folder() -> Result<PathBuf> {
    let named = std::env::var_os("SECURECODE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| std::env::home_dir().map(|home| home.join(".securecode"))).ok_or_else(|| {
        Error::local("neither HOME nor SECURECODE_HOME is set", "set SECURECODE_HOME to a folder of your own")
    })
}

/// Where the files, sockets and locks of sessions lie.
///
/// # Errors
/// As [`folder`].
pub fn session_folder() -> Result<PathBuf> {
    Ok(folder()?.join(".session"))
}

/// A folder in the client's own, made if it is not there.
///
/// # Errors
/// As [`make_private_folder`].
pub fn make_folder(name: &str) -> Result<PathBuf> {
    let own = folder()?;
    let inside = own.join(name);
    make_private_folder(&own)?;
    make_private_folder(&inside)?;
    Ok(inside)
}

/// Makes a folder that nobody else can enter, or tightens the one that is there. A link, or a folder of
/// somebody else, is refused.
///
/// # Errors
/// When it cannot be made, or is not ours.
pub fn make_private_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Error::io(path, &error))?;
    let metadata = fs::symlink_metadata(path).map_err(|error| Error::io(path, &error))?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::local(
            format!("{} is a link or belongs to somebody else", path.display()),
            "remove it, or set SECURECODE_HOME to a folder of your own",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|error| Error::io(path, &error))?;
    }
    Ok(())
}

/// Locks a private folder, made if it is not there, for as long as the answer is held: of two processes that read
/// and write in it, one waits.
///
/// # Errors
/// When it cannot be made or written.
pub fn lock_folder(folder: &Path) -> Result<File> {
    make_private_folder(folder)?;
    let path = folder.join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| Error::io(&path, &error))?;
    file.lock().map_err(|error| Error::io(&path, &error))?;
    Ok(file)
}

/// Makes a file that only its owner can read, from its first moment on. Fails if there is one, and follows no
/// link.
///
/// # Errors
/// The system's.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(no_follow()).open(path)
}

/// Replaces a private file whole: written beside it, synced, renamed into place.
///
/// # Errors
/// When it cannot be written; the old file is then as it was.
pub fn replace_private_file(path: &Path, content: &[u8]) -> Result<()> {
    replace_file(path, content, 0o600)
}

/// As [`replace_private_file`], for a file of another mode.
///
/// # Errors
/// When it cannot be written; the old file is then as it was.
pub fn replace_file(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let write = || {
        // Left behind by a process of our number that was killed.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = create_private_file(&beside)?;
        file.write_all(content)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&beside);
        Error::io(path, &error)
    })
}

/// Reads a file that must be private: ours, a plain file, and not open to others. Nothing if there is none.
///
/// # Errors
/// When others can read it: the message has the `chmod` to run.
pub fn read_private_file(path: &Path) -> Result<Option<Zeroizing<String>>> {
    // A pipe that nobody writes to is not waited for.
    let flags = no_follow() | i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path, &error)),
    };
    let metadata = file.metadata().map_err(|error| Error::io(path, &error))?;
    if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::local(
            format!("{} is no plain file of yours", path.display()),
            "replace it by a file that you own",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(Error::local(
            format!("{} can be read by others, so the key in it may be known", path.display()),
            format!("run: chmod 600 {}", path.display()),
        ));
    }
    if metadata.len() > LONGEST {
        return Err(Error::local(
            format!("{} is far too long", path.display()),
            "remove it and make it anew",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| Error::io(path, &error))?;
    Ok(Some(text))
}

/// `O_NOFOLLOW`, as the standard library takes it.
pub(crate) fn no_follow() -> i32 {
    i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0)
}
