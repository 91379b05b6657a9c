//! The dashboard: sealing compiled for JavaScript, the page around it, and how large both may be.

use crate::{
    step::{command, root, run},
    tools::{cargo_binary, npm_install, npm_module},
    wasm,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What may be loaded in all, and what of it is script of the first view, in bytes gzipped.
const MOST: usize = 250 * 1024;
const MOST_FIRST: usize = 100 * 1024;

/// The folder that hosts serve.
pub(crate) fn built() -> PathBuf {
    folder().join("dist")
}

pub(crate) fn folder() -> PathBuf {
    root().join("dashboard")
}

/// Builds `dashboard/dist`.
pub(crate) fn build() -> Result<()> {
    build_wasm()?;
    npm_install(&folder())?;
    run(
        command("npm", &["run", "--silent", "build"]).current_dir(folder()),
        "read the compiler's message; `dashboard/src` is what it read",
    )?;
    sizes()
}

/// `sealing-js` as a module for browsers, in `dashboard/wasm`.
fn build_wasm() -> Result<()> {
    let target = root().join("target");
    run(
        wasm::environment(&mut command(
            "cargo",
            &[
                "build",
                "--locked",
                "--release",
                "-p",
                "securecode-sealing-js",
                "--target",
                "wasm32-unknown-unknown",
            ],
        ))
        // A profile of its own would be one more to keep; these differ from the native release alone.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_TARGET_DIR", &target),
        "read the compiler's message; `cargo xtask setup` installs what is missing",
    )?;
    let module = target.join("wasm32-unknown-unknown/release/sealing_js.wasm");
    let out = folder().join("wasm");
    let words = ["--target", "web", "--out-dir"];
    run(
        command(cargo_binary("wasm-bindgen"), &words).arg(&out).arg(&module),
        "run `cargo xtask setup` again: wasm-bindgen must be of the version in Cargo.lock",
    )?;
    let module = out.join("sealing_js_bg.wasm");
    let words = ["-O2", "--skip-pass=inlining-optimizing", "--reorder-functions-by-name"];
    let mut optimise = command(npm_module(".bin/wasm-opt"), &words);
    optimise.arg(&module).arg("-o").arg(&module).args(["--strip-debug", "--strip-producers"]);
    run(wasm::features(&mut optimise), "run `cargo xtask setup` again")
}

/// Measures what a browser loads.
fn sizes() -> Result<()> {
    let assets = built().join("assets");
    let (mut all, mut first) = (0, 0);
    let page = fs::read_to_string(built().join("index.html")).context("the dashboard is not built")?;
    for entry in fs::read_dir(&assets).with_context(|| format!("{} is not there", assets.display()))? {
        let path = entry?.path();
        let bytes = gzipped(&path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        println!("    {bytes:>7}  {name}");
        all += bytes;
        if name.ends_with(".js") && page.contains(&name) {
            first += bytes;
        }
    }
    println!("    {all} bytes gzipped in all, {first} of them script of the first view");
    if first == 0 || all > MOST || first > MOST_FIRST {
        bail!(
            "the dashboard may have {MOST} bytes gzipped in all and {MOST_FIRST} of script in its first view"
        );
    }
    Ok(())
}

fn gzipped(path: &Path) -> Result<usize> {
    Ok(command("gzip", &["-9", "-c"]).arg(path).output()?.stdout.len())
}
