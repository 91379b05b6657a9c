//! Columns sealed under the column key, a secret of the deployment: a stolen database alone shows no address
//! and offers no passphrase to guess.

use super::Refusal;
use crate::host::Host;
use base64ct::{Base64UrlUnpadded, Encoding};
use seal::{Context, Key, Kind, Writer};
use std::fmt::Display;
use zeroize::Zeroizing;

/// The place of one column.
pub struct Column {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
}

impl Column {
    /// Seals what goes into this column of the row with that key.
    ///
    /// # Errors
    /// When the host has no random bytes.
    pub fn seal(&self, host: &Host, row: &impl Display, plaintext: &[u8]) -> Result<String, Refusal> {
        let subject = self.subject(row);
        let context = Context { subject: &subject, ..Context::new(Kind::COLUMN) };
        let blob = seal::seal(&host.column_key, &context, plaintext);
        blob.map(|blob| Base64UrlUnpadded::encode_string(&blob))
            .map_err(|error| Refusal::Fault(error.to_string()))
    }

    /// Opens what stands in this column of the row with that key: with the column key, or the one before it.
    ///
    /// # Errors
    /// When it was moved, altered, or sealed with another column key.
    pub fn open(&self, host: &Host, row: &impl Display, stored: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let previous = || self.open_with(host.previous_column_key.as_ref()?, row, stored);
        self.open_with(&host.column_key, row, stored).or_else(previous).ok_or_else(|| self.fault())
    }

    /// The same sealed with the column key, if it is sealed with the one before it.
    ///
    /// # Errors
    /// As [`Column::open`] and [`Column::seal`].
    pub fn renew(&self, host: &Host, row: &impl Display, stored: &str) -> Result<Option<String>, Refusal> {
        if host.previous_column_key.is_none() || self.open_with(&host.column_key, row, stored).is_some() {
            return Ok(None);
        }
        self.seal(host, row, &self.open(host, row, stored)?).map(Some)
    }

    fn open_with(&self, key: &Key, row: &impl Display, stored: &str) -> Option<Zeroizing<Vec<u8>>> {
        let subject = self.subject(row);
        let context = Context { subject: &subject, ..Context::new(Kind::COLUMN) };
        let blob = Base64UrlUnpadded::decode_vec(stored).ok()?;
        seal::open(key, &context, &blob).ok()
    }

    fn fault(&self) -> Refusal {
        Refusal::Fault(format!("{}.{} does not open", self.table, self.column))
    }

    fn subject(&self, row: &impl Display) -> Vec<u8> {
        Writer::new()
            .bytes(self.table.as_bytes())
            .bytes(row.to_string().as_bytes())
            .bytes(self.column.as_bytes())
            .finish()
    }
}
