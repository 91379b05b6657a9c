//! The file that a command sources: values as `export NAME='…'`, for the life of one agent session.
//!
//! It lies under `~/.securecode/.session/` (0700), is 0600 from its first moment, is replaced whole by each
//! inject, and goes with the session. A lock beside it is held for the session's life, so that the next start
//! can tell the file of a killed session from that of a living one.

use crate::{
    error::{Error, Result},
    home,
};
use rustix::process::{Pid, Signal, kill_process};
use sealing::ApiKey;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// One session's file and the lock that says it is alive.
pub struct SessionFile {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl SessionFile {
    /// Begins a session. The name is a hash of key and process number: it says nothing of the key, and two
    /// processes or keys have two files.
    ///
    /// # Errors
    /// When the folder is not ours, not private, or has white space in its path, which no sourced line could
    /// carry unquoted.
    pub fn begin(key: &ApiKey) -> Result<Self> {
        let folder = home::session_folder()?;
        if folder.to_str().is_none_or(|path| path.contains(|c: char| c.is_whitespace() || c.is_control())) {
            return Err(Error::local(
                format!("the path {} has white space in it", folder.display()),
                "set SECURECODE_HOME to a path without",
            ));
        }
        home::make_private_folder(&home::folder()?)?;
        home::make_private_folder(&folder)?;
        let hash = Sha256::new()
            .chain_update(b"securecode/session-file")
            .chain_update(key.expose().as_bytes())
            .chain_update(std::process::id().to_be_bytes())
            .finalize();
        let name = data_encoding::HEXLOWER.encode(hash.get(..16).unwrap_or_default());
        let path = folder.join(format!("{name}.env"));
        let lock_path = folder.join(format!("{name}.lock"));
        let mut lock = take_lock(&lock_path)?;
        // For who ends sessions from outside (`end_all`).
        lock.set_len(0)
            .and_then(|()| write!(lock, "{}", std::process::id()))
            .map_err(|error| Error::io(&lock_path, &error))?;
        // Of an earlier process of our number.
        remove(&path)?;
        Ok(Self { path, lock_path, _lock: lock })
    }

    /// Where values are put.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what the file holds: values (`sealing::export::for_shell`) or a ticket. Whoever sources it gets all of the new content
    /// or all of the old.
    ///
    /// # Errors
    /// When it cannot be written; the old content is then as it was.
    pub fn write(&self, content: &[u8]) -> Result<()> {
        home::replace_private_file(&self.path, content)
    }

    /// Removes the file, until something is written again.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn withdraw(&self) -> Result<()> {
        remove(&self.path)
    }
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        let _ = remove(&self.path);
        let _ = remove(&self.lock_path);
    }
}

/// Removes what killed sessions left behind. Every session does so when it starts.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn sweep_left_behind() -> Result<()> {
    let folder = home::session_folder()?;
    if fs::symlink_metadata(&folder).is_ok_and(|metadata| metadata.is_dir()) {
        sweep(&folder)
    } else {
        Ok(())
    }
}

/// Ends every session of this user on this machine: asks each process that holds one to end, and removes the files.
/// Answers how many there were.
///
/// # Errors
/// When one does not end, or its files cannot be removed.
pub fn end_all() -> Result<usize> {
    let folder = home::session_folder()?;
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(0) };
    let is_lock = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "lock");
    let locks = entries.flatten().map(|entry| entry.path()).filter(is_lock);
    let mut living = Vec::new();
    for path in locks {
        let mut options = OpenOptions::new();
        let Ok(mut lock) = options.read(true).write(true).custom_flags(home::no_follow()).open(&path) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            continue;
        }
        let mut holder = String::new();
        let holder = lock.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
        if let Some(holder) = holder.and_then(Pid::from_raw) {
            let _ = kill_process(holder, Signal::TERM);
        }
        living.push((path, lock));
    }
    for (path, lock) in &living {
        let began = Instant::now();
        while lock.try_lock().is_err() {
            if began.elapsed() > PATIENCE {
                return Err(Error::local(
                    format!("the session of {} does not end", path.display()),
                    "end the agent that uses it",
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let ended = living.len();
    drop(living);
    sweep(&folder)?;
    Ok(ended)
}

/// How long a session has to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Removes the files of sessions that no longer live: those whose lock is free or missing.
fn sweep(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
    let names: std::collections::BTreeSet<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.split_once('.').map(|(session, _)| session.to_owned()))
        .collect();
    for session in names {
        let lock_path = folder.join(format!("{session}.lock"));
        let lock = OpenOptions::new().write(true).custom_flags(home::no_follow()).open(&lock_path);
        let held = match &lock {
            // Held while its files are removed, so that no new session of that name begins meanwhile.
            Ok(lock) => lock.try_lock().is_err(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            // A link or something else that no session made: what carries its name is removed with it.
            Err(_) => false,
        };
        if held {
            continue;
        }
        let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, &error))?;
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&format!("{session}."))) {
                remove(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// Takes the lock of a session that begins. A sweep may remove the lock file between its making and its
/// locking: then the lock is on a file that is no longer there, and it is made anew.
fn take_lock(path: &Path) -> Result<File> {
    for _ in 0..100 {
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(home::no_follow())
            .open(path)
            .map_err(|error| Error::io(path, &error))?;
        made.lock().map_err(|error| Error::io(path, &error))?;
        let ours = made.metadata().map_err(|error| Error::io(path, &error))?;
        if fs::symlink_metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        {
            return Ok(made);
        }
    }
    Err(Error::local(
        format!("{} is removed again and again", path.display()),
        "end what else uses this folder",
    ))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(path, &error)),
        _ => Ok(()),
    }
}
