//! What a host gives the vault: a database, a blob store, its two keys, a clock and randomness. Nothing else differs between
//! the edge and the native binary.

use crate::{blobs::Blobs, database::Database, log::Event, vault::pepper::Pepper};
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
    /// Seconds since 1970.
    pub clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The header that this host's own network writes a caller's address into, if it does.
    pub address_header: Option<&'static str>,
    /// Where a line for the operator goes.
    pub log: fn(&Event<'_>),
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
