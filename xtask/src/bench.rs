//! The benchmarks, whose figures docs/benchmarks.md has.

use crate::{
    step::{Steps, command, root, run},
    tools::{self, apt_install, cargo_tool, npm_install, on_path},
    wasm, workerd,
};
use anyhow::Result;

/// What `securecode run` is measured beside.
const SECRETSPEC: &str = "0.21.1";

/// Everything, on this machine, with its tables in Markdown; or in a bounded form, which shows that they still run.
pub(crate) fn run_all(bounded: bool) -> Result<()> {
    let mut steps = tools::set_up(&mut Steps::new(tools::STEPS + 4))?;
    steps.next("what the client is measured beside: dotenvx and MCP servers from npm, secretspec, hyperfine");
    npm_install(&root().join("benches"))?;
    if !on_path("hyperfine") {
        apt_install(&["hyperfine"])?;
    }
    cargo_tool(&steps, "secretspec", SECRETSPEC, "release")?;

    steps.next("masker and sealing");
    for package in ["securecode-masker", "securecode-sealing"] {
        let mut bench = command("cargo", &["bench", "--locked", "-p", package, "--bench", "throughput"]);
        // With it each is run once.
        run(bench.args(if bounded { &["--", "--test"][..] } else { &[] }), "read the message above")?;
    }

    steps.next("the vault, natively and in workerd (the release is built first: some minutes)");
    wasm::build_worker(&root())?;
    vault(bounded)?;

    steps.next("the client");
    build("securecode")?;
    measure("client", bounded)
}

/// The vault alone, whose Worker must be built.
pub(crate) fn vault(bounded: bool) -> Result<()> {
    build("securecode-vault")?;
    measure("vault", bounded)
}

fn build(package: &str) -> Result<()> {
    let words = ["build", "--release", "--locked", "-p", package, "--bins"];
    run(&mut command("cargo", &words), "read the compiler's message")
}

fn measure(name: &str, bounded: bool) -> Result<()> {
    let (_, storage) = workerd::fresh_storage("bench")?;
    let mut bench = command("cargo", &["bench", "--locked", "-p", "securecode-benches", "--bench", name]);
    if bounded {
        bench.env("SECURECODE_BENCH_BOUNDED", "1");
    }
    run(bench.env("SECURECODE_BENCH_STORAGE", &storage), "read the message above")?;
    // Gigabytes, of which nothing is of use any more.
    Ok(std::fs::remove_dir_all(storage)?)
}
