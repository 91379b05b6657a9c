//! The edge's blob store: KV. It has 1,000 writes a day on Cloudflare's free plan, so nothing is written to it for
//! each request.

use crate::{
    blobs::{Blobs, Keys},
    database::{DatabaseError, Pending},
    meter::Meter,
};
use worker::{Env, KvStore, send::SendFuture};

/// KV, found anew for each use: its handle belongs to a request.
pub(crate) struct Kv(pub(crate) Env, pub(crate) Meter);

fn fault(error: impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Fault(error.to_string())
}

impl Kv {
    fn store(&self) -> Result<KvStore, DatabaseError> {
        self.1.count_blob();
        self.0.kv("BLOBS").map_err(fault)
    }
}

impl Blobs for Kv {
    fn put(&self, key: String, text: String) -> Pending<'_, Result<(), DatabaseError>> {
        Box::pin(SendFuture::new(async move {
            self.store()?.put(&key, text).map_err(fault)?.execute().await.map_err(fault)
        }))
    }

    fn get(&self, key: String) -> Pending<'_, Result<Option<String>, DatabaseError>> {
        Box::pin(SendFuture::new(async move { self.store()?.get(&key).text().await.map_err(fault) }))
    }

    fn delete(&self, key: String) -> Pending<'_, Result<(), DatabaseError>> {
        Box::pin(SendFuture::new(async move { self.store()?.delete(&key).await.map_err(fault) }))
    }

    fn list(&self, prefix: String, cursor: Option<String>) -> Pending<'_, Result<Keys, DatabaseError>> {
        Box::pin(SendFuture::new(async move {
            let mut list = self.store()?.list().prefix(prefix);
            if let Some(cursor) = cursor {
                list = list.cursor(cursor);
            }
            let listed = list.execute().await.map_err(fault)?;
            Ok(Keys {
                keys: listed.keys.into_iter().map(|key| key.name).collect(),
                next: listed.cursor.filter(|_| !listed.list_complete),
            })
        }))
    }
}
