//! The MCP server: what a coding agent may ask for. A value goes into the session's file; the agent is told
//! the path. No answer, error or log line holds a value, save one that was asked for by `reveal`.
//!
//! A session here is the process, never the protocol's handshake: the newer life of MCP has none.

use crate::{
    check,
    config::KeyConfig,
    environment::Client,
    error::{Error, Result},
    guard::{
        exec, judge, line,
        output::{self as guarded, masker as masked},
        rules::{self, Decision},
    },
    names,
    profile::Profile,
    session_file::{SessionFile, render, sweep_left_behind},
    ticket::{self, Office},
};
use protocol::{Label, SecretName, Tag, body::How};
use rmcp::{
    ServerHandler, ServiceExt,
    handler::server::wrapper::Parameters,
    model::{CallToolResult, ContentBlock, Implementation, JsonObject, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
    transport::stdio_pipes,
};
use sealing::{ApiKey, OpenedSecret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const INSTRUCTIONS: &str = "\
SecureCode keeps this project's secrets. Never ask for a secret's value in the conversation, and never read .env \
files. To use secrets: call get-secret with their names; it answers a file path; then run your command as \
`source PATH && COMMAND`, which sees the secrets as environment variables. Do not print the file or the variables. \
list-secrets shows the names there are. Call byebye when the work with secrets is done.";

/// The article's first tip, once a session.
const WELCOME: &str = "Welcome to SecureCode! Remember: secret values returned here are injected directly into your \
workflow. Never paste them in chat messages, commit them to git, or include them in code files.";

/// Serves on standard input and output until the client goes, or a signal says so. The session's file goes
/// with it.
///
/// # Errors
/// When the transport cannot be started.
pub fn serve(vault_url: Option<&str>, least_version: u64) -> Result<()> {
    // What is written from now on may be the agent's work.
    ticket::began();
    ticket::hide_memory();
    sweep_left_behind()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::local(format!("threads cannot be started: {error}"), "try again"))?;
    let start = std::env::var_os("CLAUDE_PROJECT_DIR").map(PathBuf::from).filter(|path| path.is_dir());
    let start = start.map_or_else(std::env::current_dir, Ok);
    let server = Server {
        session: Arc::new(Mutex::new(Session::default())),
        injected: Arc::new(Mutex::new(Injected::Nothing)),
        vault_url: vault_url.map(str::to_owned),
        least_version,
        start: start.map_err(|error| {
            Error::local(format!("the current folder cannot be used: {error}"), "change it")
        })?,
    };
    let injected = server.injected.clone();
    let served = runtime.block_on(async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let serving = async {
            let running = server.serve(stdio_pipes()).await.map_err(std::io::Error::other)?;
            running.waiting().await.map(drop).map_err(std::io::Error::other)
        };
        tokio::select! {
            ended = serving => ended,
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    });
    // Whatever ended it, the values go, and nothing is written any more. Neither a request to the vault nor a
    // read of standard input that is still pending is waited for.
    end(&injected);
    runtime.shutdown_background();
    match served {
        Ok(()) => Ok(()),
        // A client that goes before it says anything is no failure of ours.
        Err(error) if error.to_string().contains("connection closed") => Ok(()),
        Err(error) => Err(Error::local(format!("the MCP session failed: {error}"), "start it again")),
    }
}

/// What one process remembers.
#[derive(Default)]
struct Session {
    welcomed: bool,
    warned: bool,
    open: Option<Open>,
}

/// After the first access: the key, and the environments asked of it.
struct Open {
    config: KeyConfig,
    least_version: u64,
    clients: Vec<(Option<Label>, Client)>,
}

/// The session's file, apart from the rest of the session: it can be ended while a request is under way.
enum Injected {
    Nothing,
    /// With values in it.
    Values(SessionFile),
    /// With a ticket in it, and where that is redeemed. The office closes before the file goes.
    Ticket(Office, SessionFile),
    Ended,
}

/// Ends the session: its file goes, and there will be no other.
fn end(injected: &Mutex<Injected>) {
    *injected.lock().unwrap_or_else(PoisonError::into_inner) = Injected::Ended;
}

#[derive(Clone)]
struct Server {
    session: Arc<Mutex<Session>>,
    injected: Arc<Mutex<Injected>>,
    vault_url: Option<String>,
    least_version: u64,
    start: PathBuf,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetSecret {
    /// The name of one secret.
    #[serde(default)]
    name: Option<String>,
    /// The names of several secrets, injected together.
    #[serde(default)]
    names: Option<Vec<String>>,
    /// Inject every secret that has one of these tags.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
    /// Answer the raw value of one secret instead of injecting it. Only when the user asked to see it.
    #[serde(default)]
    reveal: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListSecrets {
    /// The environment, if the key may use several.
    #[serde(default)]
    environment: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RunWithSecrets {
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecurityCheck {
    /// Mend what can be mended.
    #[serde(default)]
    fix: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[tool_router]
impl Server {
    #[tool(
        name = "get-secret",
        title = "Inject secrets",
        description = "Puts secrets into a private file and answers its path; the value is not shown. \
            Then run: source PATH && COMMAND. Each call replaces what the file held.",
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = true),
        output_schema = output(json!({
            "message": { "type": "string", "description": "What was injected where, and how to use it." },
            "path": { "type": "string", "description": "The file to source." },
            "names": { "type": "array", "items": { "type": "string" }, "description": "What it holds." },
            "environment": { "type": "string", "description": "Where the secrets came from." },
            "expires": { "type": "string", "description": "When the file goes." },
            "notice": { "type": "string", "description": "To be heeded before the tool is called again." },
        }))
    )]
    async fn get_secret(&self, Parameters(asked): Parameters<GetSecret>) -> CallToolResult {
        self.within(move |server| server.get(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "list-secrets",
        title = "List secrets",
        description = "Lists the names, tags and versions of the secrets there are. No values.",
        annotations(read_only_hint = true, open_world_hint = true),
        output_schema = output(json!({
            "secrets": { "type": "array", "items": { "type": "object" }, "description": "Names, tags and versions." },
        }))
    )]
    async fn list_secrets(&self, Parameters(asked): Parameters<ListSecrets>) -> CallToolResult {
        self.within(move |server| server.list(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "run-with-secrets",
        title = "Run a command with secrets",
        description = "Runs one command, given as its arguments without a shell, with secrets in its environment, and \
            answers what it printed, with values taken out. For a pipe or a line of shell use get-secret and source.",
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = false, open_world_hint = true),
        output_schema = output(json!({
            "exit_code": { "type": ["integer", "null"], "description": "Nothing where a signal ended the command." },
            "timed_out": { "type": "boolean", "description": "Whether it was ended because it took too long." },
            "stdout": { "type": "string" },
            "stderr": { "type": "string" },
            "left_out": { "type": "array", "items": { "type": "string" }, "description": "Secrets whose names no variable may have." },
            "notice": { "type": "string", "description": "To be heeded before the tool is called again." },
        }))
    )]
    async fn run_with_secrets(&self, Parameters(asked): Parameters<RunWithSecrets>) -> CallToolResult {
        // The session is free again while the command runs.
        self.within(move |server| match server.prepare(&mut server.session(), &asked)? {
            Prepared::Notice(notice) => Ok(notice),
            Prepared::Ready(ready) => ready.run(),
        })
        .await
    }

    #[tool(
        name = "security-check",
        title = "Check the set-up",
        description = "Looks whether this project and this machine's agent keep secrets out of the conversation; \
            with fix, mends what can be mended. Names and findings only, no values.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        ),
        output_schema = output(json!({
            "profile": { "type": "string", "description": "The profile that was checked for." },
            "passed": { "type": "integer", "description": "How many findings are good." },
            "total": { "type": "integer", "description": "How many there are." },
            "findings": { "type": "array", "items": { "type": "object" }, "description": "Each, with what to do." },
            "changed": { "type": "array", "items": { "type": "string" }, "description": "Files that were changed." },
        }))
    )]
    async fn security_check(&self, Parameters(asked): Parameters<SecurityCheck>) -> CallToolResult {
        self.within(move |server| server.check(asked.fix == Some(true))).await
    }

    #[tool(
        name = "byebye",
        title = "End the session",
        description = "Deletes the injected file and ends this session's access to secrets.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn byebye(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        end(&self.injected);
        text(
            "Session ended: injected files are deleted, and get-secret is refused until the server is started again.",
        )
    }
}

#[tool_handler]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_instructions(INSTRUCTIONS);
        info.server_info = Implementation::new("securecode", env!("CARGO_PKG_VERSION"));
        info
    }
}

impl Server {
    /// Runs one tool's work off the protocol's thread.
    async fn within(
        &self,
        work: impl FnOnce(&Self) -> Result<CallToolResult> + Send + 'static,
    ) -> CallToolResult {
        let server = self.clone();
        match tokio::task::spawn_blocking(move || work(&server)).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
            Err(_) => {
                CallToolResult::error(vec![ContentBlock::text("the tool failed; nothing was injected")])
            }
        }
    }

    /// The session, for one tool at a time.
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open<'a>(&self, session: &'a mut Session) -> Result<&'a mut Open> {
        if session.open.is_none() {
            let config = KeyConfig::find(&self.start, self.vault_url.as_deref())?;
            session.open = Some(Open { config, least_version: self.least_version, clients: vec![] });
        }
        session.open.as_mut().ok_or_else(ended)
    }

    fn get(&self, session: &mut Session, asked: &GetSecret) -> Result<CallToolResult> {
        self.check_alive()?;
        let wanted = Wanted::parse(asked)?;
        if let Some(welcome) = session.welcome() {
            return Ok(welcome);
        }
        let warned = session.warned;
        let open = self.open(session)?;
        let reveal = asked.reveal == Some(true);
        let profile = open.config.profile()?;
        if reveal && profile.is_guarded() {
            return Err(Error::local(
                format!("values are not shown to an agent here (this machine's profile is {profile})"),
                "inject it into a command; or ask the user to run in their own terminal: securecode get NAME",
            ));
        }
        let how = if reveal { How::Reveal } else { How::Inject };
        let client = open.client(asked.environment.as_deref())?;
        let secrets = wanted.read(client, how)?;
        let environment = client.environment()?.names.clone();
        let production = secrets.iter().find(|secret| environment.production || secret.meta.is_production());
        if let Some(secret) = production {
            if reveal {
                return Err(Error::local(
                    format!("{} is a production secret, so only a person may reveal it", secret.name),
                    format!("ask the user to run in their own terminal: securecode get {}", secret.name),
                ));
            }
            if !warned {
                session.warned = true;
                return Ok(production_warning(&secret.name));
            }
        }
        if reveal {
            return revealed(&secrets);
        }
        let path = self.write(&open.config.key, profile, &secrets)?.display().to_string();
        let injected: Vec<String> =
            secrets.iter().map(|secret| format!("{} injected -> {path}", secret.name)).collect();
        let told = format!(
            "{}\n\nUse it without reading it: source {path} && COMMAND\nThe file goes with the next get-secret, with byebye, or when this session ends.",
            injected.join("\n")
        );
        let names: Vec<&SecretName> = secrets.iter().map(|secret| &secret.name).collect();
        let mut result = text(&told);
        // Claude Code shows its model the structured content in place of the text, so the text stands there too,
        // on one line: a path that is followed by a space can be taken out of either.
        let message = told.split_whitespace().collect::<Vec<_>>().join(" ");
        result.structured_content = Some(json!({
            "message": message, "path": path, "names": names, "environment": environment.environment,
            "expires": "with the next get-secret, byebye, or the end of this session",
        }));
        Ok(result)
    }

    /// Everything that is decided before a command runs.
    fn prepare(&self, session: &mut Session, asked: &RunWithSecrets) -> Result<Prepared> {
        self.check_alive()?;
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
        let secrets = client.read_all(How::Run)?.secrets;
        let is_production = client.environment()?.names.production;
        let wanted = |secret: &&OpenedSecret| names.is_empty() || names.contains(&secret.name);
        let production =
            secrets.iter().filter(wanted).find(|secret| is_production || secret.meta.is_production());
        if let Some(secret) = production.filter(|_| !warned) {
            session.warned = true;
            return Ok(Prepared::Notice(production_warning(&secret.name)));
        }
        let (held, left_out) = ticket::hold(&secrets, &names)?;
        if profile.is_guarded()
            && let Some(why) = exec::mistrusted(&argv, &held)
        {
            return Err(Error::local(
                format!("not run, because {why}"),
                "run a program that was there, unchanged, when the session began; or ask the user to run it in their own terminal: securecode run -- …",
            ));
        }
        let sandboxed = (profile == Profile::Sandbox).then_some(self.start.as_path());
        let mut command = exec::alone(&argv, &held, true, sandboxed)?;
        command.current_dir(&self.start);
        let patience = Duration::from_secs(asked.timeout_seconds.unwrap_or(120).clamp(1, 600));
        let mut sessions = ticket::living();
        sessions.push(held);
        Ok(Prepared::Ready(Box::new(Ready { command, masker: masked(&sessions)?, patience, left_out })))
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

    fn check(&self, fix: bool) -> Result<CallToolResult> {
        let report = check::run(&self.start, None, fix)?;
        let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        let score = format!("{} of {} ({} profile)", report.passed, report.total, report.profile);
        let mut result = text(&format!("{}\n\n{score}", lines.join("\n")));
        // Not what changed in the files: they are the user's, and may hold what is no business of the model.
        let changed: Vec<&PathBuf> = report.changes.iter().map(|change| &change.path).collect();
        result.structured_content = Some(json!({
            "profile": report.profile, "passed": report.passed, "total": report.total,
            "findings": report.findings, "changed": changed,
        }));
        Ok(result)
    }

    fn check_alive(&self) -> Result<()> {
        match *self.injected.lock().unwrap_or_else(PoisonError::into_inner) {
            Injected::Ended => Err(ended()),
            _ => Ok(()),
        }
    }

    /// Replaces what the session's file holds; where it is.
    fn write(&self, key: &ApiKey, profile: Profile, secrets: &[OpenedSecret]) -> Result<PathBuf> {
        let mut injected = self.injected.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*injected, Injected::Nothing) {
            let file = SessionFile::begin(key)?;
            *injected = if profile.is_guarded() {
                Injected::Ticket(Office::open(file.path(), key)?, file)
            } else {
                Injected::Values(file)
            };
        }
        let secrets = secrets.iter().map(|secret| (&secret.name, &secret.value));
        let file = match &*injected {
            Injected::Values(file) => {
                file.write(&render(secrets))?;
                file
            }
            Injected::Ticket(office, file) => {
                file.write(office.issue(secrets)?.as_bytes())?;
                file
            }
            Injected::Nothing | Injected::Ended => return Err(ended()),
        };
        Ok(file.path().to_owned())
    }

    fn list(&self, session: &mut Session, asked: &ListSecrets) -> Result<CallToolResult> {
        self.check_alive()?;
        let open = self.open(session)?;
        let listed = open.client(asked.environment.as_deref())?.list()?;
        let lines: Vec<String> = listed
            .iter()
            .map(|one| {
                let tags: Vec<&str> = one.meta.tags().iter().map(Tag::as_str).collect();
                if tags.is_empty() {
                    one.name.to_string()
                } else {
                    format!("{} [{}]", one.name, tags.join(", "))
                }
            })
            .collect();
        let told = if lines.is_empty() { "There are no secrets yet.".to_owned() } else { lines.join("\n") };
        let mut result = text(&told);
        result.structured_content = Some(json!({
            "secrets": listed.iter().map(|one| json!({
                "name": one.name, "tags": one.meta.tags(), "version": one.version, "updated_at": one.updated_at,
            })).collect::<Vec<_>>(),
        }));
        Ok(result)
    }
}

impl Open {
    /// The client of the environment that is asked for, kept for the session.
    fn client(&mut self, environment: Option<&str>) -> Result<&Client> {
        let environment: Option<Label> = environment.map(parse).transpose()?;
        let known = self.clients.iter().position(|(name, _)| *name == environment);
        let position = match known {
            Some(position) => position,
            None => {
                let client = Client::new(&self.config, environment.clone()).at_least(self.least_version);
                self.clients.push((environment, client));
                self.clients.len() - 1
            }
        };
        self.clients.get(position).map(|(_, client)| client).ok_or_else(ended)
    }
}

impl Session {
    /// The session's first tip, once.
    fn welcome(&mut self) -> Option<CallToolResult> {
        (!std::mem::replace(&mut self.welcomed, true)).then(|| notice(WELCOME))
    }
}

/// What a call of run-with-secrets comes to.
enum Prepared {
    Notice(CallToolResult),
    Ready(Box<Ready>),
}

/// A command with its secrets, and what masks them.
struct Ready {
    command: Command,
    masker: masker::Masker,
    patience: Duration,
    left_out: Vec<SecretName>,
}

impl Ready {
    /// At most so many bytes of each output are answered: about as much as the agent takes of its own shell.
    const LIMIT: usize = 30_000;

    fn run(self) -> Result<CallToolResult> {
        let captured =
            guarded::capture(self.command, &self.masker, Self::LIMIT, self.patience).map_err(|error| {
                Error::local(format!("the command was not run: {error}"), "check the program's name and path")
            })?;
        let mut told = Vec::new();
        for name in &self.left_out {
            told.push(format!("{name} was left out: a variable of that name could take over a tool."));
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
            "left_out": self.left_out,
        }));
        Ok(result)
    }
}

/// What one call of get-secret asks for.
enum Wanted {
    Names(Vec<SecretName>),
    Tags(BTreeSet<Tag>),
}

impl Wanted {
    fn parse(asked: &GetSecret) -> Result<Self> {
        let wrong = |what: &str| Error::local(what.to_owned(), "give exactly one of name, names and tags");
        let wanted = match (&asked.name, &asked.names, &asked.tags) {
            (Some(name), None, None) => Self::Names(vec![parse(name)?]),
            (None, Some(names), None) if !names.is_empty() => {
                Self::Names(names.iter().map(|name| parse(name)).collect::<Result<_>>()?)
            }
            (None, None, Some(tags)) if !tags.is_empty() => {
                Self::Tags(tags.iter().map(|tag| parse(tag)).collect::<Result<_>>()?)
            }
            _ => return Err(wrong("it is not clear which secrets are asked for")),
        };
        match &wanted {
            Self::Names(names) if asked.reveal != Some(true) || names.len() == 1 => Ok(wanted),
            Self::Tags(_) if asked.reveal != Some(true) => Ok(wanted),
            _ => Err(wrong("reveal shows one secret, by its name")),
        }
    }

    fn read(&self, client: &Client, how: How) -> Result<Vec<OpenedSecret>> {
        let secrets = match self {
            Self::Names(names) => names
                .iter()
                .map(|name| {
                    names::check(name)?;
                    client.read(name, how)?.ok_or_else(|| {
                        Error::local(
                            format!("there is no secret {name}"),
                            "call list-secrets for the names there are",
                        )
                    })
                })
                .collect::<Result<Vec<_>>>()?,
            Self::Tags(tags) => {
                let all = client.read_all(how)?.secrets;
                let tagged =
                    all.into_iter().filter(|secret| secret.meta.tags().iter().any(|tag| tags.contains(tag)));
                let mut found = Vec::new();
                for secret in tagged {
                    names::check(&secret.name)?;
                    found.push(secret);
                }
                found
            }
        };
        if secrets.is_empty() {
            return Err(Error::local(
                "no secret has one of these tags",
                "call list-secrets for names and tags",
            ));
        }
        Ok(secrets)
    }
}

/// Parses what the agent wrote. The error does not quote it.
fn parse<T: std::str::FromStr<Err = protocol::ParseNameError>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: protocol::ParseNameError| Error::local(error.to_string(), "correct the name"))
}

fn ended() -> Error {
    Error::local("this session has ended", "start the MCP server again to use secrets")
}

fn revealed(secrets: &[OpenedSecret]) -> Result<CallToolResult> {
    let secret = secrets.first().ok_or_else(ended)?;
    let value = std::str::from_utf8(secret.value.expose()).map_err(|_| {
        Error::local(
            format!("{} is not text, so it cannot be shown here", secret.name),
            "inject it into a command instead",
        )
    })?;
    // Shown because a person asked for it, the key permits it, and the audit log says so.
    Ok(text(value))
}

fn production_warning(name: &SecretName) -> CallToolResult {
    notice(&format!(
        "Warning: You are accessing {name} which is tagged as PRODUCTION. Make sure this is intentional."
    ))
}

fn text(told: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(told)])
}

/// A tip that takes the place of the answer: the tool must be called again.
fn notice(told: &str) -> CallToolResult {
    let whole = format!("{told}\n\nNothing was done. Call the tool again to go on.");
    let mut result = text(&whole);
    result.structured_content = Some(json!({ "notice": whole }));
    result
}

/// The schema of a structured answer whose fields are all optional: a notice has others than a result.
fn output(properties: Value) -> Arc<JsonObject> {
    let schema = json!({ "type": "object", "properties": properties });
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}
