//! The gateway: its Worker, and its suite on both hosts.

use crate::{
    checks,
    step::{command, root, run},
    workerd::{Workerd, free_port, wrangler},
};
use anyhow::{Context, Result};
use std::path::PathBuf;

const SUITE: [&str; 6] = ["test", "--locked", "-p", "securecode-gateway", "--test", "gateway"];
const LOOK: &str = "read which test failed, above; the Worker's log is target/workerd/gateway/wrangler.log";

/// Where it lies.
pub(crate) fn folder() -> PathBuf {
    root().join("gateway")
}

/// All of it.
pub(crate) fn build_and_test() -> Result<()> {
    build()?;
    run(&mut command("cargo", &SUITE), "read which test failed, above")?;
    edge()
}

/// The Worker, by a dry run of its deployment as `docs/gateway.md` has it; and its size.
pub(crate) fn build() -> Result<()> {
    let document = std::fs::read_to_string(root().join("docs/gateway.md"))?;
    let line = document.lines().find_map(|line| line.split_once(".bin/wrangler deploy "));
    let (_, options) = line.context("docs/gateway.md does not say how the gateway is deployed")?;
    let outdir = state()?.join("upload").to_string_lossy().into_owned();
    let mut arguments = vec!["deploy", "--dry-run", "--outdir", &outdir];
    arguments.extend(options.split_whitespace());
    run(&mut wrangler(&arguments), "read wrangler's message; `gateway/wrangler.toml` is what it checks")?;
    checks::worker_size(&folder())
}

/// The suite in workerd: with the vault's address, which the suite's front has, and then with a binding to a vault. The
/// vault's Worker must be built.
pub(crate) fn edge() -> Result<()> {
    let port = free_port()?.to_string();
    let gateway = start(&configuration("address", false)?, &format!("http://127.0.0.1:{port}"))?;
    run(
        command("cargo", &SUITE)
            .env("SECURECODE_TEST_GATEWAY", &gateway.url)
            .env("SECURECODE_TEST_FRONT", &port)
            .env("SECURECODE_TEST_LOG", gateway.storage.join("wrangler.log")),
        LOOK,
    )?;
    drop(gateway);
    let vault = Workerd::start()?;
    let gateway = start(&configuration("binding", true)?, "https://vault.invalid")?;
    run(
        command("cargo", &[&SUITE[..], &["--", "--ignored"]].concat())
            .env("SECURECODE_TEST_GATEWAY", &gateway.url)
            .env("SECURECODE_TEST_VAULT", &vault.url)
            .env("SECURECODE_TEST_STORAGE", &vault.storage),
        LOOK,
    )
}

fn start(config: &str, vault: &str) -> Result<Workerd> {
    Workerd::run(config, state()?, &["--var", &format!("SECURECODE_VAULT_URL:{vault}")])
}

/// Where the tests' configurations and the log lie: not beside the vault's, whose secrets wrangler would read.
fn state() -> Result<PathBuf> {
    let folder = root().join("target/workerd/gateway");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// `gateway/wrangler.toml` without its build step, and without the binding where there is none.
fn configuration(name: &str, bound: bool) -> Result<String> {
    let text = std::fs::read_to_string(folder().join("wrangler.toml"))?;
    let mut text = text
        .replace("[build]\ncommand = \"cargo xtask worker gateway\"\n", "")
        .replace("\"build/index.js\"", "\"../../../gateway/build/index.js\"");
    if !bound {
        text = text.replace("[[services]]\nbinding = \"VAULT\"\nservice = \"securecode\"\n", "");
    }
    let path = state()?.join(format!("wrangler.{name}.toml"));
    std::fs::write(&path, text)?;
    Ok(path.to_string_lossy().into_owned())
}
