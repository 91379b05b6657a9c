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

    steps.next("the release: the programs and the Worker (some minutes)");
    let build = ["build", "--release", "--locked", "-p", "securecode", "-p", "securecode-vault", "--bins"];
    run(&mut command("cargo", &build), "read the compiler's message")?;
    wasm::build_worker(&root())?;

    steps.next("masker and sealing");
    for package in ["securecode-masker", "securecode-sealing"] {
        let mut bench = command("cargo", &["bench", "--locked", "-p", package, "--bench", "throughput"]);
        // Without it each is run once.
        run(bench.args(if bounded { &["--", "--test"][..] } else { &[] }), "read the message above")?;
    }

    steps.next("the vault and the client");
    measure(bounded)
}

/// The vault and the client, which must be built.
pub(crate) fn measure(bounded: bool) -> Result<()> {
    let (_, storage) = workerd::fresh_storage("bench")?;
    for name in ["vault", "client"] {
        let mut bench = command("cargo", &["bench", "--locked", "-p", "securecode-benches", "--bench", name]);
        if bounded {
            bench.env("SECURECODE_BENCH_BOUNDED", "1");
        }
        run(bench.env("SECURECODE_BENCH_STORAGE", &storage), "read the message above")?;
    }
    Ok(())
}
