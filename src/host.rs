//! What a host gives the vault: a database, a blob store, its two keys, a clock, and its limit for strangers. Nothing
//! else differs between the edge and the native binary.

use crate::{
    blobs::Blobs,
    database::{Database, Pending},
    log::Event,
    vault::pepper::Pepper,
};
use axum::http::HeaderName;
use seal::Key;
use std::sync::Arc;

/// A running vault's surroundings; cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Surroundings>);

/// See [`Host`].
pub struct Surroundings {
    /// The truth.
    pub database: Box<dyn Database>,
    /// What is too large for a row, and archives.
    pub blobs: Box<dyn Blobs>,
    /// What verifiers are made with.
    pub pepper: Pepper,
    /// What columns are sealed with.
    pub column_key: Key,
    /// What columns were sealed with before, where that still opens some.
    pub previous_column_key: Option<Key>,
    /// Seconds since 1970.
    pub clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The header that what is before this host writes a caller's address into, if anything does: else the address is
    /// that of the connection.
    pub address_header: Option<HeaderName>,
    /// How many requests without a good credential an address may send.
    pub strangers: Box<dyn Strangers>,
    /// Where a line for the operator goes.
    pub log: fn(&Event<'_>),
}

/// A host's limit for requests that show no good credential: 60 a minute for each network address, unless its operator
/// says otherwise. It keeps floods off; what must hold exactly is counted in the database.
pub trait Strangers: Send + Sync {
    /// Counts a request of this address at this time, or refuses it: after how many seconds to ask again.
    fn admit(&self, address: String, now: u64) -> Pending<'_, Result<(), u64>>;
}

impl Host {
    /// Takes a host's surroundings.
    pub fn new(surroundings: Surroundings) -> Self {
        Self(Arc::new(surroundings))
    }

    /// The time now, in seconds since 1970.
    pub fn now(&self) -> u64 {
        (self.0.clock)()
    }
}

impl std::ops::Deref for Host {
    type Target = Surroundings;
    fn deref(&self) -> &Surroundings {
        &self.0
    }
}
