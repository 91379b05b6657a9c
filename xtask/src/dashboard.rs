//! The dashboard: sealing compiled for JavaScript, the page around it, and how large both may be.

use crate::{
    step::{command, root, run},
    tools::npm_install,
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
    wasm::build_sealing("owner", "web", &folder().join("wasm"))?;
    npm_install(&folder())?;
    run(
        command("npm", &["run", "--silent", "build"]).current_dir(folder()),
        "read the compiler's message; `dashboard/src` is what it read",
    )?;
    sizes()
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
