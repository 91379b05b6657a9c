//! Which agents work on this machine, and since when: what changed since may be theirs. The hooks note each agent's
//! session; one that used no tool for eight hours is over.

use super::steering;
use crate::{error::Result, home};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long an agent that uses no tool is taken to be there.
const IDLE: Duration = Duration::from_secs(8 * 60 * 60);

/// Notes that an agent's session uses a tool.
///
/// # Errors
/// When it cannot be noted: then nothing would tell its work from the person's.
pub fn note(session: &str) -> Result<()> {
    let folder = home::make_folder("agents")?;
    let digest = Sha256::digest(session.as_bytes());
    let path = folder.join(data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or_default()));
    let now = SystemTime::now();
    if is_living(&path, now) {
        let touched = File::options().write(true).open(&path).and_then(|file| file.set_modified(now));
        return touched.map_err(|error| crate::error::Error::io(&path, &error));
    }
    for path in all() {
        if !is_living(&path, now) {
            let _ = fs::remove_file(path);
        }
    }
    let nanoseconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    // The hook's variables are the agent's own, before any command sets another.
    let variables = serde_json::to_string(&steering::environment()).unwrap_or_default();
    home::replace_private_file(&path, format!("{nanoseconds}\n{variables}").as_bytes())
}

/// When the oldest agent began that is there, in nanoseconds since 1970, and its variables (`steering.rs`). What is unreadable says that everything may be an agent's, and that it had none.
pub fn oldest() -> Option<(u128, BTreeMap<String, String>)> {
    let now = SystemTime::now();
    let living = all().into_iter().filter(|path| is_living(path, now));
    let noted = living.map(|path| parse(&fs::read_to_string(path).unwrap_or_default()));
    noted.min_by_key(|(since, _)| *since)
}

fn parse(note: &str) -> (u128, BTreeMap<String, String>) {
    let (began, steering) = note.split_once('\n').unwrap_or((note, ""));
    (began.parse().unwrap_or(0), serde_json::from_str(steering).unwrap_or_default())
}

fn all() -> Vec<PathBuf> {
    let entries = home::folder().ok().and_then(|folder| fs::read_dir(folder.join("agents")).ok());
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_living(path: &std::path::Path, now: SystemTime) -> bool {
    // Not the time of writing, which anybody can set back.
    let used =
        fs::metadata(path).map(|metadata| UNIX_EPOCH + Duration::from_secs(metadata.ctime().unsigned_abs()));
    used.is_ok_and(|used| now.duration_since(used).unwrap_or_default() < IDLE)
}
