//! Building for wasm32. Where rustup can download the target, that is one command; where only package
//! registries can be reached, Debian's own compiler and its sources make the standard library
//! (`docs/decisions/0001-wasm-without-a-toolchain-download.md`).

use crate::{
    step::{Steps, ask, command, root, run},
    tools::{apt_install, cargo_binary, npm_module, on_path},
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";
/// The name under which rustup knows Debian's toolchain.
const LINKED: &str = "securecode-wasm";
const LINKER: &str = "wasm-ld-22";

/// Makes sure that something here can build for wasm32.
pub(crate) fn set_up_target(steps: &Steps) -> Result<()> {
    if has_target(None) {
        steps.already("the target of rustup's toolchain");
        return Ok(());
    }
    if has_target(Some(LINKED)) {
        steps.already("Debian's toolchain with a standard library of its own");
        return Ok(());
    }
    println!("    $ rustup target add {TARGET}");
    let patience = if on_path("timeout") { &["timeout", "90", "rustup"][..] } else { &["rustup"] };
    let mut words = patience.iter().copied().chain(["target", "add", TARGET]);
    let program = words.next().unwrap_or("rustup");
    let added = command(program, &words.collect::<Vec<_>>()).status();
    if added.is_ok_and(|status| status.success()) && has_target(None) {
        return Ok(());
    }
    println!("    rustup cannot download the target here: taking Debian's compiler instead");
    debian_target()
}

/// Whether a toolchain, the active one or a named one, has the target's standard library.
fn has_target(toolchain: Option<&str>) -> bool {
    let mut rustc = command("rustc", &["--print", "target-libdir", "--target", TARGET]);
    if let Some(name) = toolchain {
        rustc.env("RUSTUP_TOOLCHAIN", name);
    }
    let folder = ask(&mut rustc).map(PathBuf::from);
    folder.is_some_and(|folder| {
        fs::read_dir(folder).is_ok_and(|mut files| {
            files.any(|file| {
                let name =
                    file.map(|file| file.file_name().to_string_lossy().into_owned()).unwrap_or_default();
                // rustup's has a hash in its name, one that was built here has none.
                name == "libstd.rlib" || (name.starts_with("libstd-") && name.ends_with(".rlib"))
            })
        })
    })
}

fn debian_target() -> Result<()> {
    apt_install(&["rustc-web", "cargo-web", "rust-web-src", "lld-22"])?;
    let version = ask(Command::new("/usr/bin/rustc").arg("--version"))
        .and_then(|text| text.split(' ').nth(1).map(str::to_owned))
        .context("Debian's rustc does not run\n  to do now: apt-get install --reinstall rustc-web")?;
    let sources = PathBuf::from(format!("/usr/src/rustc-{version}/library"));
    if !sources.is_dir() {
        bail!("{} is not there\n  to do now: apt-get install --reinstall rust-web-src", sources.display());
    }
    let scratch = root().join("target").join("wasm-std");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    run(
        Command::new("cp").arg("-r").arg(&sources).arg(&scratch),
        "check that there is room on the disk (300 MB)",
    )?;
    run(
        Command::new("/usr/bin/cargo")
            .args(["build", "--release", "--target", TARGET, "--features", "panic-unwind"])
            .current_dir(scratch.join("library").join("sysroot"))
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Cembed-bitcode=yes -Zforce-unstable-if-unmarked")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("CARGO_TARGET_DIR"),
        "check that the crate registry can be reached, then run this again",
    )?;
    let staged = scratch.join("staged");
    fs::create_dir(&staged)?;
    let built = scratch.join("library/target").join(TARGET).join("release/deps");
    for file in fs::read_dir(&built).with_context(|| format!("{} is not there", built.display()))? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libsysroot-") {
            fs::copy(file.path(), staged.join(&*name))?;
        }
    }
    install_libraries(&staged)?;
    fs::remove_dir_all(&scratch)?;
    run(
        &mut command("rustup", &["toolchain", "link", LINKED, "/usr"]),
        "install rustup (https://rustup.rs)",
    )?;
    if !has_target(Some(LINKED)) {
        bail!(
            "Debian's toolchain still has no {TARGET}\n  to do now: apt-get install --reinstall rustc-web, then run this again"
        );
    }
    Ok(())
}

/// Puts the target's libraries where Debian's compiler looks for them.
fn install_libraries(libraries: &Path) -> Result<()> {
    let sysroot = ask(Command::new("/usr/bin/rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .context("Debian's rustc does not know the target")?;
    let parent = Path::new(&sysroot);
    let sudo = ask(&mut command("id", &["-u"])).as_deref() != Some("0");
    let privileged = |program: &str| {
        let mut command = Command::new(if sudo { "sudo" } else { program });
        if sudo {
            command.arg(program);
        }
        command
    };
    run(privileged("mkdir").arg("-p").arg(parent), "run this as root, or install sudo")?;
    run(
        privileged("cp").arg("-r").arg(format!("{}/.", libraries.display())).arg(parent),
        "run this as root, or install sudo",
    )
}

/// The version of wasm-bindgen that Cargo.lock holds; its command-line half must be the same.
pub(crate) fn locked_wasm_bindgen() -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| anyhow!("Cargo.lock names no wasm-bindgen"))
}

/// The compiler's flags: these configurations, and what takes this machine's folders of crates out of what is shipped,
/// the names of files in messages of panics.
fn flags(configurations: &[&str]) -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
    let registries = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let folders = registries.map(|registry| registry.path()).chain([root()]);
    let flags = folders.map(|folder| format!("--remap-path-prefix={}/=", folder.display()));
    let configurations = configurations.iter().map(|name| format!("--cfg={name}"));
    flags.chain(configurations).collect::<Vec<_>>().join("\x1f")
}

/// Sets what a wasm32 build needs. The compiler and its linker are another's where rustup has not the target.
pub(crate) fn environment(command: &mut Command) -> &mut Command {
    if !has_target(None) && has_target(Some(LINKED)) {
        command.env("RUSTUP_TOOLCHAIN", LINKED);
        if on_path(LINKER) {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", LINKER);
        }
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(&[]))
}

/// Builds a folder's Worker into its `build/` with worker-build, from tools that are here already.
pub(crate) fn build_worker(folder: &Path) -> Result<()> {
    let worker_build = cargo_binary("worker-build");
    if !worker_build.exists() {
        bail!("worker-build is missing\n  to do now: cargo xtask setup");
    }
    let npm = root().join("tests/tools/node_modules/.bin");
    run(
        environment(command(worker_build, &["--release", "--no-opt"]).current_dir(folder))
            .env("WASM_BINDGEN_BIN", cargo_binary("wasm-bindgen"))
            .env("ESBUILD_BIN", npm.join("esbuild"))
            .env("WASM_OPT_BIN", npm.join("wasm-opt"))
            // Size counts at the edge, where every new isolate loads the module.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
            .env("CARGO_PROFILE_RELEASE_LTO", "fat")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
            // Set by cargo when this command itself runs under it; the build must not inherit it.
            .env_remove("CARGO_TARGET_DIR"),
        "read the compiler's message; `cargo xtask setup` installs what is missing",
    )?;
    let module = folder.join("build/index_bg.wasm");
    let mut optimise = command(npm.join("wasm-opt"), &[]);
    optimise.arg(&module).arg("-o").arg(&module);
    // What counts is the module gzipped: a call repeats itself where an inlined body does not, and neighbours of
    // one name are alike (`docs/decisions/0007-what-the-worker-leaves-out.md`).
    optimise.args(["-Oz", "--skip-pass=inlining-optimizing", "--reorder-functions-by-name"]);
    optimise.args(["--strip-debug", "--strip-producers"]);
    run(features(&mut optimise), "run `cargo xtask setup` again")
}

/// Builds `sealing-js` for one of its users (a feature of the crate), as that kind of module (`wasm-bindgen --target`).
pub(crate) fn build_sealing(user: &str, kind: &str, out: &Path) -> Result<()> {
    let target = root().join("target");
    run(
        environment(&mut command(
            "cargo",
            &[
                "build",
                "--locked",
                "--release",
                "-p",
                "securecode-sealing-js",
                "--no-default-features",
                "--features",
                user,
                "--target",
                TARGET,
                // Here its size counts, too.
                "--config",
                "profile.release.package.securecode-protocol.opt-level='z'",
            ],
        ))
        // Ciphers and hashes that are small: a secret is some hundred bytes, and the passphrase's function is BLAKE2.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(&["sha2_backend_soft=\"compact\"", "aes_backend_soft=\"compact\""]),
        )
        // A profile of its own would be one more to keep; these differ from the native release alone.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_TARGET_DIR", &target),
        "read the compiler's message; `cargo xtask setup` installs what is missing",
    )?;
    let module = target.join(TARGET).join("release/sealing_js.wasm");
    run(
        command(cargo_binary("wasm-bindgen"), &["--target", kind, "--out-dir"]).arg(out).arg(&module),
        "run `cargo xtask setup` again: wasm-bindgen must be of the version in Cargo.lock",
    )?;
    let module = out.join("sealing_js_bg.wasm");
    let words = ["-O2", "--skip-pass=inlining-optimizing", "--reorder-functions-by-name"];
    let mut optimise = command(npm_module(".bin/wasm-opt"), &words);
    optimise.arg(&module).arg("-o").arg(&module).args(["--strip-debug", "--strip-producers"]);
    run(features(&mut optimise), "run `cargo xtask setup` again")
}

/// What wasm-opt may use. Not `--all-features`: that writes encodings that workerd can't read.
pub(crate) fn features(optimise: &mut Command) -> &mut Command {
    for feature in [
        "bulk-memory",
        "exception-handling",
        "multivalue",
        "mutable-globals",
        "nontrapping-float-to-int",
        "reference-types",
        "sign-ext",
    ] {
        optimise.arg(format!("--enable-{feature}"));
    }
    optimise
}
