//! The newest state of each environment that this machine has seen. A vault that serves an older one is
//! restored, compromised or lying: the client says so and uses nothing of it.

use crate::{error::Result, home};
use data_encoding::HEXLOWER;
use protocol::{EnvironmentId, body::Versioned};
use sealing::Pin;
use std::{fs, io::Write};

/// Checks a root against the pin of its environment, and pins it when it is newer.
///
/// A machine without a writable home (a container in a pipeline, say) has no memory: that is said on stderr,
/// and the answer stands.
///
/// Where there is no memory, `least` can stand in for it: the least version to accept.
///
/// # Errors
/// When the root is older than the pin or than `least`, or another of the same version.
pub fn check_and_advance(environment: EnvironmentId, root: &Versioned, least: u64) -> Result<()> {
    Pin { version: least, digest: [0; 32] }.admits(root)?;
    let folder = home::folder()?.join("pins");
    // Held while a pin is read and written, so that of two processes the newer state wins.
    let Ok(_lock) = home::lock_folder(&folder) else {
        let _ = writeln!(
            std::io::stderr(),
            "securecode: {} cannot be written, so an older state served later will not be noticed",
            folder.display()
        );
        return Ok(());
    };
    let path = folder.join(environment.to_string());
    let pinned = fs::read_to_string(&path).ok().and_then(|text| read(&text));
    if let Some(pin) = pinned {
        pin.admits(root)?;
    }
    let newest = Pin::of(root);
    if pinned != Some(newest) {
        home::replace_private_file(
            &path,
            format!("{} {}\n", newest.version, HEXLOWER.encode(&newest.digest)).as_bytes(),
        )?;
    }
    Ok(())
}

fn read(text: &str) -> Option<Pin> {
    let (version, digest) = text.trim().split_once(' ')?;
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    Some(Pin { version: version.parse().ok()?, digest })
}
