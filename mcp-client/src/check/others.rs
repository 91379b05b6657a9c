//! Agents other than Claude Code: how each is told to start our server, and what its own configuration gives away.
//!
//! No hook of ours stands in their way and no shell of theirs is guarded, so what is good here is less than what is
//! good there; `docs/agents.md` says what holds, and has the same snippets. Files and settings are as the agents'
//! documentation has them (November 2026); Codex 0.169.0 and Gemini CLI 0.61.0 were also asked.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{Check, project, read};
use crate::{
    error::Result,
    guard::{judge::is_dotenv, rules::glob},
};
use clap::ValueEnum;
use jsonc_parser::{ParseOptions, cst::CstRootNode};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// An agent that speaks MCP, and is not guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Agent {
    /// Cursor.
    Cursor,
    /// Codex CLI and its extension.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// Visual Studio Code with Copilot.
    Vscode,
    /// Zed.
    Zed,
}

impl Agent {
    /// What its makers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cursor => "Cursor",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Vscode => "VS Code",
            Self::Zed => "Zed",
        }
    }

    /// What its configuration must hold to start our server.
    pub fn snippet(self) -> &'static str {
        match self {
            Self::Cursor => include_str!("snippets/cursor.json"),
            Self::Codex => include_str!("snippets/codex.toml"),
            Self::Gemini => include_str!("snippets/gemini.json"),
            Self::Vscode => include_str!("snippets/vscode.json"),
            Self::Zed => include_str!("snippets/zed.json"),
        }
    }

    /// Where the snippet belongs.
    pub fn place(self) -> &'static str {
        match self {
            Self::Cursor => ".cursor/mcp.json in the project",
            Self::Codex => "~/.codex/config.toml, or .codex/config.toml in a project that Codex trusts",
            Self::Gemini => {
                "~/.gemini/settings.json, or .gemini/settings.json in a folder that Gemini trusts"
            }
            Self::Vscode => ".vscode/mcp.json in the project",
            Self::Zed => "~/.config/zed/settings.json, or .zed/settings.json in the project",
        }
    }

    /// The files that name its servers, where they are: the project's, then the person's.
    fn configuration(self, project: &Path) -> Vec<PathBuf> {
        let own = match self {
            Self::Cursor => ".cursor/mcp.json",
            Self::Codex => ".codex/config.toml",
            Self::Gemini => ".gemini/settings.json",
            Self::Vscode => ".vscode/mcp.json",
            Self::Zed => ".zed/settings.json",
        };
        let persons = match self {
            Self::Vscode => code_folder().map(|folder| folder.join("mcp.json")),
            Self::Zed => config_folder().map(|folder| folder.join("zed").join("settings.json")),
            Self::Codex => codex_folder().map(|folder| folder.join("config.toml")),
            Self::Cursor | Self::Gemini => std::env::home_dir().map(|home| home.join(own)),
        };
        present(std::iter::once(project.join(own)).chain(persons))
    }

    /// The files that say what it may do unasked.
    fn permissions(self, project: &Path) -> Vec<PathBuf> {
        match self {
            Self::Cursor => {
                let folders = std::iter::once(project.to_owned()).chain(std::env::home_dir());
                present(folders.map(|folder| folder.join(".cursor").join("permissions.json")))
            }
            Self::Vscode => {
                let own = project.join(".vscode").join("settings.json");
                present(std::iter::once(own).chain(code_folder().map(|folder| folder.join("settings.json"))))
            }
            _ => self.configuration(project),
        }
    }

    /// Where its configuration has the servers.
    fn servers(self) -> &'static str {
        match self {
            Self::Cursor | Self::Gemini => "mcpServers",
            Self::Codex => "mcp_servers",
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
        }
    }

    /// The files that keep its own file tools from others.
    fn ignore_files(self) -> &'static [&'static str] {
        match self {
            Self::Cursor => &[".cursorignore", ".gitignore"],
            Self::Gemini => &[".geminiignore", ".gitignore"],
            Self::Codex | Self::Vscode | Self::Zed => &[],
        }
    }

    /// Whether settings are of the agent at all: Zed's are an editor's, too.
    fn is_used(self, config: &Value) -> bool {
        self != Self::Zed || config.get("agent").is_some() || config.get("context_servers").is_some()
    }

    /// The setting by which it asks nobody before it runs commands, or calls our tools.
    fn unasked(self, settings: &Value) -> Option<&'static str> {
        let ours = our_server(&settings[self.servers()]);
        let lists = |list: &str, wide: &[&str]| {
            let entries = settings[list].as_array().into_iter().flatten().filter_map(Value::as_str);
            entries.into_iter().any(|entry| wide.contains(&entry))
        };
        let found = match self {
            Self::Cursor => [
                ("mcpAllowlist", lists("mcpAllowlist", &["*", "*:*", "securecode:*"])),
                ("terminalAllowlist", lists("terminalAllowlist", &["*"])),
            ],
            Self::Codex => [
                (
                    "approval_policy = \"never\" with sandbox_mode = \"danger-full-access\"",
                    settings["approval_policy"] == json!("never")
                        && settings["sandbox_mode"] == json!("danger-full-access"),
                ),
                (
                    "default_tools_approval_mode = \"approve\"",
                    ours.is_some_and(|ours| ours["default_tools_approval_mode"] == json!("approve")),
                ),
            ],
            Self::Gemini => [
                ("trust", ours.is_some_and(|ours| ours["trust"] == json!(true))),
                (
                    "tools.allowed with run_shell_command",
                    settings["tools"]["allowed"].as_array().is_some_and(|allowed| {
                        allowed.contains(&json!("run_shell_command")) || allowed.contains(&json!("ShellTool"))
                    }),
                ),
            ],
            Self::Vscode => [
                ("chat.tools.global.autoApprove", settings["chat.tools.global.autoApprove"] == json!(true)),
                ("chat.tools.autoApprove", settings["chat.tools.autoApprove"] == json!(true)),
            ],
            Self::Zed => [
                (
                    "agent.tool_permissions.default",
                    settings["agent"]["tool_permissions"]["default"] == json!("allow"),
                ),
                (
                    "agent.always_allow_tool_actions",
                    settings["agent"]["always_allow_tool_actions"] == json!(true),
                ),
            ],
        };
        found.into_iter().find_map(|(name, found)| found.then_some(name))
    }
}

/// The configuration files of every agent that are there, for what else looks into them.
pub(super) fn configuration(project: &Path) -> Vec<PathBuf> {
    Agent::value_variants().iter().flat_map(|agent| agent.configuration(project)).collect()
}

impl Check {
    /// What other agents are told, if they are used here.
    pub(super) fn other_agents(&mut self) -> Result<()> {
        for agent in Agent::value_variants() {
            self.other_agent(*agent)?;
        }
        Ok(())
    }

    fn other_agent(&mut self, agent: Agent) -> Result<()> {
        let name = agent.name();
        let (mut configs, mut keys, mut unasked) = (vec![], vec![], vec![]);
        for path in agent.configuration(&self.folder) {
            let text = read(&path)?.unwrap_or_default();
            let Some(config) = parse(&path, &text) else {
                self.found(
                    ids(agent)[0],
                    format!("{name} starts SecureCode"),
                    Some(format!("{} cannot be read; mend it", path.display())),
                );
                self.unguarded.push(name);
                return Ok(());
            };
            if agent.is_used(&config) {
                if project::holds_key(&text) || holds_values(&config[agent.servers()]) {
                    keys.push(path.display().to_string());
                }
                configs.push((path, config));
            }
        }
        if configs.is_empty() {
            return Ok(());
        }
        self.unguarded.push(name);
        for path in agent.permissions(&self.folder) {
            let permissions = parse(&path, &read(&path)?.unwrap_or_default()).unwrap_or_default();
            unasked.extend(agent.unasked(&permissions).map(|what| format!("{what} in {}", path.display())));
        }
        let [server, held, asks, dotenv] = ids(agent);
        // Who has the agent for other projects need not have it start our server.
        if configs.iter().any(|(path, config)| path.starts_with(&self.folder) || has_ours(config)) {
            self.found(server, format!("{name} starts SecureCode"), wrong_server(agent, &configs));
        }
        let advice =
            "take the value out (it is as public as that file), name a variable instead, and change it";
        self.found(
            held,
            format!("{name}'s configuration holds no key or token"),
            (!keys.is_empty()).then(|| format!("{} does; {advice}", keys.join(" and "))),
        );
        self.found(
            asks,
            format!("{name} asks before it runs commands or SecureCode's tools"),
            (!unasked.is_empty()).then(|| {
                format!("it does not: {}; nothing else of ours stands in its way", unasked.join(", "))
            }),
        );
        let read = unignored(&self.folder, agent.ignore_files());
        let remedy = match agent.ignore_files().first() {
            Some(file) => format!("name it in {file}; better: securecode import it, and delete it"),
            None => format!("{name} has no file that keeps it out; securecode import it, and delete it"),
        };
        self.found(
            dotenv,
            format!("no .env file lies open to {name}"),
            (!read.is_empty()).then(|| format!("{} does; {remedy}", read.join(", "))),
        );
        Ok(())
    }
}

/// The findings' names, which stay the same.
fn ids(agent: Agent) -> [&'static str; 4] {
    match agent {
        Agent::Cursor => ["cursor-server", "cursor-keys", "cursor-asks", "cursor-dotenv"],
        Agent::Codex => ["codex-server", "codex-keys", "codex-asks", "codex-dotenv"],
        Agent::Gemini => ["gemini-server", "gemini-keys", "gemini-asks", "gemini-dotenv"],
        Agent::Vscode => ["vscode-server", "vscode-keys", "vscode-asks", "vscode-dotenv"],
        Agent::Zed => ["zed-server", "zed-keys", "zed-asks", "zed-dotenv"],
    }
}

/// What keeps an agent from starting our server as it should.
fn wrong_server(agent: Agent, configs: &[(PathBuf, Value)]) -> Option<String> {
    let found = configs.iter().find_map(|(path, config)| Some((path, our_server(&config[agent.servers()])?)));
    let Some((path, server)) = found else {
        // The most common mistake: the name that other agents have for it.
        return Some(match configs.iter().find(|(_, config)| has_ours(config)) {
            Some((path, _)) => format!(
                "{} has it where {} does not look: it belongs under {}",
                path.display(),
                agent.name(),
                agent.servers()
            ),
            None => format!(
                "it does not; `securecode snippet {}` prints what to add to {}",
                agent.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default(),
                agent.place()
            ),
        });
    };
    let off = server["disabled"] == json!(true) || server["enabled"] == json!(false);
    if off {
        return Some(format!("{} has it switched off", path.display()));
    }
    if server["args"] != json!(["mcp"]) {
        return Some(format!("{} does not give it the argument \"mcp\" alone", path.display()));
    }
    let command = server["command"].as_str().unwrap_or_default();
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let there = Path::new(command).is_file()
        || std::env::split_paths(&folders).any(|folder| folder.join(command).is_file());
    (!there).then(|| {
        format!("{} starts {command}, which is not there or not on PATH; install it", path.display())
    })
}

/// Whether our server is in a configuration, under whichever agent's word for servers.
fn has_ours(config: &Value) -> bool {
    Agent::value_variants().iter().any(|agent| our_server(&config[agent.servers()]).is_some())
}

/// Our server in a table of servers: by its name, or by what it starts.
fn our_server(servers: &Value) -> Option<&Value> {
    let servers = servers.as_object()?;
    servers.get("securecode").or_else(|| {
        servers.values().find(|server| {
            server["command"].as_str().is_some_and(|command| command.rsplit('/').next() == Some("securecode"))
        })
    })
}

/// Whether a server is given something written out that sounds like a secret, in its environment or its headers.
fn holds_values(servers: &Value) -> bool {
    let servers = servers.as_object().into_iter().flatten();
    let tables = servers.flat_map(|(_, server)| {
        ["env", "headers", "http_headers"].map(|table| server[table].as_object().into_iter().flatten())
    });
    tables.flatten().any(|(name, value)| project::is_written_out(name, value))
}

/// The `.env` files of the project's folder that no line of these files names.
fn unignored(folder: &Path, ignore_files: &[&str]) -> Vec<String> {
    let texts: Vec<String> =
        ignore_files.iter().filter_map(|name| fs::read_to_string(folder.join(name)).ok()).collect();
    let lines = || texts.iter().flat_map(|text| text.lines()).map(str::trim);
    let names = |line: &str, name: &str| {
        let pattern = line.trim_start_matches("**/").trim_start_matches('/');
        glob(pattern, name)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut open: Vec<String> = files
        .filter(|name| is_dotenv(name))
        .filter(|name| {
            let taken_out = lines().filter_map(|line| line.strip_prefix('!')).any(|line| names(line, name));
            taken_out || !lines().any(|line| names(line, name))
        })
        .collect();
    open.sort();
    open
}

/// A configuration file's content: TOML by its name, else JSON with comments. An empty one is an empty table.
fn parse(path: &Path, text: &str) -> Option<Value> {
    if path.extension().is_some_and(|extension| extension == "toml") {
        return toml::from_str(text).ok();
    }
    if text.trim().is_empty() {
        return Some(json!({}));
    }
    CstRootNode::parse(text, &ParseOptions::default()).ok()?.to_serde_value()
}

fn present(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().filter(|path| path.is_file()).collect()
}

/// Where programs keep a person's configuration.
fn config_folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| Some(std::env::home_dir()?.join(".config")))
}

fn codex_folder() -> Option<PathBuf> {
    let named = std::env::var_os("CODEX_HOME").filter(|path| !path.is_empty());
    named.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".codex")))
}

/// Where VS Code keeps a person's settings.
fn code_folder() -> Option<PathBuf> {
    let folder = if cfg!(target_os = "macos") {
        std::env::home_dir()?.join("Library").join("Application Support")
    } else {
        config_folder()?
    };
    Some(folder.join("Code").join("User"))
}
