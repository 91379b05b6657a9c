//! The MCP server: what a coding agent may ask for. A value goes into the session's file; the agent is told
//! the path. No answer, error or log line holds a value, save one that was asked for by `reveal`.
//!
//! A session here is the process, never the protocol's handshake: the newer life of MCP has none.

use crate::{
    config::KeyConfig,
    environment::Client,
    error::{Error, Result},
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
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
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
        self.within(move |server, session| server.get(session, &asked)).await
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
        self.within(move |server, session| server.list(session, &asked)).await
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
    /// Runs one tool's work off the protocol's thread, one at a time.
    async fn within(
        &self,
        work: impl FnOnce(&Self, &mut Session) -> Result<CallToolResult> + Send + 'static,
    ) -> CallToolResult {
        let server = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let session = server.session.clone();
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            work(&server, &mut session)
        });
        match done.await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
            Err(_) => {
                CallToolResult::error(vec![ContentBlock::text("the tool failed; nothing was injected")])
            }
        }
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
        if !session.welcomed {
            session.welcomed = true;
            return Ok(notice(WELCOME));
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
                let warning = format!(
                    "Warning: You are accessing {} which is tagged as PRODUCTION. Make sure this is intentional.",
                    secret.name
                );
                session.warned = true;
                return Ok(notice(&warning));
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

fn text(told: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(told)])
}

/// A tip that takes the place of the answer: the tool must be called again.
fn notice(told: &str) -> CallToolResult {
    let whole = format!("{told}\n\nNothing was injected. Call the tool again to go on.");
    let mut result = text(&whole);
    result.structured_content = Some(json!({ "notice": whole }));
    result
}

/// The schema of a structured answer whose fields are all optional: a notice has others than a result.
fn output(properties: Value) -> Arc<JsonObject> {
    let schema = json!({ "type": "object", "properties": properties });
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}
