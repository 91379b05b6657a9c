//! What is promised of the MCP server, put to the proof: others' suites and tools, malformed input, a vault and a
//! repository that mean harm. The real binary in all of them. `cargo xtask mcp` runs them and shows their counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod conformance;
mod hostile_repository;
mod hostile_vault;
mod lines;

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
