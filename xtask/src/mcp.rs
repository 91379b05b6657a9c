//! The agent's tools, tried whole, and what was counted.

use crate::{
    agent,
    step::{command, root, run},
    tools::python_binary,
};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

/// What is tried of the agent's tools, by the test that tries it.
const TRIED: [(&str, &str); 6] = [
    ("tools", "the tools: storing, sleeping, progress, cancelling"),
    ("mcp", "both lives of MCP, sessions, injecting"),
    ("interop", "another implementation's client"),
    ("policy", "policy: a person asked by both lives and the dashboard"),
    ("check", "the security check, and transcripts"),
    ("agents", "other agents' snippets and configurations"),
];

/// Tries the agent's tools whole, the proofs in their longest form, and shows what was counted; then the plugin in the
/// real agent. The test tools must be installed.
pub(crate) fn prove() -> Result<()> {
    let counts = begin_counting()?;
    let mut passed = Vec::new();
    for (test, what) in TRIED {
        passed.push((what, tests_passed(test, &counts)?));
    }
    tests_passed("proof", &counts)?;
    show(&counts)?;
    for (what, tests) in passed {
        println!("{:<64}{tests:>10}", format!("tests of {what}"));
    }
    println!();
    run(
        &mut command("cargo", &["build", "--locked", "-p", "securecode", "-p", "securecode-vault", "--bins"]),
        "read the compiler's message",
    )?;
    agent::plugin()
}

/// Runs a test of the client's; how many of its tests passed, which are all.
fn tests_passed(test: &str, counts: &Path) -> Result<u64> {
    let arguments = ["test", "--locked", "-p", "securecode", "--test", test];
    let mut tests = command("cargo", &arguments);
    tests.env("SECURECODE_TEST_COUNTS", counts).env("SECURECODE_TEST_FULL", "1");
    tests.env("SECURECODE_TEST_PYTHON", python_binary());
    println!("    $ cargo {}", arguments.join(" "));
    let output = tests.stderr(Stdio::inherit()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "{said}\n  to do now: read which test failed, above; one alone: cargo test -p securecode --test {test} NAME"
        );
    }
    let counted = said.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    counted.and_then(|count| count.parse().ok()).context("the test does not say how many passed")
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
pub(crate) fn show(counts: &Path) -> Result<()> {
    let counted = std::fs::read_to_string(counts).context("the proofs counted nothing")?;
    println!();
    for line in counted.lines() {
        let Some((what, figure)) = line.split_once('\t') else { bail!("`{line}` is no count") };
        println!("{what:<64}{figure:>10}");
    }
    Ok(())
}
