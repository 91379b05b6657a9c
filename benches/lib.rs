//! What the benchmarks share: the programs that they measure, running, and how long requests took.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

pub mod hosts;
pub mod load;
