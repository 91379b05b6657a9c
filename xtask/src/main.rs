//! The project's commands, run as `cargo xtask …`. Each says what it does, skips what is done, and fails with a
//! cause and a remedy.

mod agent;
mod bench;
mod checks;
mod dashboard;
mod demo;
mod deploy;
mod dist;
mod fuzz;
mod gateway;
mod mcp;
mod native;
mod sdk;
mod step;
mod tools;
mod wasm;
mod workerd;

use anyhow::{Context, Result, bail};
use std::{path::Path, process::ExitCode};
use step::Steps;

const USAGE: &str = "\
cargo xtask demo       run the main job on this machine: vault, .env, agent, command
cargo xtask test       set up what is missing, then run every check and test
cargo xtask setup      only set up what the tests need
cargo xtask worker     build the Worker into build/, or with `gateway` the gateway's into gateway/build/
cargo xtask dashboard  build the dashboard into dashboard/dist/
cargo xtask browser    build the dashboard and try it in Chromium, natively and in workerd
cargo xtask sdk        build the Node SDK in sdk/node/ and try it, installed, against a native vault
cargo xtask mcp        the agent's tools, whole: others' suites, nonsense, hostile surroundings, policy, the plugin; and counts
cargo xtask deploy     the vault on your Cloudflare account, made or brought up to date  [--dry-run]
cargo xtask dist       a release in target/dist: static programs, checksums, installer, npm packages
                       [--releases URL] [--programs FOLDER, which are built: a rehearsal]
cargo xtask gateway    the gateway: its Worker, its suite natively and in workerd, a dry run of its deployment
cargo xtask pipelines  rehearse a release, and try it in what GitHub and GitLab run, with the programs that are built
cargo xtask documents  run the commands of the documents as they are written, with the programs that are built
cargo xtask fuzz       each target of fuzz/ with an engine, by the nightly compiler  [--seconds N, 60 unless told]
cargo xtask bench      every benchmark, with its tables, as docs/benchmarks.md has them  [--bounded: that they still run]
cargo xtask openapi    write docs/openapi.json, as the code has it
cargo xtask edge       run the API suite in workerd, with the Worker that is built; then export and import, and costs
cargo xtask cost       what each request costs at the edge, as docs/cost.md has it
cargo xtask agent      let the real Claude Code attack each profile and do ordinary work in it: what leaked, what broke";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask {command}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &str) -> Result<()> {
    match command {
        "demo" => checks::demo(),
        "test" => tools::set_up(&mut Steps::new(tools::STEPS + checks::STEPS))
            .and_then(|mut steps| checks::run_all(&mut steps)),
        "setup" => tools::set_up(&mut Steps::new(tools::STEPS)).map(drop),
        "worker" => match std::env::args().nth(2).as_deref() {
            None => wasm::build_worker(&step::root()),
            Some("gateway") => wasm::build_worker(&gateway::folder()),
            Some(_) => bail!("there is no such Worker\n{USAGE}"),
        },
        "gateway" => gateway::build_and_test(),
        "dashboard" => dashboard::build(),
        "browser" => checks::browser(),
        "sdk" => sdk::build_and_test(),
        "mcp" => mcp::prove(),
        "deploy" => deploy::deploy(std::env::args().any(|word| word == "--dry-run")),
        "pipelines" => dist::rehearse(),
        "dist" => dist::make(option("--releases").as_deref(), option("--programs").as_deref().map(Path::new)),
        "fuzz" => fuzz::run(match option("--seconds") {
            None => 60,
            Some(seconds) => seconds.parse().context("--seconds takes a number")?,
        }),
        "bench" => bench::run_all(std::env::args().any(|word| word == "--bounded")),
        "documents" => checks::documents(),
        "openapi" => checks::write_openapi(),
        "edge" => checks::edge(),
        "cost" => checks::cost(),
        "agent" => {
            tools::set_up(&mut Steps::new(tools::STEPS + 1)).and_then(|mut steps| checks::agent(&mut steps))
        }
        other => bail!("there is no command `{other}`\n{USAGE}"),
    }
}

/// What follows an option on the command line.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}
