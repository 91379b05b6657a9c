//! What is promised of the MCP server, put to the proof, and what was counted.

use crate::step::{command, root, run};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Runs the proofs alone, in their longest form, and shows what they counted. The test tools must be installed.
pub(crate) fn prove() -> Result<()> {
    let counts = begin_counting()?;
    let arguments = ["test", "--locked", "-p", "securecode", "--test", "proof"];
    run(
        command("cargo", &arguments).env("SECURECODE_TEST_COUNTS", &counts).env("SECURECODE_TEST_FULL", "1"),
        "read which test failed, above; one alone: cargo test -p securecode --test proof NAME",
    )?;
    show(&counts)
}

/// The file that tests write their counts to, which is not there yet.
pub(crate) fn begin_counting() -> Result<PathBuf> {
    let counts = root().join("target/mcp-counts");
    if counts.exists() {
        std::fs::remove_file(&counts)?;
    }
    Ok(counts)
}

/// Shows what was counted as a table.
pub(crate) fn show(counts: &PathBuf) -> Result<()> {
    let counted = std::fs::read_to_string(counts).context("the proofs counted nothing")?;
    println!();
    for line in counted.lines() {
        let Some((what, figure)) = line.split_once('\t') else { bail!("`{line}` is no count") };
        println!("{what:<56}{figure:>10}");
    }
    Ok(())
}
