//! What a project's own files should say.

#![allow(clippy::indexing_slicing, reason = "a JSON value that lacks a field gives null, and never panics")]

use super::{Change, Check, read, settings};
use crate::{
    config::{KeyConfig, PROJECT_FILE},
    error::{Error, Result},
    gitignore,
    profile::Profile,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

/// Files that are named like one with values, and hold none.
const DOTENV_EXAMPLES: [&str; 5] =
    [".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults"];

/// What the agent's own file tools may not touch: files with values, but for the examples of them, and our folder.
/// A later rule that begins with `!` takes its files out of the earlier ones again.
pub(super) fn denied() -> Vec<String> {
    let examples = DOTENV_EXAMPLES.map(|name| format!("Read(!{name})"));
    ["Read(.securecoderc)", "Read(.env)", "Read(.env.*)"]
        .map(str::to_owned)
        .into_iter()
        .chain(examples)
        .chain(["Read(~/.securecode/**)", "Edit(~/.securecode/**)"].map(str::to_owned))
        .collect()
}

const INSTRUCTION_MARK: &str = "<!-- securecode -->";
const INSTRUCTION: &str = "\
<!-- securecode -->
## Secrets

Secrets are kept by SecureCode; use its MCP tools for them. Never read `.env` files and never ask for a secret's value.
To run a command with secrets: call `get-secret` with their names, then run `source PATH && COMMAND` with the path it
answers. `list-secrets` shows which names there are. Do not print the file or the variables.
";

impl Check {
    pub(super) fn project_file(&mut self) -> Result<()> {
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

    pub(super) fn ignored(&mut self) -> Result<()> {
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

    pub(super) fn mcp_config(&mut self) -> Result<()> {
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
        // The agent leaves a plugin's server out where the project starts the same one.
        let wanted = if present || self.plugin.is_some() {
            text.clone().unwrap_or_default()
        } else {
            let server = json!({ "mcpServers": { "securecode": { "type": "stdio", "command": "securecode", "args": ["mcp"] } } });
            settings::ensure(&path, text.as_deref().unwrap_or_default(), &server, &|_| false)?
        };
        if present || self.plugin.is_none() {
            self.file(
                "mcp-server",
                "the agent's .mcp.json starts SecureCode",
                &path,
                &wanted,
                "it does not",
            )?;
        } else {
            self.found("mcp-server", "the agent's plugin starts SecureCode", None);
        }
        let holds = self.mcp_holds_keys()?;
        self.found("mcp-keys", ".mcp.json holds ${VARIABLES} rather than values", holds.then(|| {
            "it has an environment value written out; replace it by a reference such as \"${SECURECODE_API_KEY}\"".to_owned()
        }));
        Ok(())
    }

    pub(super) fn rules(&mut self) -> Result<()> {
        let path = self.folder.join(".claude").join("settings.json");
        let text = read(&path)?.unwrap_or_default();
        let mut wanted = json!({ "permissions": { "deny": denied() } });
        if self.profile == Profile::Sandbox {
            // The agent's sandbox makes each file of a rule unreadable, and git trips over one that it tracks.
            wanted["sandbox"] =
                json!({ "filesystem": { "allowRead": DOTENV_EXAMPLES.map(|name| format!("./{name}")) } });
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

    pub(super) fn instructions(&mut self) -> Result<()> {
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

    pub(super) fn key_out_of_reach(&mut self) -> Result<()> {
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
}

/// Whether an API key stands in a text.
pub(super) fn holds_key(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|word| word.parse::<sealing::ApiKey>().is_ok())
}

/// Whether a variable that sounds like a secret is written out for an MCP server.
fn literal_environment(config: &Value) -> bool {
    let servers = config["mcpServers"].as_object().into_iter().flatten();
    servers
        .flat_map(|(_, server)| server["env"].as_object().into_iter().flatten())
        .any(|(name, value)| is_written_out(name, value))
}

/// Whether a variable or a header sounds like a secret, and has a value rather than a reference to one.
pub(super) fn is_written_out(name: &str, value: &Value) -> bool {
    let sounds = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "AUTHORIZATION"]
        .iter()
        .any(|word| name.to_uppercase().contains(word));
    let is_reference = |word: &str| {
        word.strip_prefix('$').is_some_and(|name| {
            name.starts_with('{') || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    // `Bearer ${TOKEN}` is one, too.
    let value = value.as_str().unwrap_or_default();
    sounds && !value.is_empty() && !value.rsplit(' ').next().is_some_and(is_reference)
}
