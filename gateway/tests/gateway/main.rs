//! The gateway, the same suite on both hosts: natively in this process, or in workerd where `SECURECODE_TEST_GATEWAY`
//! names it. Between it and a true vault stands a front that does to an answer what a test says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod binding;
mod front;
mod handed_out;
mod hostile;
mod people;
mod refused;
mod silence;
