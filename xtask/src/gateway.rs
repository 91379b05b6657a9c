//! The gateway: its Worker, and its suite on both hosts.

use crate::{step::root, wasm};
use anyhow::Result;
use std::path::PathBuf;

/// Where it lies.
pub(crate) fn folder() -> PathBuf {
    root().join("gateway")
}

/// Builds it and tries it.
pub(crate) fn build_and_test() -> Result<()> {
    wasm::build_worker(&folder())
}
