//! What another machine knows of a log: `audit verify --json` there, `--compare` here. Two machines that are shown two
//! histories each find their own whole; side by side, they are not.

use crate::error::{Error, Result};
use audit_log::Pin;
use protocol::{AccountId, body::Receipt};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// A witness is some 100 KB; more is none.
const LARGEST: u64 = 1024 * 1024;

/// What a machine knows of an account's log. Nothing in it is secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct Witness {
    /// Whose log.
    pub account: AccountId,
    /// The newest segment that it verified.
    pub pin: Pin,
    /// Rows that it was given receipts of.
    pub receipts: Vec<Receipt>,
}

impl Witness {
    /// Reads what the other machine wrote; from standard input, if the path is `-`.
    ///
    /// # Errors
    /// When it cannot be read or is not of that form.
    pub fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        let read = if path == Path::new("-") {
            io::stdin().lock().take(LARGEST).read_to_string(&mut text)
        } else {
            File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        };
        read.map_err(|error| Error::io(path, &error))?;
        serde_json::from_str(&text).map_err(|_| {
            Error::local(
                format!("{} is not what `securecode audit verify --json` writes", path.display()),
                "write it anew on the other machine: securecode audit verify --json > FILE",
            )
        })
    }
}
