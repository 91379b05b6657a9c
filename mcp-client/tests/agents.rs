//! The coding agents' own ways to be told of us: Claude Code's plugin, and the snippets for the others, as documented.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{Person, Vault};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");

/// Each agent, where its snippet goes in a project, and where its configuration has the servers.
const AGENTS: [(&str, &str, &str); 5] = [
    ("cursor", ".cursor/mcp.json", "mcpServers"),
    ("codex", ".codex/config.toml", "mcp_servers"),
    ("gemini", ".gemini/settings.json", "mcpServers"),
    ("vscode", ".vscode/mcp.json", "servers"),
    ("zed", ".zed/settings.json", "context_servers"),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn person() -> Person {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run(&["check", "--fix"]).ok();
    person
}

fn report(person: &Person) -> Value {
    let ran = person.run(&["check", "--json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr))
}

fn wrong(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["ok"] == false).map(|finding| finding["id"].as_str().unwrap()).collect()
}

fn parse(file: &str, text: &str) -> Value {
    if file.ends_with(".toml") { toml::from_str(text).unwrap() } else { serde_json::from_str(text).unwrap() }
}

#[test]
fn each_snippet_is_as_documented_and_starts_a_server_that_lists_its_tools() {
    let documented = fs::read_to_string(repository().join("docs/agents.md")).unwrap();
    for (agent, file, key) in AGENTS {
        let person = person();
        let snippet = person.run(&["snippet", agent]).ok();
        assert!(documented.contains(&snippet), "docs/agents.md has another snippet for {agent}:\n{snippet}");

        let server = &parse(file, &snippet)[key]["securecode"];
        let words = server["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let mut command = person.command();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        // As the agent starts it: by the name in the snippet, found on PATH.
        command = std::process::Command::new("env");
        command.current_dir(person.project()).env_clear().envs(environment);
        for (name, value) in server["env"].as_object().into_iter().flatten() {
            let folder = person.project().to_str().unwrap().to_owned();
            command.env(name, value.as_str().unwrap().replace("${workspaceFolder}", &folder));
        }
        command.arg(server["command"].as_str().unwrap()).args(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut ask = |request: Value, answered: bool| {
            writeln!(input, "{request}").unwrap();
            answered.then(|| serde_json::from_str::<Value>(&output.next().unwrap().unwrap()).unwrap())
        };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": agent, "version": "1" } });
        let hello = ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }), true);
        assert_eq!(hello.unwrap()["result"]["serverInfo"]["name"], "securecode", "{agent}");
        ask(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }), false);
        let tools = ask(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }), true).unwrap();
        let tools = tools["result"]["tools"].as_array().unwrap();
        assert!(tools.iter().any(|tool| tool["name"] == "get-secret"), "{agent}");
        drop(input);
        assert!(child.wait().unwrap().success(), "{agent}");

        // And `check` finds it right, and says that nothing guards this agent.
        put(&person.project().join(file), &snippet);
        let report = report(&person);
        assert_eq!(wrong(&report), Vec::<&str>::new(), "{agent}: {report}");
        assert_eq!(report["unguarded"].as_array().unwrap().len(), 1, "{report}");
        assert!(person.run(&["check"]).stdout.contains("Profiles guard Claude Code alone"));
    }
}

#[test]
fn an_agent_that_is_not_used_here_is_not_spoken_of() {
    let person = person();
    // An editor's settings, and no agent in them.
    put(&person.folder().join("home/.config/zed/settings.json"), "{ \"theme\": \"One Dark\" }");
    let editor = report(&person);
    assert_eq!((wrong(&editor), &editor["unguarded"]), (vec![], &Value::Null));
    // An agent that has nothing of ours: it may still be started here.
    put(&person.folder().join("home/.cursor/mcp.json"), "{ \"mcpServers\": {} }");
    let other = report(&person);
    assert_eq!((wrong(&other), &other["unguarded"]), (vec![], &serde_json::json!(["Cursor"])));
}

#[test]
fn what_other_agents_are_told_wrongly_or_too_much_is_found() {
    let home = |path: &str| format!("../home/{path}");
    let ours = "\"securecode\": { \"command\": \"securecode\", \"args\": [\"mcp\"]";
    let toml = "[mcp_servers.securecode]\ncommand = \"securecode\"\nargs = [\"mcp\"]\n";
    for (file, text, found) in [
        (".cursor/mcp.json".to_owned(), "{ \"mcpServers\": {} }".to_owned(), "cursor-server"),
        (home(".cursor/mcp.json"), "{ broken".to_owned(), "cursor-server"),
        (home(".cursor/mcp.json"), format!("{{ \"mcpServers\": {{ {ours}, \"disabled\": true }} }} }}"), "cursor-server"),
        (
            home(".cursor/mcp.json"),
            format!("{{ \"mcpServers\": {{ {ours} }}, \"x\": {{ \"env\": {{ \"X_TOKEN\": \"abc\" }} }} }} }}"),
            "cursor-keys",
        ),
        (
            ".gemini/settings.json".to_owned(),
            format!("{{ // mine\n \"mcpServers\": {{ {ours}, \"trust\": true }} }} }}"),
            "gemini-asks",
        ),
        // The word that other agents use.
        (".vscode/mcp.json".to_owned(), format!("{{ \"mcpServers\": {{ {ours} }} }} }}"), "vscode-server"),
        (
            ".vscode/mcp.json".to_owned(),
            "{ \"servers\": { \"securecode\": { \"command\": \"/nowhere/securecode\", \"args\": [\"mcp\"] } } }".to_owned(),
            "vscode-server",
        ),
        (
            home(".codex/config.toml"),
            format!("approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n{toml}"),
            "codex-asks",
        ),
        (
            home(".codex/config.toml"),
            format!("{toml}[mcp_servers.x]\ncommand = \"x\"\n[mcp_servers.x.env]\nX_API_KEY = \"abc\"\n"),
            "codex-keys",
        ),
        (
            home(".config/zed/settings.json"),
            format!("{{ \"context_servers\": {{ {ours} }} }}, \"agent\": {{ \"tool_permissions\": {{ \"default\": \"allow\" }} }} }}"),
            "zed-asks",
        ),
    ] {
        let person = person();
        put(&person.project().join(&file), &text);
        let report = report(&person);
        assert_eq!(wrong(&report), [found], "{file}: {text}\n{report}");
    }
}

#[test]
fn references_are_no_values_and_settings_beside_the_servers_count() {
    let person = person();
    let reference = |text: &str| {
        format!(
            "{{ \"mcpServers\": {{ \"securecode\": {{ \"command\": \"securecode\", \"args\": [\"mcp\"], \"env\": {{ \"SECURECODE_API_KEY\": \"{text}\" }} }} }} }}"
        )
    };
    for (text, holds) in
        [("${env:SECURECODE_API_KEY}", false), ("$SECURECODE_API_KEY", false), ("x$y", true), ("plain", true)]
    {
        put(&person.project().join(".cursor/mcp.json"), &reference(text));
        assert_eq!(wrong(&report(&person)).contains(&"cursor-keys"), holds, "{text}");
    }
    put(&person.project().join(".cursor/mcp.json"), &reference("${env:SECURECODE_API_KEY}"));
    put(&person.folder().join("home/.cursor/permissions.json"), "{ \"mcpAllowlist\": [\"securecode:*\"] }");
    assert_eq!(wrong(&report(&person)), ["cursor-asks"]);
    fs::remove_file(person.folder().join("home/.cursor/permissions.json")).unwrap();

    put(&person.project().join(".env"), "A=1\n");
    put(&person.project().join(".env.example"), "A=\n");
    put(&person.project().join(".gitignore"), ".securecoderc\n");
    assert_eq!(wrong(&report(&person)), ["cursor-dotenv"]);
    put(&person.project().join(".cursorignore"), "**/.env*\n");
    assert_eq!(wrong(&report(&person)), Vec::<&str>::new());
    // This one has no file that keeps it out.
    put(&person.project().join(".codex/config.toml"), &person.run(&["snippet", "codex"]).ok());
    assert_eq!(wrong(&report(&person)), ["codex-dotenv"]);
}

/// The agent's files as `claude plugin marketplace add` and `claude plugin install` leave them (seen with 2.1.330).
fn install_plugin(person: &Person) -> PathBuf {
    let agent = person.folder().join("home/.claude");
    put(&agent.join("settings.json"), "{\n  \"enabledPlugins\": { \"securecode@securecode\": true }\n}\n");
    let copy = json!({ "scope": "user", "installPath": agent.join("plugins/cache/securecode/securecode/0.1.0"), "version": "0.1.0" });
    put(
        &agent.join("plugins/installed_plugins.json"),
        &json!({ "version": 2, "plugins": { "securecode@securecode": [copy] } }).to_string(),
    );
    let source = json!({ "source": "directory", "path": repository() });
    put(
        &agent.join("plugins/known_marketplaces.json"),
        &json!({ "securecode": { "source": source, "installLocation": repository() } }).to_string(),
    );
    agent
}

#[test]
fn a_plugins_hooks_are_seen_proven_and_not_installed_twice() {
    for profile in ["guard", "sandbox"] {
        let person = Person::set_up(BINARY, Vault::shared().url());
        let agent = install_plugin(&person);
        let settings = || -> Value {
            serde_json::from_str(&fs::read_to_string(agent.join("settings.json")).unwrap()).unwrap()
        };
        person.run(&["check", "--fix", "--profile", profile]).ok();
        assert_eq!(settings().get("hooks"), None, "{profile}");
        assert!(settings()["permissions"]["deny"].as_array().unwrap().len() > 3);
        assert!(!person.project().join(".mcp.json").exists(), "the plugin starts the server");
        assert_eq!(wrong(&report(&person)), Vec::<&str>::new());

        // Switched off, its hooks are gone, and `check` brings its own; on again, once is enough.
        let text = fs::read_to_string(agent.join("settings.json")).unwrap();
        put(
            &agent.join("settings.json"),
            &text.replace("\"securecode@securecode\": true", "\"securecode@securecode\": false"),
        );
        let without = report(&person);
        assert!(
            wrong(&without).contains(&"guard-alive") && wrong(&without).contains(&"mcp-server"),
            "{without}"
        );
        person.run(&["check", "--fix"]).ok();
        assert!(settings()["hooks"]["PreToolUse"][0].to_string().contains("securecode guard"));
        let text = fs::read_to_string(agent.join("settings.json")).unwrap();
        put(
            &agent.join("settings.json"),
            &text.replace("\"securecode@securecode\": false", "\"securecode@securecode\": true"),
        );
        assert_eq!(wrong(&report(&person)), ["guard-installed"], "twice");
        person.run(&["check", "--fix"]).ok();
        assert_eq!(settings()["hooks"]["PreToolUse"], json!([]));
        assert_eq!(wrong(&report(&person)), Vec::<&str>::new());

        // A project's own settings can take it away.
        put(
            &person.project().join(".claude/settings.local.json"),
            "{ \"enabledPlugins\": { \"securecode@securecode\": false } }",
        );
        assert_eq!(wrong(&report(&person)), ["guard-alive"]);
    }
}

#[test]
fn a_plugin_without_the_program_refuses_rather_than_lets_pass() {
    let person = Person::new(BINARY);
    let mut hook = std::process::Command::new("sh");
    hook.arg(repository().join("plugin/hooks/securecode")).arg("guard").stdin(Stdio::null());
    hook.env_clear().env("HOME", person.folder().join("home")).env("PATH", "/usr/bin:/bin");
    let refused = hook.output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("is not") && told.contains("to do now: "), "{told}");
}
