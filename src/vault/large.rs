//! Values too large for a row: their sealed form is a blob, written before the row that names it. A crash between
//! the two leaves a blob that no row names, which [`sweep`] deletes.

use super::Refusal;
use crate::{
    database::{Statement, Value},
    host::Host,
};
use protocol::Blob;
use serde::Deserialize;

/// What sealing adds to a large value at most: padding to a multiple of 4096, and 81 bytes.
pub(super) const OVERHEAD: u64 = 4096 + 81;
/// Sealed bytes above which a value is a blob: those of 64 KiB.
const LARGE: usize = 64 * 1024 + OVERHEAD as usize;
/// Seconds that a blob may be without its row: longer than any request lives.
const GRACE: u64 = 60 * 60;

/// Whether a sealed value of so many bytes is a blob.
pub(super) fn is_large(size: usize) -> bool {
    size > LARGE
}

/// Where a value is put.
pub(super) struct Put {
    /// What goes into the row.
    pub(super) value: String,
    /// The blob's key, if it is one.
    pub(super) blob: Option<String>,
    /// The bytes of the sealed value, if it is a blob's.
    pub(super) size: usize,
}

/// Puts a sealed value where its size belongs. `number` tells apart the values of one request.
///
/// # Errors
/// When the blob store cannot be written; the row must not be written then.
pub(super) async fn put(host: &Host, request: &str, number: usize, value: &Blob) -> Result<Put, Refusal> {
    let size = value.as_bytes().len();
    if !is_large(size) {
        return Ok(Put { value: value.to_string(), blob: None, size: 0 });
    }
    let key = format!("value/{:012}/{request}/{number}", host.now());
    host.blobs.put(key.clone(), value.to_string()).await?;
    Ok(Put { value: String::new(), blob: Some(key), size })
}

/// The sealed value of a row.
///
/// # Errors
/// When the blob that the row names cannot be read: a fault.
pub(super) async fn get(host: &Host, value: String, blob: Option<String>) -> Result<Blob, Refusal> {
    let text = match blob {
        None => value,
        Some(key) => host
            .blobs
            .get(key.clone())
            .await?
            .ok_or_else(|| Refusal::Fault(format!("the blob {key} is not there")))?,
    };
    text.parse().map_err(|_| Refusal::Fault("a stored value is not a blob".into()))
}

/// Deletes blobs that no row names.
///
/// # Errors
/// When the database or the blob store fails; another sweep goes on.
pub(super) async fn sweep(host: &Host) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Orphan {
        key: String,
    }
    // Keys begin with the time, in order: those that are too young are last.
    let youngest = format!("value/{:012}", host.now().saturating_sub(GRACE));
    let mut cursor = None;
    loop {
        let page = host.blobs.list("value/".into(), cursor).await?;
        let count = page.keys.len();
        let old: Vec<String> = page.keys.into_iter().take_while(|key| *key < youngest).collect();
        let all_old = old.len() == count;
        let keys = serde_json::to_string(&old).map_err(|error| Refusal::Fault(error.to_string()))?;
        let orphans = Statement::new(
            "SELECT k.value AS key FROM json_each(?1) k
             WHERE NOT EXISTS (SELECT 1 FROM secrets WHERE blob = k.value)
               AND NOT EXISTS (SELECT 1 FROM versions WHERE blob = k.value)
               AND NOT EXISTS (SELECT 1 FROM bin WHERE blob = k.value)
               AND NOT EXISTS (SELECT 1 FROM resealed WHERE blob = k.value)",
            [Value::from(keys)],
        );
        for Orphan { key } in host.database.run(orphans).await?.rows()? {
            host.blobs.delete(key).await?;
        }
        match page.next {
            Some(next) if all_old => cursor = Some(next),
            _ => return Ok(()),
        }
    }
}
