//! The demo, and every check and test.

use crate::{
    agent, bench, dashboard, dist, gateway, mcp,
    native::Native,
    sdk,
    step::{Steps, ask, command, root, run},
    tools::{cargo_binary, npm_install, python_binary},
    wasm,
    workerd::{self, Workerd},
};
use anyhow::{Result, bail};
use std::path::Path;

pub(crate) const STEPS: usize = 15;

/// The main job, on this machine, with nothing but Rust and a C compiler.
pub(crate) fn demo() -> Result<()> {
    let mut steps = Steps::new(2);
    steps.next("building the vault and the client (the first time about two minutes)");
    run(
        &mut command("cargo", &["build", "--locked", "-p", "securecode", "-p", "securecode-vault", "--bins"]),
        "read the compiler's message; a C compiler (`apt-get install gcc`) is needed for SQLite and ring",
    )?;
    steps.next("the main job: .env, vault, agent, command");
    crate::demo::run()
}

/// Everything that must hold, from the quickest to the slowest.
pub(crate) fn run_all(steps: &mut Steps) -> Result<()> {
    steps.next("formatting and lints");
    run(&mut command("cargo", &["fmt", "--all", "--check"]), "run `cargo fmt --all`")?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(&mut command("cargo", &clippy), "mend what clippy names")?;

    steps.next("dependencies: licences, bans, sources, and what the vault must not link");
    let deny = ["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    run(
        &mut command(cargo_binary("cargo-deny"), &deny),
        "mend what cargo-deny names; `deny.toml` has the rules",
    )?;
    advisories()?;
    vault_cannot_decrypt()?;

    steps.next("native tests: units, properties, the API on SQLite, the client, foreign implementations");
    let counts = mcp::begin_counting()?;
    run(
        command("cargo", &["test", "--locked", "--workspace"])
            .env("SECURECODE_TEST_PYTHON", python_binary())
            .env("SECURECODE_TEST_COUNTS", &counts),
        "read which test failed, above",
    )?;
    mcp::show(&counts)?;

    steps.next("the Worker: build (about two minutes), size, dry run of its deployment");
    wasm::build_worker(&root())?;
    worker_size(&root())?;
    workerd::dry_run()?;

    steps.next("the API suite again, in workerd with D1");
    edge()?;

    steps.next("the vault's benchmark, bounded: many at once, in workerd as it is deployed (the release is built first)");
    bench::vault(true)?;

    steps.next("the main job against workerd, and a search for its values in everything stored and logged");
    // Another one: the suite has used up what a stranger may ask.
    let workerd = Workerd::start()?;
    crate::demo::run_against(&workerd.url, &root().join("target/workerd"))?;
    drop(workerd);

    steps.next("the main job against the native vault");
    crate::demo::run()?;

    steps.next("the dashboard: build, size, and each of its flows in Chromium, natively and in workerd");
    browser()?;

    steps.next("the Node SDK: build, and each of its promises, from the package as it is installed");
    sdk::build_and_test()?;

    steps.next("the gateway: build, size, dry run of its deployment, and its suite in workerd");
    gateway::build()?;
    gateway::edge()?;

    steps.next("pipelines and a release, rehearsed: the action, the template, the installer, npm's package");
    dist::rehearse()?;

    steps.next("the documents: their commands, as they are written");
    documents()?;

    agent(steps)?;

    steps.next("done");
    println!("all checks passed");
    Ok(())
}

/// The real coding agent, in each profile.
pub(crate) fn agent(steps: &mut Steps) -> Result<()> {
    steps.next("the real Claude Code: attacks and ordinary work in each profile (about forty minutes)");
    agent::measure()
}

/// What documents have their readers type. Programs and the SDK must be built.
pub(crate) fn documents() -> Result<()> {
    run(
        &mut command("node", &["--test", "--test-concurrency=2", "tests/documents/"]),
        "mend the document that is named, above, or the program",
    )
}

/// Writes the OpenAPI document.
pub(crate) fn write_openapi() -> Result<()> {
    let arguments =
        ["test", "--locked", "-p", "securecode-vault", "--test", "api", "the_document_that_is_served"];
    run(
        command("cargo", &arguments).env("SECURECODE_WRITE_OPENAPI", "1"),
        "run it again: what is served was compiled before it was written",
    )
}

/// The API suite in workerd alone.
pub(crate) fn edge() -> Result<()> {
    edge_suite(&Workerd::start()?)
}

/// The dashboard in Chromium, on both hosts. The Worker must be built.
pub(crate) fn browser() -> Result<()> {
    dashboard::build()?;
    let folder = root().join("tests/browser");
    npm_install(&folder)?;
    let flows = |url: &str| {
        run(
            command("node", &["--test", "--test-concurrency=2", "tests/browser/"])
                .env("SECURECODE_TEST_VAULT", url),
            "read which flow failed, above; one alone: SECURECODE_TEST_VAULT=URL node --test tests/browser/NAME.test.js",
        )
    };
    let data = root().join("target/browser");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    let built = dashboard::built();
    // Each person of the tests has an address of his own, as at the edge.
    let words = ["--dashboard", &built.to_string_lossy(), "--address-header", "cf-connecting-ip"];
    let native = Native::start(&data, &words)?;
    flows(&native.url)?;
    drop(native);
    flows(&Workerd::start_with_dashboard()?.url)
}

/// What each request costs in workerd, and that it does not grow.
pub(crate) fn cost() -> Result<()> {
    let workerd = Workerd::start()?;
    let arguments = [
        "test",
        "--locked",
        "-p",
        "securecode-vault",
        "--test",
        "api",
        "what_a_request_costs",
        "--",
        "--ignored",
    ];
    run(
        command("cargo", &arguments)
            .arg("--nocapture")
            .env("SECURECODE_TEST_VAULT", &workerd.url)
            .env("SECURECODE_TEST_STORAGE", &workerd.storage)
            .env("SECURECODE_TEST_FULL", "1"),
        "read what grew, above",
    )?;
    // Two gigabytes, of which nothing is of use any more.
    let storage = workerd.storage.clone();
    drop(workerd);
    Ok(std::fs::remove_dir_all(storage)?)
}

fn edge_suite(workerd: &Workerd) -> Result<()> {
    let suite = ["test", "--locked", "-p", "securecode-vault", "--test", "api"];
    // Then, one by one, what must be alone: what a request costs, in a bounded form, and export and import.
    let alone = [&suite[..], &["--", "--ignored", "--test-threads=1"]].concat();
    for arguments in [&suite[..], &alone] {
        run(
            command("cargo", arguments)
                .env("SECURECODE_TEST_VAULT", &workerd.url)
                .env("SECURECODE_TEST_STORAGE", &workerd.storage),
            "read which test failed, above; the Worker's log is target/workerd/storage/wrangler.log",
        )?;
    }
    Ok(())
}

/// Known vulnerabilities, where their database can be reached. It is no package, so some networks lack it.
fn advisories() -> Result<()> {
    let reached = command("timeout", &["60"])
        .arg(cargo_binary("cargo-deny"))
        .args(["--locked", "check", "--hide-inclusion-graph", "advisories"])
        .output()
        .ok();
    match reached {
        Some(output) if output.status.success() => println!("    no known vulnerability"),
        Some(output) if String::from_utf8_lossy(&output.stderr).contains("error[") => {
            println!("{}", String::from_utf8_lossy(&output.stderr));
            bail!(
                "a dependency has a known vulnerability (above)\n  to do now: update it, or say in deny.toml why it does not matter"
            );
        }
        _ => println!(
            "    SKIPPED: cargo-deny could not read the advisory database (it is fetched from the network)"
        ),
    }
    Ok(())
}

/// The vault links neither the hierarchy of keys nor the passphrase's function, on either host.
fn vault_cannot_decrypt() -> Result<()> {
    for target in ["x86_64-unknown-linux-gnu", "wasm32-unknown-unknown"] {
        let arguments = [
            "tree",
            "--locked",
            "-p",
            "securecode-vault",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--target",
            target,
        ];
        let Some(tree) = ask(&mut command("cargo", &arguments)) else { bail!("`cargo tree` failed") };
        if !tree.contains("securecode-seal ") {
            bail!("`cargo tree` does not show what the vault links, so nothing was checked");
        }
        for forbidden in ["securecode-sealing ", "argon2 "] {
            if tree.lines().any(|line| line.starts_with(forbidden)) {
                bail!(
                    "the vault links {forbidden}on {target}\n  to do now: take it out; the vault must not be able to decrypt"
                );
            }
        }
    }
    println!("    the vault links neither securecode-sealing nor argon2");
    Ok(())
}

/// A folder's Worker, gzipped as uploaded, stays under 400 KiB.
pub(crate) fn worker_size(folder: &Path) -> Result<()> {
    let mut bytes = 0;
    for file in ["index_bg.wasm", "index.js"] {
        let path = folder.join("build").join(file);
        let gzipped = command("gzip", &["-9", "-c"]).arg(path).output()?;
        bytes += gzipped.stdout.len();
    }
    println!("    {bytes} bytes gzipped");
    if bytes == 0 || bytes >= 400 * 1024 {
        bail!("the Worker is {bytes} bytes gzipped; at most {} are allowed", 400 * 1024);
    }
    Ok(())
}
