//! What the tests need and a fresh machine lacks. Everything is idempotent and lands under `target/tools` and
//! `tests/tools/node_modules`, but for Debian packages.

use crate::{
    step::{Steps, ask, command, root, run, tools},
    wasm,
};
use anyhow::{Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) const STEPS: usize = 6;

/// The build tools of the edge, and cargo's guard of dependencies; the second is what `--version` must say.
const CARGO_TOOLS: [(&str, &str); 2] = [("worker-build", "0.8.7"), ("cargo-deny", "0.20.2")];
/// The program of the command-line half of wasm-bindgen, whose crate has another name.
const WASM_BINDGEN: (&str, &str) = ("wasm-bindgen-cli", "wasm-bindgen");

/// The shells that session files are sourced with, by their Debian packages.
const SHELLS: [(&str, &str); 5] =
    [("dash", "dash"), ("bash", "bash"), ("zsh", "zsh"), ("ksh", "ksh93u+m"), ("busybox", "busybox")];

/// The browser, the agent's sandbox, programs that its lists of attacks and work use, and what a release is made with.
const PROGRAMS: [(&str, &str); 12] = [
    ("chromium", "chromium"),
    ("bwrap", "bubblewrap"),
    ("socat", "socat"),
    ("gcc", "gcc"),
    ("make", "make"),
    ("musl-gcc", "musl-tools"),
    ("podman", "podman"),
    ("git", "git"),
    ("curl", "curl"),
    ("ps", "procps"),
    ("xxd", "xxd"),
    ("zip", "zip"),
];

pub(crate) fn set_up(steps: &mut Steps) -> Result<Steps> {
    steps.next("the wasm32 target of Rust (a minute; on Debian without the download server two)");
    wasm::set_up_target(steps)?;

    steps.next("worker-build, wasm-bindgen and cargo-deny from source (once, about ten minutes)");
    let wasm_bindgen = wasm::locked_wasm_bindgen()?;
    for (name, version) in CARGO_TOOLS.into_iter().chain([(WASM_BINDGEN.0, wasm_bindgen.as_str())]) {
        cargo_tool(steps, name, version, DEBUG)?;
    }

    steps.next("workerd, dotenv, what speaks MCP and the coding agent from npm (once, about a minute)");
    npm_tools(steps)?;

    steps.next("an independent Python implementation's library (once, seconds)");
    python(steps)?;

    steps.next("the shells that values must pass through, and the programs that agents use");
    programs(steps)?;

    steps.next("the native programs");
    run(
        &mut command(
            "cargo",
            &[
                "build",
                "--locked",
                "-p",
                "securecode",
                "-p",
                "securecode-vault",
                "-p",
                "securecode-gateway",
                "--bins",
            ],
        ),
        "read the compiler's message; a C compiler (`apt-get install gcc`) is needed for SQLite and ring",
    )?;
    Ok(std::mem::replace(steps, Steps::new(0)))
}

/// What building and deploying the Worker needs alone.
pub(crate) fn set_up_worker(steps: &mut Steps) -> Result<()> {
    steps.next("the wasm32 target of Rust, worker-build and wasm-bindgen (once, some minutes)");
    wasm::set_up_target(steps)?;
    let wasm_bindgen = wasm::locked_wasm_bindgen()?;
    for (name, version) in [CARGO_TOOLS[0], (WASM_BINDGEN.0, wasm_bindgen.as_str())] {
        cargo_tool(steps, name, version, DEBUG)?;
    }
    steps.next("wrangler from npm (once, about a minute)");
    npm_tools(steps)
}

/// How a tool is built that runs for seconds: in half the time.
pub(crate) const DEBUG: &str = "dev";

/// A tool that cargo installed for the project.
pub(crate) fn cargo_binary(name: &str) -> PathBuf {
    tools().join("bin").join(name)
}

pub(crate) fn cargo_tool(steps: &Steps, name: &str, version: &str, profile: &str) -> Result<()> {
    let installed = tools().join(".crates.toml");
    let wanted = format!("\"{name} {version} ");
    let program = if name == WASM_BINDGEN.0 { WASM_BINDGEN.1 } else { name };
    let listed = std::fs::read_to_string(installed).is_ok_and(|list| list.contains(&wanted));
    if listed && cargo_binary(program).exists() {
        steps.already(&format!("{name} {version}"));
        return Ok(());
    }
    let root = tools();
    let root = root.to_string_lossy();
    let arguments =
        ["install", "--locked", "--profile", profile, "--force", "--root", &root, "--version", version, name];
    run(
        &mut command("cargo", &arguments),
        "check that the crate registry can be reached, then run this again",
    )
}

/// Where npm put a package.
pub(crate) fn npm_module(name: &str) -> PathBuf {
    root().join("tests").join("tools").join("node_modules").join(name)
}

fn npm_tools(steps: &Steps) -> Result<()> {
    if npm_install(&root().join("tests").join("tools"))? {
        steps.already("tests/tools/node_modules");
    }
    Ok(())
}

/// Installs what a folder's lock file names; whether it was there already.
pub(crate) fn npm_install(folder: &Path) -> Result<bool> {
    if ask(&mut command("node", &["--version"])).is_none() {
        bail!(
            "Node.js is missing\n  to do now: install Node 20 or newer (https://nodejs.org, or `apt-get install nodejs npm`)"
        );
    }
    let lock = std::fs::read_to_string(folder.join("package-lock.json")).unwrap_or_default();
    let marker = folder.join("node_modules").join(".installed-lock");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == lock) {
        return Ok(true);
    }
    run(
        command("npm", &["ci", "--no-audit", "--no-fund"]).current_dir(folder),
        "check that the npm registry can be reached, then run this again",
    )?;
    std::fs::write(marker, lock)?;
    Ok(false)
}

/// The Python of the project's own virtual environment.
pub(crate) fn python_binary() -> PathBuf {
    tools().join("python").join("bin").join("python")
}

fn python(steps: &Steps) -> Result<()> {
    let wanted = std::fs::read_to_string(root().join("tests/tools/requirements.txt"))?;
    let marker = tools().join("python").join("installed-requirements.txt");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        steps.already("target/tools/python");
        return Ok(());
    }
    let folder = tools().join("python");
    let folder = folder.to_string_lossy();
    if ask(&mut command("python3", &["-c", "import venv, ensurepip"])).is_none() {
        apt_install(&["python3", "python3-venv"])?;
    }
    run(
        &mut command("python3", &["-m", "venv", "--clear", &folder]),
        "install Python 3.9 or newer with its venv module (`apt-get install python3 python3-venv`)",
    )?;
    run(
        &mut command(
            python_binary(),
            &["-m", "pip", "install", "--quiet", "-r", "tests/tools/requirements.txt"],
        ),
        "check that the Python package index can be reached, then run this again",
    )?;
    std::fs::write(marker, wanted)?;
    Ok(())
}

fn programs(steps: &Steps) -> Result<()> {
    let wanted = SHELLS.into_iter().chain(PROGRAMS);
    let missing: Vec<&str> =
        wanted.filter(|(program, _)| !on_path(program)).map(|(_, package)| package).collect();
    if missing.is_empty() {
        steps.already("dash, bash, zsh, ksh, busybox, bubblewrap and the rest");
        return Ok(());
    }
    apt_install(&missing)
}

pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Installs Debian packages, as root or by sudo.
pub(crate) fn apt_install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !on_path("apt-get") {
        bail!("these are missing: {list}\n  to do now: install them with this system's package manager");
    }
    let root = ask(&mut command("id", &["-u"])).as_deref() == Some("0");
    if !root && !on_path("sudo") {
        bail!("these are missing: {list}\n  to do now, as root: apt-get update && apt-get install {list}");
    }
    let apt = |arguments: &[&str]| {
        let mut apt = if root { Command::new("apt-get") } else { Command::new("sudo") };
        if !root {
            // sudo drops the variables of its own environment.
            apt.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    let remedy = format!(
        "check that Debian's packages can be reached; then: apt-get update && apt-get install {list}"
    );
    run(&mut apt(&["-qq", "update"]), &remedy)?;
    let mut install = apt(&["-qq", "-y", "--no-install-recommends", "install"]);
    run(install.args(packages), &remedy)
}
