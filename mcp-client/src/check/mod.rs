//! `securecode check`: is this project, and this machine's agent, set up so that secrets stay out of the
//! conversation? With `--fix` everything that can be mended is.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

mod alive;
pub(crate) mod settings;

use crate::{
    config::{self, KeyConfig, PROJECT_FILE},
    environment::Client,
    error::{Error, Result},
    gitignore, guard, home,
    profile::Profile,
};
use protocol::body::How;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// A short name that stays the same.
    pub id: &'static str,
    /// What should hold.
    pub title: String,
    /// Whether it does.
    pub ok: bool,
    /// Whether it was mended just now.
    pub fixed: bool,
    /// What is wrong, and what to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match (self.ok, self.fixed) {
            (true, true) => "mended",
            (true, false) => "ok    ",
            (false, _) => "WRONG ",
        };
        write!(f, "{mark}  {}", self.title)?;
        match &self.detail {
            Some(detail) => write!(f, "\n        {}", detail.replace('\n', "\n        ")),
            None => Ok(()),
        }
    }
}

/// Everything that was looked at.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The profile that was checked for.
    pub profile: String,
    /// How many of the findings are good.
    pub passed: usize,
    /// How many there are.
    pub total: usize,
    /// Each.
    pub findings: Vec<Finding>,
    /// What was changed, as differences of the files' lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A file that was changed.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Which.
    pub path: PathBuf,
    /// Where what it held before was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<PathBuf>,
    /// What changed.
    pub diff: String,
}

/// The check of one project.
struct Check {
    folder: PathBuf,
    profile: Profile,
    fix: bool,
    findings: Vec<Finding>,
    changes: Vec<Change>,
}

const DENIED: [&str; 3] = ["Read(.securecoderc)", "Read(.env)", "Read(.env.*)"];
const DENIED_OURS: [&str; 2] = ["Read(~/.securecode/**)", "Edit(~/.securecode/**)"];

/// Files that are named like one with values, and hold none.
const DOTENV_EXAMPLES: [&str; 5] =
    ["./.env.example", "./.env.sample", "./.env.template", "./.env.dist", "./.env.defaults"];

/// Where in our folder this program has the names that the agent's settings use.
const BIN: &str = "bin";

const INSTRUCTION_MARK: &str = "<!-- securecode -->";
const INSTRUCTION: &str = "\
<!-- securecode -->
## Secrets

Secrets are kept by SecureCode; use its MCP tools for them. Never read `.env` files and never ask for a secret's value.
To run a command with secrets: call `get-secret` with their names, then run `source PATH && COMMAND` with the path it
answers. `list-secrets` shows which names there are. Do not print the file or the variables.
";

/// Looks at the project in `folder` or above, and mends it if asked to.
///
/// # Errors
/// When a file cannot be read, or is not of the form that its program wants.
pub fn run(folder: &Path, profile: Option<Profile>, fix: bool) -> Result<Report> {
    let current = Profile::of_this_machine()?;
    let profile = profile.unwrap_or(current);
    let root = config::find_upwards(folder).and_then(|path| path.parent().map(Path::to_owned));
    let mut check = Check {
        folder: root.unwrap_or_else(|| folder.to_owned()),
        profile,
        fix,
        findings: vec![],
        changes: vec![],
    };
    check.project_file()?;
    check.ignored()?;
    check.mcp_config()?;
    check.rules()?;
    check.instructions()?;
    if profile.is_guarded() {
        check.key_out_of_reach()?;
    }
    if fix && profile != current {
        profile.set()?;
    }
    check.machine()?;
    if profile.is_guarded() {
        check.guard_is_alive();
    }
    check.values_in_files();
    let passed = check.findings.iter().filter(|finding| finding.ok).count();
    Ok(Report {
        profile: profile.to_string(),
        passed,
        total: check.findings.len(),
        findings: check.findings,
        changes: check.changes,
    })
}

impl Check {
    fn found(&mut self, id: &'static str, title: impl Into<String>, problem: Option<String>) {
        self.findings.push(Finding {
            id,
            title: title.into(),
            ok: problem.is_none(),
            fixed: false,
            detail: problem,
        });
    }

    fn mended(&mut self, id: &'static str, title: &str, detail: Option<&str>) {
        let detail = detail.map(str::to_owned);
        self.findings.push(Finding { id, title: title.into(), ok: true, fixed: true, detail });
    }

    /// Notes whether a file is as it should be, or makes it so.
    fn file(
        &mut self,
        id: &'static str,
        title: &str,
        path: &Path,
        wanted: &str,
        problem: &str,
    ) -> Result<()> {
        let present = read(path)?;
        if present.as_deref() == Some(wanted) {
            self.found(id, title, None);
            return Ok(());
        }
        if !self.fix {
            self.found(id, title, Some(format!("{problem}; mend it: securecode check --fix")));
            return Ok(());
        }
        self.write(path, present.as_deref(), wanted)?;
        self.mended(id, title, None);
        Ok(())
    }

    fn write(&mut self, path: &Path, present: Option<&str>, wanted: &str) -> Result<()> {
        let backup = present.map(|text| keep(path, text)).transpose()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        }
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mode = fs::metadata(&target).map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        home::replace_file(&target, wanted.as_bytes(), mode)?;
        let diff = similar::TextDiff::from_lines(present.unwrap_or_default(), wanted);
        let diff = diff.unified_diff().context_radius(2).to_string();
        self.changes.push(Change { path: path.to_owned(), backup, diff });
        Ok(())
    }

    fn project_file(&mut self) -> Result<()> {
        let path = self.folder.join(PROJECT_FILE);
        let title = ".securecoderc is there, and only you can read it";
        if path.symlink_metadata().is_err() {
            let problem = "there is none here or above; run: securecode init".to_owned();
            let by_environment = std::env::var_os("SECURECODE_API_KEY").is_some();
            self.found("project-file", title, (!by_environment).then_some(problem));
            return Ok(());
        }
        let mode = fs::metadata(&path).map_err(|error| Error::io(&path, &error))?.permissions().mode();
        if mode & 0o077 == 0 {
            self.found("project-file", title, None);
        } else if self.fix {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
                .map_err(|error| Error::io(&path, &error))?;
            let rotate = "others could read it: if the machine has other users, rotate the key";
            self.mended("project-file", title, Some(rotate));
        } else {
            self.found(
                "project-file",
                title,
                Some(format!("others can read it; run: chmod 600 {}", path.display())),
            );
        }
        Ok(())
    }

    fn ignored(&mut self) -> Result<()> {
        let path = self.folder.join(".gitignore");
        let text = read(&path)?.unwrap_or_default();
        let mut wanted = vec![PROJECT_FILE];
        if self.mcp_holds_keys()? {
            wanted.push(".mcp.json");
        }
        let after = wanted.iter().fold(text, |text, name| gitignore::with(&text, name));
        self.file(
            "git-ignored",
            &format!("git ignores {}", wanted.join(" and ")),
            &path,
            &after,
            "a line is missing in .gitignore",
        )
    }

    /// Whether the project's MCP configuration holds a key, rather than a reference to a variable.
    fn mcp_holds_keys(&self) -> Result<bool> {
        let text = read(&self.folder.join(".mcp.json"))?.unwrap_or_default();
        Ok(holds_key(&text) || literal_environment(&settings::read(&text)))
    }

    fn mcp_config(&mut self) -> Result<()> {
        let path = self.folder.join(".mcp.json");
        let text = read(&path)?;
        let config = settings::read(text.as_deref().unwrap_or_default());
        let servers = config["mcpServers"].as_object();
        let is_ours = |server: &Value| {
            let words =
                std::iter::once(&server["command"]).chain(server["args"].as_array().into_iter().flatten());
            words.filter_map(Value::as_str).any(|word| word.rsplit('/').next() == Some("securecode"))
        };
        let present = servers.is_some_and(|servers| {
            servers.iter().any(|(name, server)| name == "securecode" || is_ours(server))
        });
        let wanted = if present {
            text.clone().unwrap_or_default()
        } else {
            let server = json!({ "mcpServers": { "securecode": { "type": "stdio", "command": "securecode", "args": ["mcp"] } } });
            settings::ensure(&path, text.as_deref().unwrap_or_default(), &server, &|_| false)?
        };
        self.file("mcp-server", "the agent's .mcp.json starts SecureCode", &path, &wanted, "it does not")?;
        let holds = self.mcp_holds_keys()?;
        self.found("mcp-keys", ".mcp.json holds ${VARIABLES} rather than values", holds.then(|| {
            "it has an environment value written out; replace it by a reference such as \"${SECURECODE_API_KEY}\"".to_owned()
        }));
        Ok(())
    }

    fn rules(&mut self) -> Result<()> {
        let path = self.folder.join(".claude").join("settings.json");
        let text = read(&path)?.unwrap_or_default();
        let denied: Vec<&str> = DENIED.into_iter().chain(DENIED_OURS).collect();
        let mut wanted = json!({ "permissions": { "deny": denied } });
        if self.profile == Profile::Sandbox {
            // The agent's sandbox makes each file of a rule unreadable, and git trips over one that it tracks.
            wanted["sandbox"] = json!({ "filesystem": { "allowRead": DOTENV_EXAMPLES } });
        }
        let after = settings::ensure(&path, &text, &wanted, &|_| false)?;
        self.file(
            "deny-rules",
            "the agent's own file tools may not read .securecoderc, .env files and ~/.securecode",
            &path,
            &after,
            "permissions.deny lacks rules",
        )
    }

    fn instructions(&mut self) -> Result<()> {
        let path = self.folder.join("CLAUDE.md");
        let text = read(&path)?.unwrap_or_default();
        let told = text.contains(INSTRUCTION_MARK)
            || (text.contains("get-secret") && text.to_lowercase().contains("mcp"));
        let after = match (told, text.is_empty()) {
            (true, _) => text,
            (false, true) => INSTRUCTION.to_owned(),
            (false, false) => format!("{}\n\n{INSTRUCTION}", text.trim_end()),
        };
        self.file(
            "instructions",
            "CLAUDE.md tells the agent to use SecureCode's tools",
            &path,
            &after,
            "it says nothing of them",
        )
    }

    fn key_out_of_reach(&mut self) -> Result<()> {
        let title = "the API key lies out of the project, with a reference in .securecoderc";
        let path = self.folder.join(PROJECT_FILE);
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        if !KeyConfig::has_key_inside(&path)? {
            self.found("key-place", title, None);
            return Ok(());
        }
        if !self.fix {
            self.found(
                "key-place",
                title,
                Some("the agent can read the key in .securecoderc; mend it: securecode check --fix".into()),
            );
            return Ok(());
        }
        let config = KeyConfig::read_project_file(&path)?;
        let reference = config.move_key_out(&path)?;
        self.changes.push(Change {
            path,
            backup: None,
            diff: format!("-api_key = …\n+key = \"{reference}\"\n"),
        });
        self.mended("key-place", title, None);
        Ok(())
    }

    /// What holds for every project of this machine's person: hooks, prefix, sandbox.
    fn machine(&mut self) -> Result<()> {
        let profile = Profile::of_this_machine()?;
        let title = format!("this machine's profile is {}", self.profile);
        self.found(
            "profile",
            title,
            (profile != self.profile)
                .then(|| format!("it is {profile}; run: securecode check --fix --profile {}", self.profile)),
        );
        if !self.profile.is_guarded() {
            return Ok(());
        }
        let path = agent_settings()?;
        let text = read(&path)?.unwrap_or_default();
        if self.fix {
            install_links()?;
        }
        let wanted = self.wanted_settings()?;
        let after = settings::ensure(&path, &text, &wanted, &is_outdated_hook)?;
        self.file(
            "guard-installed",
            "the guard is installed in the agent's settings",
            &path,
            &after,
            "hooks or settings of the guard are missing",
        )
    }

    fn wanted_settings(&self) -> Result<Value> {
        let bin = home::folder()?.join(BIN);
        let guard = format!("{} guard", shell_word(&bin.join("securecode").to_string_lossy()));
        let hook = |matcher: &str| json!({ "matcher": matcher, "hooks": [{ "type": "command", "command": guard, "timeout": 60 }] });
        let denied: Vec<String> =
            DENIED.iter().chain(&DENIED_OURS).map(|rule| (*rule).to_owned()).chain(own_rules()?).collect();
        let mut wanted = json!({
            "permissions": { "deny": denied },
            "hooks": {
                "PreToolUse": [hook("Bash|Read|Grep|Glob|Edit|MultiEdit|Write|NotebookEdit|NotebookRead")],
                "PostToolUse": [hook("*")],
            },
        });
        let excluded: Vec<String> = guard::hook::LET_OUT
            .iter()
            .flat_map(|verb| [format!("securecode {verb}"), format!("securecode {verb} *")])
            .collect();
        let add = match self.profile {
            Profile::Guard => json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": bin.join(guard::shell::NAME) } }),
            Profile::Sandbox => json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": null }, "sandbox": {
                "filesystem": { "allowWrite": ["/tmp", "/var/tmp"] },
                "enabled": true, "failIfUnavailable": true, "allowUnsandboxedCommands": false,
                "excludedCommands": excluded,
                "credentials": { "envVars": [
                    { "name": "SECURECODE_API_KEY", "mode": "deny" }, { "name": "SECURECODE_PASSPHRASE", "mode": "deny" },
                ] },
            }}),
            Profile::Plain => json!({}),
        };
        if let (Some(wanted), Some(add)) = (wanted.as_object_mut(), add.as_object()) {
            wanted.extend(add.clone());
        }
        Ok(wanted)
    }

    fn guard_is_alive(&mut self) {
        let title = "the guard is alive: a canary went through it, as installed, and did not come out";
        let problem = agent_settings().and_then(|path| read(&path)).and_then(|text| {
            alive::prove(&settings::read(&text.unwrap_or_default()), &self.folder, self.profile)
        });
        self.found("guard-alive", title, problem.err().map(|error| error.to_string()));
    }

    /// Values of the vault in tracked files, in git's history, and in MCP configuration.
    fn values_in_files(&mut self) {
        let title =
            "no secret's value stands in a tracked file, in the last 500 commits, or in MCP configuration";
        match self.search() {
            Ok(found) if found.is_empty() => self.found("no-values-in-files", title, None),
            Ok(found) => self.found(
                "no-values-in-files",
                title,
                Some(format!("{}; take it out and rotate that secret", found.join("; "))),
            ),
            Err(error) => {
                self.found("no-values-in-files", title, Some(format!("it could not be looked for: {error}")))
            }
        }
    }

    fn search(&self) -> Result<Vec<String>> {
        let config = KeyConfig::find(&self.folder, None)?;
        let contents = Client::new(&config, None).read_all(How::Run)?;
        let strong = contents.secrets.iter().filter(|secret| !masker::is_weak(secret.value.expose()));
        let masker = masker::Masker::new(strong.map(|secret| (secret.name.as_str(), secret.value.expose())))
            .map_err(|error| Error::local(error.to_string(), "search for them by hand"))?;
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(&self.folder).args(arguments).output().ok();
            output.filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default()
        };
        let mut found = Vec::new();
        let tracked = git(&["ls-files", "-z"]);
        let names = String::from_utf8_lossy(&tracked);
        for name in names.split('\0').filter(|name| !name.is_empty()).chain([".mcp.json"]) {
            let path = self.folder.join(name);
            if fs::metadata(&path).is_ok_and(|metadata| metadata.len() < 8 << 20) {
                let names = masker.find(&fs::read(path).unwrap_or_default());
                if !names.is_empty() {
                    found.push(format!("{name} holds {}", names.join(", ")));
                }
            }
        }
        let history =
            git(&["log", "--all", "-n", "500", "-p", "--no-color", "--no-ext-diff", "--no-textconv"]);
        let names = masker.find(&history);
        if !names.is_empty() {
            found.push(format!("git's history holds {}", names.join(", ")));
        }
        Ok(found)
    }
}

/// Whether an API key stands in a text.
fn holds_key(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|word| word.parse::<sealing::ApiKey>().is_ok())
}

/// Whether a variable that sounds like a secret is written out for an MCP server.
fn literal_environment(config: &Value) -> bool {
    let servers = config["mcpServers"].as_object().into_iter().flatten();
    servers.flat_map(|(_, server)| server["env"].as_object().into_iter().flatten()).any(|(name, value)| {
        let sounds = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSPHRASE"]
            .iter()
            .any(|word| name.to_uppercase().contains(word));
        sounds && value.as_str().is_some_and(|value| !value.is_empty() && !value.starts_with("${"))
    })
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, &error)),
    }
}

/// Keeps what a file held before it is changed.
fn keep(path: &Path, text: &str) -> Result<PathBuf> {
    let folder = home::make_folder("backups")?;
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let backup = folder.join(format!("{seconds}-{}-{name}", std::process::id()));
    home::replace_private_file(&backup, text.as_bytes())?;
    Ok(backup)
}

/// The agent's settings for this person.
fn agent_settings() -> Result<PathBuf> {
    settings::folder()
        .map(|folder| folder.join("settings.json"))
        .ok_or_else(|| Error::local("HOME is not set", "set HOME"))
}

/// Rules for a `SECURECODE_HOME` that is not the usual one.
fn own_rules() -> Result<Vec<String>> {
    let folder = home::folder()?;
    let usual = std::env::home_dir().map(|home| home.join(".securecode"));
    if usual.as_ref() == Some(&folder) {
        return Ok(vec![]);
    }
    Ok(vec![format!("Read(/{}/**)", folder.display()), format!("Edit(/{}/**)", folder.display())])
}

/// A hook of an earlier installation of ours.
fn is_outdated_hook(value: &Value) -> bool {
    let hooks = value["hooks"].as_array().into_iter().flatten();
    hooks
        .filter_map(|hook| hook["command"].as_str())
        .any(|command| command.contains("securecode") && command.ends_with(" guard"))
}

fn shell_word(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)) {
        text.to_owned()
    } else {
        guard::line::quote(text)
    }
}

fn install_links() -> Result<()> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let program = program.map_err(|error| {
        Error::local(format!("this program does not know where it is: {error}"), "run it by its path")
    })?;
    let folder = home::make_folder(BIN)?;
    // A rule for a folder that is not there yet would not hold for its first moment.
    home::make_private_folder(&home::session_folder()?)?;
    for name in ["securecode", guard::shell::NAME] {
        let link = folder.join(name);
        if fs::read_link(&link).is_ok_and(|target| target == program) {
            continue;
        }
        let beside = folder.join(format!("{name}.{}.tmp", std::process::id()));
        let _ = fs::remove_file(&beside);
        std::os::unix::fs::symlink(&program, &beside)
            .and_then(|()| fs::rename(&beside, &link))
            .map_err(|error| Error::io(&link, &error))?;
    }
    Ok(())
}
