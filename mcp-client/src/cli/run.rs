//! `run`: a command with the secrets in its environment, and masked in what it prints.
//!
//! On a terminal of the plain profile this process becomes the command, so that the terminal, exit code and
//! signals are the command's own; nothing is masked there. Elsewhere the command is a child whose output is
//! masked. In the guard and sandbox profiles the command is judged as the agent's commands are, for it may be one.

use crate::{
    env_file::EnvFile,
    environment::Client,
    error::{Error, Kind, Result},
    guard::{
        exec,
        output::{self, Ended, Mask, Watched},
        trusted::Trusted,
    },
    peer,
    profile::Profile,
    terminal,
    ticket::{self, LeftOut, Redeemed},
};
use protocol::{Label, SecretName, body::How};
use std::{
    ffi::{OsStr, OsString},
    io::{IsTerminal, Write},
    os::unix::{ffi::OsStrExt, process::CommandExt},
};

/// What a command is given.
pub(super) enum Given<'a> {
    /// All of an environment's secrets, or these.
    Secrets(&'a Client, &'a [SecretName]),
    /// What a file has. An environment by its project's name and its own is opened by the key of this project.
    File(&'a EnvFile, &'a dyn Fn(Label, Label) -> Client),
}

impl Given<'_> {
    /// The secrets, as variables; and those that are left out.
    fn hold(
        &self,
        program: &OsStr,
        may_steer: bool,
        ask: impl Fn(&[&SecretName]) -> Result<()>,
    ) -> Result<(Redeemed, Vec<LeftOut>)> {
        let (file, open) = match self {
            Self::Secrets(client, only) => {
                return ticket::hold(&client.read_all(How::Run)?.secrets, only, program, may_steer, ask);
            }
            Self::File(file, open) => (file, open),
        };
        let (mut all, mut all_left_out) = ticket::hold(&[], &[], program, may_steer, &ask)?;
        for ((project, environment), references) in &file.references {
            let client = open(project.clone(), environment.clone());
            let names: Vec<SecretName> = references.iter().map(|(_, name)| name.clone()).collect();
            let secrets = client.read_all(How::Run)?.secrets;
            let (held, left_out) = ticket::hold(&secrets, &names, program, may_steer, &ask)?;
            for (variable, name) in references {
                let found = held.secrets.iter().find(|held| held.name == name.as_str());
                all.secrets.extend(found.map(|held| held.named(variable)));
            }
            all_left_out.extend(left_out);
        }
        Ok((all, all_left_out))
    }

    fn plain(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        let file = match self {
            Self::Secrets(..) => None,
            Self::File(file, _) => Some(file),
        };
        let plain = file.into_iter().flat_map(|file| &file.plain);
        plain.map(|(name, value)| (name.as_str(), OsStr::from_bytes(value.expose())))
    }

    /// A command as it is judged: with what the file assigns before it.
    fn assigning(&self, command: &[OsString]) -> Vec<OsString> {
        let assigned = self.plain().map(|(name, value)| {
            let mut word = OsString::from(name);
            word.push("=");
            word.push(value);
            word
        });
        let mut words: Vec<OsString> = assigned.collect();
        if !words.is_empty() {
            words.insert(0, "env".into());
        }
        words.extend_from_slice(command);
        words
    }
}

pub(super) fn run(
    given: &Given<'_>,
    profile: Profile,
    vault_url: Option<&str>,
    no_mask: bool,
    command: &[OsString],
) -> Result<u8> {
    let Some(program) = command.first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    if profile.is_guarded() && !peer::is_alone() {
        return Err(Error::local(
            "a library was loaded into securecode (LD_PRELOAD or the like), which could read the secrets",
            "run it without that variable",
        ));
    }
    let ask = |names: &[&SecretName]| terminal::consent(profile, vault_url, names);
    // A person who proved it may give what no agent may.
    let judges = profile.is_guarded() && !no_mask;
    let (session, left_out) = given.hold(program, !judges, ask)?;
    for LeftOut { name, why } in left_out {
        let _ = writeln!(std::io::stderr(), "securecode: {name} is left out: {why}");
    }
    let mask = Mask::of([&session])?;
    let judged =
        if judges { exec::trusted(&given.assigning(command), &session) } else { Ok(Trusted::default()) };
    let why = judged.as_ref().err();
    if let Some(why) = why {
        let _ = writeln!(
            std::io::stderr(),
            "securecode: placeholders were given instead of the secrets: {why}. A person can run it with: securecode run --no-mask -- …"
        );
    }
    let folder = super::current_folder()?;
    let sandboxed = (profile == Profile::Sandbox && !no_mask).then_some(folder.as_path());
    let mut child = exec::alone(command, &session, why.is_none(), sandboxed)?;
    child.envs(given.plain());
    let on_terminal = std::io::stdout().is_terminal() && !profile.is_guarded();
    let error = if no_mask || on_terminal {
        child.exec()
    } else {
        match output::run_watched(
            child,
            &mask,
            &judged.as_ref().map(Watched::for_changes).unwrap_or_default(),
        ) {
            Ok(Ended::With(status)) => return Ok(output::exit_code(status)),
            Ok(Ended::Stopped(file)) => {
                return Err(Error::local(
                    format!("the command was stopped: {file} changed while it ran with secrets"),
                    "start it again",
                ));
            }
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
            exec::cannot_run(program, &error);
            Error::local("the command was not run", "check that it is a program you may run")
        }
    })
}
