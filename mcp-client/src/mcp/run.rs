//! run-with-secrets: one command, without a shell, with secrets in its environment.

use super::{
    Server, asking::Question, is_production, parse, production_warning, session::Session, sleep::Wake, text,
};
use crate::{
    error::{Error, Result},
    guard::{
        exec, judge, line,
        output::{self, Stop, Watch, masker},
        rules::{self, Decision},
        trusted::Trusted,
    },
    policy::Way,
    profile::Profile,
    ticket::{self, LeftOut},
};
use protocol::{SecretName, body::How};
use rmcp::{
    model::CallToolResult,
    schemars::{self, JsonSchema},
};
use sealing::OpenedSecret;
use serde::Deserialize;
use serde_json::json;
use std::{ffi::OsString, process::Command, time::Duration};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunWithSecrets {
    /// The program and its arguments, e.g. ["npm", "test"]. No shell reads them.
    command: Vec<String>,
    /// The names of the secrets it needs. Without this: all of the environment.
    #[serde(default)]
    names: Option<Vec<String>>,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
    /// How long it may take, in seconds: 120 if not given, at most 600.
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

impl Server {
    /// Everything that is decided before a command runs.
    pub(super) fn prepare(&self, session: &mut Session, asked: &RunWithSecrets) -> Result<Prepared> {
        self.check_awake(session)?;
        let names: Vec<SecretName> =
            asked.names.iter().flatten().map(|name| parse(name)).collect::<Result<_>>()?;
        if asked.command.is_empty() {
            return Err(Error::local(
                "there is no command",
                "give the program and its arguments in `command`",
            ));
        }
        if let Some(welcome) = session.welcome() {
            return Ok(Prepared::Notice(welcome));
        }
        let warned = session.warned;
        let open = self.open(session)?;
        let profile = open.config.profile()?;
        let argv: Vec<OsString> = asked.command.iter().map(OsString::from).collect();
        if profile.is_guarded() {
            self.permitted(&asked.command)?;
        }
        let client = open.client(asked.environment.as_deref())?;
        let mut secrets = client.read_all(How::Run)?.secrets;
        let environment = client.environment()?.names;
        if let Some(secret) =
            secrets.iter().find(|secret| names.contains(&secret.name) && !session.wake.is_for(secret))
        {
            return Err(Wake::not_for(secret));
        }
        secrets.retain(|secret| session.wake.is_for(secret));
        let wanted = |secret: &&OpenedSecret| names.is_empty() || names.contains(&secret.name);
        let production = secrets.iter().filter(wanted).find(|secret| is_production(&environment, secret));
        if let Some(secret) = production.filter(|_| !warned) {
            session.warned = true;
            return Ok(Prepared::Notice(production_warning(&secret.name)));
        }
        let place = format!("{}/{}", environment.project, environment.environment);
        let mut unasked = Vec::new();
        let program = argv.first().map(OsString::as_os_str).unwrap_or_default();
        let held = ticket::hold(&secrets, &names, program, !profile.is_guarded(), |asked| {
            for name in asked {
                if !session.consents.take(Way::Use, &place, name) {
                    unasked.push((*name).clone());
                }
            }
            if unasked.is_empty() {
                Ok(())
            } else {
                Err(Error::local("a person has to allow it; name it in `names`", ""))
            }
        });
        if !unasked.is_empty() && !names.is_empty() {
            return Ok(Prepared::Ask(Question {
                way: Way::Use,
                place,
                environment: asked.environment.clone(),
                names: unasked,
            }));
        }
        let (held, left_out) = held?;
        let judged = if profile.is_guarded() { exec::trusted(&argv, &held) } else { Ok(Trusted::default()) };
        let code = judged.map_err(|why| {
            Error::local(
                format!("not run, because {why}"),
                "run a program that was there, unchanged, when the session began; or ask the user to run it in their own terminal: securecode run -- …",
            )
        })?;
        let sandboxed = (profile == Profile::Sandbox).then_some(self.start.as_path());
        let mut command = exec::alone(&argv, &held, true, sandboxed)?;
        command.current_dir(&self.start);
        let patience = Duration::from_secs(asked.timeout_seconds.unwrap_or(120).clamp(1, 600));
        let mut sessions = ticket::living();
        sessions.push(held);
        Ok(Prepared::Ready(Box::new(Ready { command, code, masker: masker(&sessions)?, patience, left_out })))
    }

    /// Whether the person's own rules for the agent's shell commands let a command pass. They do not reach this
    /// tool, and what they forbid there is not to be had here.
    fn permitted(&self, command: &[String]) -> Result<()> {
        let line = command.iter().map(|word| line::quote(word)).collect::<Vec<_>>().join(" ");
        judge::judge_command(&line, &self.start)
            .map_err(|refusal| Error::local(refusal.0, "use list-secrets, get-secret and source"))?;
        match rules::of_the_person(&command.join(" "), &self.start) {
            Decision::Allow => Ok(()),
            Decision::Ask | Decision::Deny => Err(Error::local(
                "the user's permission rules do not let this command run unasked",
                "ask the user, or run another",
            )),
        }
    }
}

/// What a call of run-with-secrets comes to.
pub(super) enum Prepared {
    Notice(CallToolResult),
    Ask(Question),
    Ready(Box<Ready>),
}

/// A command with its secrets, and what masks them.
pub(super) struct Ready {
    command: Command,
    /// What it runs.
    code: Trusted,
    masker: masker::Masker,
    patience: Duration,
    left_out: Vec<LeftOut>,
}

impl Ready {
    /// At most so many bytes of each output are answered: about as much as the agent takes of its own shell.
    const LIMIT: usize = 30_000;

    /// Runs it to its end, or until the call is cancelled.
    pub(super) fn run(self, cancelled: &dyn Fn() -> bool) -> Result<CallToolResult> {
        let watch = Watch::new(&self.code, cancelled);
        let captured = output::capture(self.command, &self.masker, Self::LIMIT, self.patience, watch)
            .map_err(|error| {
                Error::local(format!("the command was not run: {error}"), "check the program's name and path")
            })?;
        let mut told = Vec::new();
        for LeftOut { name, why } in &self.left_out {
            told.push(format!("{name} was left out: {why}."));
        }
        match &captured.stopped {
            Some(Stop::Changed(file)) => {
                return Err(Error::local(
                    format!("the command was stopped: {file} changed while it ran with secrets"),
                    "call the tool again",
                ));
            }
            Some(Stop::Cancelled) => {
                return Err(Error::local(
                    "the call was cancelled, and the command ended",
                    "call the tool again",
                ));
            }
            None => {}
        }
        if captured.timed_out {
            told.push(format!(
                "Ended after {} seconds; give timeout_seconds for longer.",
                self.patience.as_secs()
            ));
        }
        let (stdout, stderr) = (captured.stdout.text(), captured.stderr.text());
        told.extend([&stdout, &stderr].into_iter().filter(|text| !text.is_empty()).cloned());
        if let Some(code) = captured.code.filter(|code| *code != 0) {
            told.push(format!("Exit code {code}"));
        }
        let mut result = text(&told.join("\n"));
        result.is_error = Some(captured.timed_out || captured.code != Some(0));
        result.structured_content = Some(json!({
            "exit_code": captured.code, "timed_out": captured.timed_out, "stdout": stdout, "stderr": stderr,
            "left_out": self.left_out.iter().map(|left| &left.name).collect::<Vec<_>>(),
        }));
        Ok(result)
    }
}
