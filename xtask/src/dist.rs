//! What a release consists of: the program for each target in an archive, its checksums, the installer, and the package
//! for npm.

use crate::step::{ask, command, root, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Linked statically, so that it runs on every Linux of this processor.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Makes a release in `target/dist`, in the form that `pipelines/install.sh` downloads. `releases` is the address that the
/// installer will look at; `binary` is a program that was built already, which a rehearsal packs in place of the static one.
pub(crate) fn make(releases: Option<&str>, binary: Option<&Path>) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let all = root().join("target/dist");
    let folder = all.join(format!("v{version}"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let binary = match binary {
        Some(binary) => root().join(binary),
        None => build()?,
    };

    let packed = folder.join("securecode");
    fs::copy(&binary, &packed).with_context(|| format!("{} cannot be read", binary.display()))?;
    fs::set_permissions(&packed, fs::Permissions::from_mode(0o755))?;
    let archive = format!("securecode-{version}-{TARGET}.tar.gz");
    let tar = ["--owner=0", "--group=0", "--sort=name", "-czf", &archive, "securecode"];
    run(command("tar", &tar).current_dir(&folder), "install GNU tar")?;

    let package = root().join("target/dist/npm");
    fs::create_dir_all(package.join("bin"))?;
    fs::rename(&packed, package.join("bin/securecode"))?;
    for name in ["package.json", "README.md"] {
        fs::copy(root().join("npm").join(name), package.join(name))?;
    }
    fs::copy(root().join("LICENSE"), package.join("LICENSE"))?;
    let into = folder.to_string_lossy();
    run(
        command("npm", &["pack", "--silent", "--pack-destination", &into]).current_dir(&package),
        "install npm",
    )?;

    let installer = fs::read_to_string(root().join("pipelines/install.sh"))?;
    let installer =
        releases.map_or_else(|| installer.clone(), |releases| installer.replace("@RELEASES@", releases));
    fs::write(folder.join("install.sh"), installer)?;
    let package = format!("securecode-{version}.tgz");
    let sums = ask(command("sha256sum", &[&archive, &package, "install.sh"]).current_dir(&folder));
    fs::write(folder.join("SHA256SUMS"), sums.context("sha256sum fails")? + "\n")?;
    fs::write(all.join("LATEST"), format!("{version}\n"))?;
    println!("    {}", folder.display());
    Ok(())
}

/// Tries what a release consists of, and what pipelines make of it, with the programs that were built for the tests.
pub(crate) fn rehearse() -> Result<()> {
    run(
        // One release at a time: all of them are made in one place.
        &mut command("node", &["--test", "--test-concurrency=1", "tests/pipelines/"]),
        "read which test failed, above; one alone: node --test --test-name-pattern=WORDS tests/pipelines/",
    )
}

/// The static program.
fn build() -> Result<PathBuf> {
    let libraries = ask(&mut command("rustc", &["--print", "target-libdir", "--target", TARGET]));
    if !libraries.is_some_and(|path| Path::new(path.trim()).is_dir()) {
        bail!(
            "Rust's library for {TARGET} is not here\n  to do now: rustup target add {TARGET}, and install musl-tools"
        );
    }
    run(
        &mut command(
            "cargo",
            &["build", "--release", "--locked", "--package", "securecode", "--target", TARGET],
        ),
        "read what cannot be built, above; musl-gcc is of the package musl-tools",
    )?;
    let binary = root().join("target").join(TARGET).join("release/securecode");
    // One that needs an interpreter would not start on another Linux.
    let described = ask(&mut command("readelf", &["--program-headers", &binary.to_string_lossy()]));
    if described.context("readelf cannot read the program")?.contains("INTERP") {
        bail!(
            "{} is not linked statically\n  to do now: build it with musl-tools' musl-gcc",
            binary.display()
        );
    }
    Ok(binary)
}
