//! The seam between the vault and a host's blob store: Cloudflare KV at the edge, a table natively. Blobs are
//! immutable, are written before the row that names them, and are read through such a row alone: nothing that
//! decides access is in here.

use crate::database::{DatabaseError, Pending};

/// A host's blob store. Keys are the vault's own; texts are sealed.
pub trait Blobs: Send + Sync {
    /// Keeps a text under a key that was not used before, or was for this very text.
    fn put(&self, key: String, text: String) -> Pending<'_, Result<(), DatabaseError>>;
    /// The text of a key, if there is one.
    fn get(&self, key: String) -> Pending<'_, Result<Option<String>, DatabaseError>>;
    /// Deletes what is under a key, if anything is.
    fn delete(&self, key: String) -> Pending<'_, Result<(), DatabaseError>>;
    /// Up to 1,000 keys with a prefix, in order, from the host's `cursor` on; and the cursor of those after, if any.
    fn list(&self, prefix: String, cursor: Option<String>) -> Pending<'_, Result<Keys, DatabaseError>>;
}

/// One page of keys.
#[derive(Debug, Default)]
pub struct Keys {
    /// In order.
    pub keys: Vec<String>,
    /// Where the next page begins.
    pub next: Option<String>,
}
