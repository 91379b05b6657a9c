//! The MCP server: what a coding agent may ask for. A value goes into the session's file; the agent is told
//! the path. No answer, error or log line holds a value, save one that was asked for by `reveal`.
//!
//! A session here is the process, never the protocol's handshake: the newer life of MCP has none.

mod asking;
mod changes;
mod inject;
mod log;
mod progress;
mod run;
mod session;
mod setup;
mod sleep;
mod transport;
mod typing;

use crate::{
    check,
    config::KeyConfig,
    error::{Error, Result},
    pairing::Pairing,
    session_file::sweep_left_behind,
    ticket,
};
use asking::Outcome;
use changes::{DeleteSecret, GenerateSecret, ImportEnv};
use inject::GetSecret;
use log::AuditLog;
use protocol::{SecretName, Tag};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    handler::server::{
        tool::{InputResponses, RequestState, ToolCallContext},
        wrapper::Parameters,
    },
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, JsonObject,
        ServerCapabilities, ServerConfig,
    },
    schemars::{self, JsonSchema},
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use run::{Prepared, RunWithSecrets};
use sealing::{EnvironmentNames, OpenedSecret};
use serde::Deserialize;
use serde_json::{Value, json};
use session::{Injected, Open, Session, end};
use sleep::WakeSession;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use transport::Lines;
use typing::SetSecret;

const INSTRUCTIONS: &str = "\
SecureCode keeps this project's secrets. Never ask for a secret's value in the conversation, and never read .env \
files. To use secrets: call get-secret with their names; it answers a file path; then run your command as \
`source PATH && COMMAND`, which sees the secrets as environment variables. Do not print the file or the variables. \
list-secrets shows the names there are; generate-secret, set-secret and import-env store new ones without showing them. Call byebye when the work with secrets is done.";

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
        pairing: Arc::default(),
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
            let running = server.serve(Lines::of_this_process()).await.map_err(std::io::Error::other)?;
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
        // The library's words may quote what it was sent.
        Err(_) => Err(Error::local("the MCP session failed: its input or output broke", "start it again")),
    }
}

#[derive(Clone)]
struct Server {
    session: Arc<Mutex<Session>>,
    injected: Arc<Mutex<Injected>>,
    /// While nobody has approved it.
    pairing: Arc<Mutex<Option<Pairing>>>,
    vault_url: Option<String>,
    least_version: u64,
    start: PathBuf,
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
        name = "setup",
        title = "Set up this project",
        description = "Gets this project a key: opens a page in the person's browser, where they compare words and \
            approve. For a project without .securecoderc; nothing is shown here but that it is done.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn setup(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.within(move |server| server.set_up()).await
    }

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
    async fn get_secret(
        &self,
        Parameters(asked): Parameters<GetSecret>,
        context: RequestContext<RoleServer>,
        state: RequestState,
        responses: InputResponses,
    ) -> CallToolResponse {
        let asked = Arc::new(asked);
        self.asking((context, state, responses), move |server| server.get(&mut server.session(), &asked))
            .await
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
    async fn run_with_secrets(
        &self,
        Parameters(asked): Parameters<RunWithSecrets>,
        context: RequestContext<RoleServer>,
        state: RequestState,
        responses: InputResponses,
    ) -> CallToolResponse {
        let asked = Arc::new(asked);
        let cancelled = context.ct.clone();
        self.asking((context, state, responses), move |server| {
            // The session is free again while the command runs.
            let prepared = server.prepare(&mut server.session(), &asked)?;
            match prepared {
                Prepared::Notice(notice) => Ok(Outcome::Done(notice)),
                Prepared::Ask(question) => Ok(Outcome::Ask(question)),
                Prepared::Ready(ready) => ready.run(&|| cancelled.is_cancelled()).map(Outcome::Done),
            }
        })
        .await
    }

    #[tool(
        name = "generate-secret",
        title = "Generate a secret",
        description = "Stores a secret whose value is generated here and shown to nobody. With replace, renews one that is there.",
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = false, open_world_hint = true),
        output_schema = output(json!({
            "name": { "type": "string", "description": "What was stored." },
            "new": { "type": "boolean", "description": "Whether there was none of that name." },
        }))
    )]
    async fn generate_secret(&self, Parameters(asked): Parameters<GenerateSecret>) -> CallToolResult {
        self.within(move |server| server.generate(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "set-secret",
        title = "Have a secret typed",
        description = "Asks the user to type a secret's value in the vault's dashboard, for a new secret or one that is there. \
            The value is not shown here, and is not to be asked for here.",
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = true),
        output_schema = output(json!({
            "name": { "type": "string", "description": "Which." },
            "page": { "type": "string", "description": "Where the user types it." },
            "opened": { "type": "boolean", "description": "Whether the user was shown the page; if not, tell them its address." },
            "version": { "type": ["integer", "null"], "description": "The version there is now; null for none." },
        }))
    )]
    async fn set_secret(
        &self,
        Parameters(asked): Parameters<SetSecret>,
        context: RequestContext<RoleServer>,
        InputResponses(responses): InputResponses,
    ) -> CallToolResponse {
        let answered = self.have_typed(asked, context, responses).await;
        answered.unwrap_or_else(|error| asking::failure(&error))
    }

    #[tool(
        name = "import-env",
        title = "Import a .env file",
        description = "Stores what a .env file assigns. The server reads the file; the answer has names only. \
            Without partial, a bad line or a full plan stores nothing.",
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = true),
        output_schema = output(json!({
            "stored": { "type": "array", "items": { "type": "string" }, "description": "New." },
            "changed": { "type": "array", "items": { "type": "string" }, "description": "With another value now." },
            "same": { "type": "array", "items": { "type": "string" }, "description": "As they were." },
            "refused": { "type": "array", "items": { "type": "string" }, "description": "Lines that were not taken, and why." },
            "no_room": { "type": "array", "items": { "type": "string" }, "description": "What the plan has no room for." },
            "dry_run": { "type": "boolean", "description": "Whether nothing was to be stored." },
        }))
    )]
    async fn import_env(&self, Parameters(asked): Parameters<ImportEnv>) -> CallToolResult {
        self.within(move |server| server.import(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "delete-secret",
        title = "Delete a secret",
        description = "Deletes a secret. For 30 days the user can have it back.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = false,
            open_world_hint = true
        )
    )]
    async fn delete_secret(&self, Parameters(asked): Parameters<DeleteSecret>) -> CallToolResult {
        self.within(move |server| server.delete(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "audit-log",
        title = "Show the audit log",
        description = "Lists who asked for which secrets, newest first: times, names, results. No values.",
        annotations(read_only_hint = true, open_world_hint = true),
        output_schema = output(json!({
            "rows": { "type": "array", "items": { "type": "object" }, "description": "Newest first." },
        }))
    )]
    async fn audit_log(&self, Parameters(asked): Parameters<AuditLog>) -> CallToolResult {
        self.within(move |server| server.log(&mut server.session(), &asked)).await
    }

    #[tool(
        name = "status",
        title = "Show this session",
        description = "Says whether secrets may be had in this session, for which project, and what is injected. Asks nobody.",
        annotations(read_only_hint = true, open_world_hint = false),
        output_schema = output(json!({
            "session": { "type": "string", "enum": ["awake", "asleep", "ended"] },
            "profile": { "type": "string" },
            "key": { "type": "boolean", "description": "Whether a key was found." },
            "project": { "type": ["string", "null"] },
            "environment": { "type": ["string", "null"] },
            "injected": { "type": "array", "items": { "type": "string" }, "description": "Names." },
            "awake_for": { "type": ["array", "null"], "items": { "type": "string" }, "description": "Tags; null for all." },
            "minutes_left": { "type": ["integer", "null"], "description": "Until it sleeps; null for no end." },
        }))
    )]
    async fn status(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.within(move |server| server.show_status(&mut server.session())).await
    }

    #[tool(
        name = "sleep-session",
        title = "Let the session sleep",
        description = "Deletes the injected file; no secret is handed out until wake-session.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn sleep_session(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.within(move |server| server.sleep(&mut server.session())).await
    }

    #[tool(
        name = "wake-session",
        title = "Wake the session",
        description = "Lets secrets be had again: all, or only those with some tags; for some minutes, or until it is to sleep.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn wake_session(&self, Parameters(asked): Parameters<WakeSession>) -> CallToolResult {
        self.within(move |server| server.wake(&mut server.session(), &asked)).await
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
        self.within(move |server| Ok(server.say_byebye())).await
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

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let tools = Self::tool_router();
        let work = tools.call(ToolCallContext::new(self, request, context.clone()));
        progress::while_at_work(&context, work).await
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

    fn check(&self, fix: bool) -> Result<CallToolResult> {
        let report = check::run(&self.start, None, fix)?;
        let lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        let mut result = text(&format!("{}\n\n{}", lines.join("\n"), report.score()));
        // Not what changed in the files: they are the user's, and may hold what is no business of the model.
        let changed: Vec<&PathBuf> = report.changes.iter().map(|change| &change.path).collect();
        result.structured_content = Some(json!({
            "profile": report.profile, "passed": report.passed, "total": report.total,
            "findings": report.findings, "changed": changed,
        }));
        Ok(result)
    }

    /// That the session is over, and what of its secrets the conversation holds.
    fn say_byebye(&self) -> CallToolResult {
        const ENDED: &str = "Session ended: injected files are deleted, and get-secret is refused until the server is started again.";
        // Who used no secret has shown none, and nothing is asked of the vault.
        if self.session().open.is_none() {
            return text(ENDED);
        }
        let found = match check::leaked(&self.start) {
            Ok(leaks) if leaks.is_empty() => "No secret's value stands in the transcripts of this project.".to_owned(),
            Ok(leaks) => format!(
                "Values stand in the transcripts of this project and were sent to the model's provider. Tell the user to \
                 change these secrets: {}.",
                leaks.iter().map(|leak| leak.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
            Err(_) => "Whether values stand in the transcripts could not be looked for; the user can run: securecode check".to_owned(),
        };
        text(&format!("{ENDED} {found}"))
    }

    fn check_alive(&self) -> Result<()> {
        match *self.injected.lock().unwrap_or_else(PoisonError::into_inner) {
            Injected::Ended => Err(ended()),
            _ => Ok(()),
        }
    }

    fn list(&self, session: &mut Session, asked: &ListSecrets) -> Result<CallToolResult> {
        self.check_awake(session)?;
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

/// Parses what the agent wrote. The error does not quote it.
fn parse<T: std::str::FromStr<Err = protocol::ParseNameError>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: protocol::ParseNameError| Error::local(error.to_string(), "correct the name"))
}

fn ended() -> Error {
    Error::local("this session has ended", "start the MCP server again to use secrets")
}

/// Whether a secret is for production: by its environment, its tag, or what its owner laid down.
fn is_production(environment: &EnvironmentNames, secret: &OpenedSecret) -> bool {
    environment.production || secret.meta.is_production() || secret.policy.production
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
