//! The Node SDK: sealing compiled for Node, and the package tried as it is installed.

use crate::{
    dashboard,
    step::{command, root, run},
    tools::npm_install,
    wasm,
};
use anyhow::Result;

/// Builds what `sdk/node` lacks.
pub(crate) fn build() -> Result<()> {
    let folder = root().join("sdk/node");
    std::fs::copy(root().join("LICENSE"), folder.join("LICENSE"))?;
    wasm::build_sealing("client", "nodejs", &folder.join("wasm"))
}

/// Builds it, and tries it against a native vault. The native programs must be built.
pub(crate) fn build_and_test() -> Result<()> {
    build()?;
    // TypeScript, which the package's types are tried with.
    npm_install(&dashboard::folder())?;
    run(
        &mut command("node", &["--test", "--test-concurrency=2", "tests/sdk/"]),
        "read which test failed, above; one alone: node --test --test-name-pattern=WORDS tests/sdk/",
    )
}
