//! `run`: a command with the secrets in its environment. This process becomes the command, so its terminal,
//! exit code and signals are the command's own.

use crate::{
    environment::Client,
    error::{Error, Kind, Result},
    names,
};
use protocol::{SecretName, body::How};
use std::{
    ffi::{OsStr, OsString},
    io::{ErrorKind, Write},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    process::Command,
};

pub(super) fn run(client: &Client, only: &[SecretName], command: &[OsString]) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    let contents = client.read_all(How::Run)?;
    if let Some(missing) =
        only.iter().find(|name| !contents.secrets.iter().any(|secret| secret.name == **name))
    {
        return Err(super::secrets::absent(missing));
    }
    let mut child = Command::new(program);
    child.args(arguments).env_remove("SECURECODE_API_KEY").env_remove("SECURECODE_PASSPHRASE");
    for secret in &contents.secrets {
        if !only.is_empty() && !only.contains(&secret.name) {
            continue;
        }
        if !names::is_usable(&secret.name)? {
            let _ = writeln!(
                std::io::stderr(),
                "securecode: {0} is left out: a variable of that name could take over a tool; allow it with: securecode set {0} --allow-name",
                secret.name
            );
            continue;
        }
        child.env(secret.name.as_str(), OsStr::from_bytes(secret.value.expose()));
    }
    let error = child.exec();
    let program = program.to_string_lossy();
    Err(match error.kind() {
        ErrorKind::NotFound => {
            Error::local(format!("there is no program {program}"), "check its name and PATH")
        }
        ErrorKind::ArgumentListTooLong => Error::new(
            Kind::Local,
            "the secrets and arguments are larger than this system gives a command",
            "hand over fewer: --only A,B",
        ),
        _ => Error::local(
            format!("{program} cannot be run: {error}"),
            "check that it is a program you may run",
        ),
    })
}
