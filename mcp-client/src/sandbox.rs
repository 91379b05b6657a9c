//! The sandbox profile's own sandbox: what the agent's sandbox lets through (`securecode run`) runs in here.
//!
//! Built by bubblewrap: the disk is read-only but for the folder of work and the temporary one, our own folder
//! is not there, and other processes are not to be seen.

use crate::{
    error::{Error, Result},
    guard::judge::is_dotenv,
    home,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Files of a project that steer the agent or tools, and are not for its commands to change.
const STEERING: [&str; 6] =
    [".claude", ".mcp.json", ".securecoderc", "CLAUDE.md", ".git/hooks", ".git/config"];

/// What network a sandbox has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The machine's.
    Shared,
    /// None.
    None,
}

/// A command that will run in the sandbox, in `folder`; of our own folder it sees only `visible`.
///
/// # Errors
/// When bubblewrap is not installed.
pub fn command(folder: &Path, visible: &[PathBuf], network: Network) -> Result<Command> {
    let program = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let program = program.ok_or_else(|| {
        Error::local(
            "the sandbox needs bubblewrap, which is not installed",
            "install it: apt-get install bubblewrap socat",
        )
    })?;
    let mut command = Command::new(program);
    let bind = |command: &mut Command, how: &str, path: &Path| {
        command.arg(how).arg(path).arg(path);
    };
    command.args(["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc"]);
    if network == Network::None {
        command.arg("--unshare-net");
    }
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    for temporary in [Path::new("/tmp"), Path::new("/var/tmp")] {
        if temporary.is_dir() {
            bind(&mut command, "--bind", temporary);
        }
    }
    bind(&mut command, "--bind", folder);
    for name in STEERING {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_symlink()) {
            bind(&mut command, "--ro-bind", &path);
        }
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if is_dotenv(&name.to_string_lossy()) && entry.path().is_file() {
            command.arg("--ro-bind").arg("/dev/null").arg(entry.path());
        }
    }
    let own = home::folder()?;
    if own.is_dir() {
        let own = own.canonicalize().map_err(|error| Error::io(&own, &error))?;
        command.arg("--tmpfs").arg(&own);
    }
    for path in visible {
        bind(&mut command, "--ro-bind", path);
    }
    command.arg("--chdir").arg(folder).arg("--");
    Ok(command)
}
