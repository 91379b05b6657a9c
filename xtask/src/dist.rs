//! What a release consists of: the programs in archives, with checksums and an installer, and the packages for npm.

use crate::{
    dashboard, sdk,
    step::{ask, command, root, run},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Linked statically, so that it runs on every Linux of this processor, and in a container that holds nothing else.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Makes a release in `target/dist`, in the form that `pipelines/install.sh` downloads. `releases` is the address that the
/// installer will look at. A rehearsal names a folder of `programs` that were built already; the dashboard and the SDK
/// must be built then, too.
pub(crate) fn make(releases: Option<&str>, programs: Option<&Path>) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let all = root().join("target/dist");
    let folder = all.join(format!("v{version}"));
    start_over(&folder)?;
    let programs = match programs {
        Some(programs) => root().join(programs),
        None => {
            dashboard::build()?;
            sdk::build()?;
            build("release")?
        }
    };

    let client = all.join("securecode");
    start_over(&client)?;
    take_program(&programs, "securecode", &client)?;
    let mut files = vec![archive(&client, &folder, "securecode", version)?];

    let vault = all.join("securecode-vault");
    start_over(&vault)?;
    take_program(&programs, "securecode-vault", &vault)?;
    let page = dashboard::built().to_string_lossy().into_owned();
    run(
        command("cp", &["-r", &page]).arg(vault.join("dashboard")),
        "build the dashboard first: cargo xtask dashboard",
    )?;
    // With these the folder, and so the archive, is what a container is built of.
    fs::copy(root().join("Containerfile"), vault.join("Containerfile"))?;
    fs::create_dir(vault.join("data"))?;
    files.push(archive(&vault, &folder, "securecode-vault", version)?);

    let package = all.join("npm");
    start_over(&package)?;
    fs::create_dir(package.join("bin"))?;
    fs::copy(client.join("securecode"), package.join("bin/securecode"))?;
    for file in ["npm/package.json", "npm/README.md", "LICENSE"] {
        let file = root().join(file);
        fs::copy(&file, package.join(file.file_name().unwrap_or_default()))?;
    }
    files.push(pack(&package, &folder)?);
    let sdk = all.join("sdk");
    start_over(&sdk)?;
    run(
        command("cp", &["-r"]).arg(root().join("sdk/node/.")).arg(&sdk),
        "build the SDK first: cargo xtask sdk",
    )?;
    files.push(pack(&sdk, &folder)?);

    fs::copy(root().join("pipelines/gitlab.yml"), folder.join("gitlab.yml"))?;
    files.push("gitlab.yml".into());
    let installer = fs::read_to_string(root().join("pipelines/install.sh"))?.replace("@VERSION@", version);
    let installer =
        releases.map_or_else(|| installer.clone(), |releases| installer.replace("@RELEASES@", releases));
    fs::write(folder.join("install.sh"), installer)?;
    files.push("install.sh".into());
    let sums = ask(command("sha256sum", &[]).args(&files).current_dir(&folder));
    fs::write(folder.join("SHA256SUMS"), sums.context("sha256sum fails")? + "\n")?;
    fs::write(all.join("LATEST"), format!("{version}\n"))?;
    println!("    {}", folder.display());
    Ok(())
}

/// Tries what a release consists of, and what pipelines make of it, with the programs of the tests.
pub(crate) fn rehearse() -> Result<()> {
    let programs = if has_target() {
        build("dev")?
    } else {
        println!("    rustup cannot download {TARGET} here: trying programs that are not static");
        root().join("target/debug")
    };
    run(
        // One release at a time: all of them are made in one place.
        command("node", &["--test", "--test-concurrency=1", "tests/pipelines/"])
            .env("SECURECODE_TEST_PROGRAMS", programs),
        "read which test failed, above; one alone: node --test --test-name-pattern=WORDS tests/pipelines/",
    )
}

fn start_over(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn take_program(programs: &Path, name: &str, folder: &Path) -> Result<()> {
    let (from, to) = (programs.join(name), folder.join(name));
    fs::copy(&from, &to).with_context(|| format!("{} cannot be read", from.display()))?;
    Ok(fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?)
}

/// Packs all of a folder; the archive's name.
fn archive(from: &Path, into: &Path, name: &str, version: &str) -> Result<String> {
    let archive = format!("{name}-{version}-{TARGET}.tar.gz");
    let mut names = fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
    names.sort();
    let mut tar = command("tar", &["--owner=0", "--group=0", "--sort=name", "-czf"]);
    run(tar.arg(into.join(&archive)).args(names).current_dir(from), "install GNU tar")?;
    Ok(archive)
}

/// Packs a package for npm; the archive's name. Where GitHub builds it, the package says so: npm takes no statement of
/// provenance for another repository than the one that the package names.
fn pack(package: &Path, into: &Path) -> Result<String> {
    if let Ok(repository) = std::env::var("GITHUB_REPOSITORY") {
        let server = std::env::var("GITHUB_SERVER_URL").unwrap_or_else(|_| "https://github.com".into());
        let file = package.join("package.json");
        let mut named: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&fs::read_to_string(&file)?)?;
        let url = format!("git+{server}/{repository}.git");
        named.insert("repository".into(), serde_json::json!({ "type": "git", "url": url }));
        fs::write(&file, serde_json::to_string_pretty(&named)?)?;
    }
    let into = into.to_string_lossy();
    let packed = ask(command("npm", &["pack", "--silent", "--pack-destination", &into]).current_dir(package));
    packed.with_context(|| {
        format!(
            "npm cannot pack {}\n  to do now: run `npm pack` there, and read what it says",
            package.display()
        )
    })
}

/// Whether rustup has the target's library, or could download it.
fn has_target() -> bool {
    let installed = || {
        let libraries = ask(&mut command("rustc", &["--print", "target-libdir", "--target", TARGET]));
        libraries.is_some_and(|path| Path::new(path.trim()).is_dir())
    };
    installed()
        || (ask(&mut command("timeout", &["90", "rustup", "target", "add", TARGET])).is_some() && installed())
}

/// Builds the static programs; their folder.
fn build(profile: &str) -> Result<PathBuf> {
    if !has_target() {
        bail!(
            "Rust's library for {TARGET} is not here\n  to do now: rustup target add {TARGET}, and install musl-tools"
        );
    }
    let words = ["build", "--profile", profile, "--locked", "--bins", "--target", TARGET];
    run(
        command("cargo", &words)
            .args(["--package", "securecode", "--package", "securecode-vault"])
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
        "read what cannot be built, above; musl-gcc is of the package musl-tools",
    )?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let built = root().join("target").join(TARGET).join(folder);
    for name in ["securecode", "securecode-vault"] {
        // One that needs an interpreter would not start on another Linux.
        let program = built.join(name);
        let described = ask(&mut command("readelf", &["--program-headers", &program.to_string_lossy()]));
        if described.context("readelf cannot read the program")?.contains("INTERP") {
            bail!(
                "{} is not linked statically\n  to do now: build it with musl-tools' musl-gcc",
                program.display()
            );
        }
    }
    Ok(built)
}
