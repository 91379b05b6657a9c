//! `run`: a command with the secrets in its environment, and masked in what it prints.
//!
//! On a terminal of the plain profile this process becomes the command, so that the terminal, exit code and
//! signals are the command's own; nothing is masked there. Elsewhere the command is a child whose output is
//! masked. In the guard and sandbox profiles the command is judged as the agent's commands are, for it may be one.

use crate::{
    environment::Client,
    error::{Error, Kind, Result},
    guard::{
        exec::{cannot_run, keep_back},
        output,
        program::{self, Judgement},
    },
    names,
    profile::Profile,
    sandbox::{self, Network},
    ticket::{self, Held, Redeemed},
};
use protocol::{SecretName, body::How};
use std::{
    ffi::{OsStr, OsString},
    io::{IsTerminal, Write},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    process::Command,
};

pub(super) fn run(
    client: &Client,
    profile: Profile,
    only: &[SecretName],
    no_mask: bool,
    command: &[OsString],
) -> Result<u8> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    let secrets = read(client, only)?;
    // The oldest session that lives: what changed since may be an agent's work.
    let since = ticket::living().iter().map(|session| session.since).min().unwrap_or(u128::MAX);
    let session = Redeemed { secrets, since, environment: ticket::steering() };
    let masker = output::masker([&session])?;
    let trusted = !profile.is_guarded() || no_mask || is_trusted(command, &session);
    let mut child = if profile == Profile::Sandbox && !no_mask {
        let mut sandboxed = sandbox::command(&super::current_folder()?, &[], Network::Shared)?;
        sandboxed.arg(program);
        sandboxed
    } else {
        Command::new(program)
    };
    child.args(arguments);
    keep_back(&mut child);
    for held in &session.secrets {
        let value = if trusted { held.value.as_slice() } else { held.placeholder.as_bytes() };
        child.env(&held.name, OsStr::from_bytes(value));
    }
    let on_terminal = std::io::stdout().is_terminal() && !profile.is_guarded();
    let error = if no_mask || on_terminal {
        child.exec()
    } else {
        match output::run(child, &masker) {
            Ok(status) => return Ok(output::exit_code(status)),
            Err(error) => error,
        }
    };
    if error.kind() == std::io::ErrorKind::ArgumentListTooLong {
        return Err(Error::new(
            Kind::Local,
            "the secrets and arguments are larger than this system gives a command",
            "hand over fewer: --only A,B",
        ));
    }
    Err(match error.kind() {
        std::io::ErrorKind::NotFound => {
            let program = program.to_string_lossy();
            Error::local(format!("there is no program {program}"), "check its name and PATH")
        }
        _ => {
            cannot_run(program, &error);
            Error::local("the command was not run", "check that it is a program you may run")
        }
    })
}

/// The secrets that the command is given. Each has a placeholder for a command that is not trusted.
fn read(client: &Client, only: &[SecretName]) -> Result<Vec<Held>> {
    let contents = client.read_all(How::Run)?;
    if let Some(missing) =
        only.iter().find(|name| !contents.secrets.iter().any(|secret| secret.name == **name))
    {
        return Err(super::secrets::absent(missing));
    }
    let mut held = Vec::new();
    for secret in contents.secrets.iter().filter(|secret| only.is_empty() || only.contains(&secret.name)) {
        if !names::is_usable(&secret.name)? {
            let _ = writeln!(
                std::io::stderr(),
                "securecode: {0} is left out: a variable of that name could take over a tool; allow it with: securecode set {0} --allow-name",
                secret.name
            );
            continue;
        }
        held.push(Held {
            name: secret.name.to_string(),
            placeholder: format!("{}{}-placeholder", ticket::PLACEHOLDER, secret.name),
            value: secret.value.expose().to_vec().into(),
            current: true,
        });
    }
    Ok(held)
}

/// Whether a command that may be the agent's is given values; it is told why not.
fn is_trusted(command: &[OsString], session: &Redeemed) -> bool {
    let why = match program::judge(command, session) {
        Judgement::Values => return true,
        Judgement::Because(why) => why,
        Judgement::Shell(_) => {
            "a shell is given its code on the command line; name the program itself".to_owned()
        }
        Judgement::Placeholders => "it prints what it is given".to_owned(),
    };
    let _ = writeln!(
        std::io::stderr(),
        "securecode: placeholders were given instead of the secrets: {why}. A person can run it with: securecode run --no-mask -- …"
    );
    false
}
