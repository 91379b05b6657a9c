//! What this machine keeps of an account's audit log, under `~/.securecode/audit`: the newest segment that it
//! verified, and the receipts of its own accesses. With it a log that was changed, cut or restored is noticed.

use crate::{
    error::{Error, Result},
    home,
};
use audit_log::Pin;
use protocol::{
    AccountId,
    body::{Receipt, Segment},
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Receipts of an account that are kept, the newest.
const RECEIPTS: usize = 1000;
/// A file of receipts is shortened when it is larger, in bytes: about twice what is kept.
const LONG: u64 = 2 * RECEIPTS as u64 * 70;

/// What is kept of one account's log.
pub struct Memory {
    folder: PathBuf,
    account: AccountId,
}

/// Keeps the receipt of an answer, if it has one. A machine without a writable home has no memory; reading an environment says so there
/// (`pins.rs`), and what was asked for stands.
pub fn keep(account: AccountId, receipt: impl Into<Option<Receipt>>) {
    if let Some(receipt) = receipt.into() {
        let _ = Memory::of(account).and_then(|memory| memory.append(receipt));
    }
}

impl Memory {
    /// Of this account.
    ///
    /// # Errors
    /// When there is no home.
    pub fn of(account: AccountId) -> Result<Self> {
        Ok(Self { folder: home::folder()?.join("audit"), account })
    }

    fn pin_file(&self) -> PathBuf {
        self.folder.join(self.account.to_string())
    }

    fn receipts_file(&self) -> PathBuf {
        self.folder.join(format!("{}.receipts", self.account))
    }

    /// The newest segment that was verified here; nothing, if none was.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed: a pin that is ignored protects nothing.
    pub fn pin(&self) -> Result<Option<Pin>> {
        let path = self.pin_file();
        let Some(text) = home::read_private_file(&path)? else { return Ok(None) };
        let pin = text.trim().split_once(' ').and_then(|(n, hash)| {
            let pin = Pin { n: n.parse().ok()?, hash: hash.parse().ok()? };
            Some(pin)
        });
        pin.map(Some).ok_or_else(|| {
            Error::local(
                format!("{} is not a file of the expected form", path.display()),
                "restore it from a backup; without it, an older audit log would not be noticed",
            )
        })
    }

    /// Pins a segment.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_pin(&self, segment: &Segment) -> Result<()> {
        let _lock = home::lock_folder(&self.folder)?;
        // Of two that verify at once, the newer wins.
        if self.pin()?.is_some_and(|pin| pin.n >= segment.n) {
            return Ok(());
        }
        home::replace_private_file(&self.pin_file(), format!("{} {}\n", segment.n, segment.hash).as_bytes())
    }

    /// The receipts that are kept, the oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn receipts(&self) -> Result<Vec<Receipt>> {
        Ok(self.read()?.iter().filter_map(|line| parse(line)).collect())
    }

    fn read(&self) -> Result<Vec<String>> {
        let text = home::read_private_file(&self.receipts_file())?;
        let lines: Vec<String> =
            text.as_deref().into_iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        let surplus = lines.len().saturating_sub(RECEIPTS);
        Ok(lines.into_iter().skip(surplus).collect())
    }

    fn append(&self, receipt: Receipt) -> Result<()> {
        let _lock = home::lock_folder(&self.folder)?;
        let path = self.receipts_file();
        let length = append_line(&path, &line(&receipt)).map_err(|error| Error::io(&path, &error))?;
        if length > LONG {
            let kept: String = self.read()?.into_iter().map(|line| line + "\n").collect();
            home::replace_private_file(&path, kept.as_bytes())?;
        }
        Ok(())
    }
}

/// Appends, in one write, and answers the file's length. Not synced: a receipt that a power cut takes is one
/// witness less, and `run` is not to wait for a disk.
fn append_line(path: &Path, line: &str) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(home::no_follow());
    let mut file: fs::File = options.open(path)?;
    file.write_all(line.as_bytes())?;
    Ok(file.metadata()?.len())
}

fn line(receipt: &Receipt) -> String {
    format!("{} {}\n", receipt.seq, receipt.leaf)
}

/// A line that a crash cut short is none.
fn parse(line: &str) -> Option<Receipt> {
    let (seq, leaf) = line.split_once(' ')?;
    Some(Receipt { seq: seq.parse().ok()?, leaf: leaf.parse().ok()? })
}
