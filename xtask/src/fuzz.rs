//! Fuzzing with an engine, for as long as one wants. `cargo test -p securecode-fuzz` does what needs none.

use crate::{
    step::{Steps, command, root},
    tools::{DEBUG, cargo_binary, cargo_tool},
};
use anyhow::{Context, Result, bail};
use std::{fs, process::Stdio};

const CARGO_FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.2");

/// Runs each target for some seconds, on a copy of what is kept for it, and shows how often it ran.
pub(crate) fn run(seconds: u64) -> Result<()> {
    cargo_tool(&Steps::new(0), CARGO_FUZZ.0, CARGO_FUZZ.1, DEBUG)?;
    let targets = root().join("fuzz/fuzz_targets");
    let mut names: Vec<String> = fs::read_dir(&targets)?
        .map(|entry| {
            let name = entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned());
            name.context("a target without a name")
        })
        .collect::<Result<_>>()?;
    names.sort();
    println!("    {:<12} {:>12} {:>10} {:>9} {:>8}", "target", "executions", "a second", "covered", "MiB");
    let mut failed = Vec::new();
    for name in names {
        let found = root().join("target/fuzz/corpus").join(&name);
        fs::create_dir_all(&found)?;
        let kept = format!("fuzz/corpus/{name}");
        let seconds = format!("-max_total_time={seconds}");
        let mut fuzz = command(
            cargo_binary(CARGO_FUZZ.0),
            &["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir", "target/fuzz", &name],
        );
        fuzz.arg(&found).args([&kept, "--", &seconds, "-timeout=1", "-rss_limit_mb=512", "-max_len=16384"]);
        fuzz.arg("-print_final_stats=1").env("RUSTUP_TOOLCHAIN", "nightly").stdout(Stdio::null());
        let output = fuzz
            .output()
            .context("cargo-fuzz does not run\n  to do now: rustup toolchain install nightly")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let stat = |name: &str| {
            let line = said.lines().rev().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()).unwrap_or("?").to_owned()
        };
        let covered = said.lines().rev().find_map(|line| line.split_once(" cov: ")).map(|(_, rest)| rest);
        let covered = covered.and_then(|rest| rest.split(' ').next()).unwrap_or("?");
        println!(
            "    {name:<12} {:>12} {:>10} {covered:>9} {:>8}",
            stat("stat::number_of_executed_units:"),
            stat("stat::average_exec_per_sec:"),
            stat("stat::peak_rss_mb:"),
        );
        if !output.status.success() {
            eprintln!("{said}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} failed (above)\n  to do now: mend it, and keep the input in fuzz/corpus/",
            failed.join(", ")
        );
    }
    Ok(())
}
