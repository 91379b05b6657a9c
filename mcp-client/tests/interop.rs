//! Clients that are not ours: the official TypeScript SDK, and the real Claude Code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{Person, Vault};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
const CANARY: &str = "cAnArY-interop-41c9a7";

fn tools() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools");
    assert!(folder.join("node_modules").exists(), "npm's tools are missing; run `cargo xtask setup`");
    folder
}

fn person() -> Person {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    person
}

#[test]
fn the_official_typescript_sdk_gets_a_secret_injected() {
    let person = person();
    let output = Command::new("node")
        .arg(tools().join("mcp-sdk.mjs"))
        .args([Path::new(BINARY), &person.project(), Path::new("TOKEN")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", person.folder().join("home"))
        .env("SECURECODE_HOME", person.home())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        seen["tools"],
        serde_json::json!([
            "audit-log",
            "byebye",
            "delete-secret",
            "generate-secret",
            "get-secret",
            "import-env",
            "list-secrets",
            "run-with-secrets",
            "security-check",
            "set-secret",
            "setup",
            "sleep-session",
            "status",
            "wake-session"
        ])
    );
    assert!(seen["tip"].as_str().unwrap().starts_with("Welcome to SecureCode!"));
    let value = data_encoding::HEXLOWER.decode(seen["value"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(value).unwrap().trim_end(), CANARY);
    assert!(!seen["messages"].to_string().contains(CANARY));
    assert!(!Path::new(seen["path"].as_str().unwrap()).exists());
}

fn claude_code(package: &str) -> PathBuf {
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let claude = tools().join(format!("node_modules/{package}-{system}-{processor}/claude"));
    assert!(claude.exists(), "Claude Code is missing; run `cargo xtask setup`");
    claude
}

#[test]
fn an_agent_that_does_not_mask_is_not_started_with_secrets() {
    let person = person();
    let start = |agent: &Path, arguments: &[&str]| {
        let mut command = person.command();
        command.args(["agent", "--host", "TOKEN=api.example.com", "--"]).arg(agent).args(arguments);
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (newest, older) = (claude_code("@anthropic-ai/claude-code"), claude_code("older-claude-code"));
    let (started, text) = start(&newest, &["--version"]);
    assert!(!started && text.contains("need the sandbox profile"), "{text}");
    person.run(&["check", "--fix", "--profile", "sandbox"]);
    for (agent, arguments) in [
        (older.as_path(), &["--version"][..]),
        (Path::new("/bin/echo"), &[]),
        (&newest, &["--settings", "{}"]),
    ] {
        let (started, text) = start(agent, arguments);
        assert!(!started && text.contains("to do now"), "{text}");
    }
    let (started, text) = start(&newest, &["--version"]);
    assert!(started && text.contains("(Claude Code)"), "{text}");
}

#[test]
fn claude_code_connects() {
    let claude = claude_code("@anthropic-ai/claude-code");
    let person = person();
    // As the README has it, with the program by its path.
    let configuration =
        serde_json::json!({ "mcpServers": { "securecode": { "command": BINARY, "args": ["mcp"] } } });
    fs::write(person.project().join(".mcp.json"), configuration.to_string()).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(&claude)
            .args(arguments)
            .current_dir(person.project())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", person.folder().join("home"))
            .env("SECURECODE_HOME", person.home())
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("ANTHROPIC_API_KEY", "none")
            .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    // A project's server waits for its owner's approval; one that the owner adds does not.
    run(&["mcp", "add", "--scope", "user", "mine", "--", BINARY, "mcp"]);
    let listed = run(&["mcp", "list"]);
    let line = listed.lines().find(|line| line.starts_with("mine:")).unwrap_or_else(|| panic!("{listed}"));
    assert!(line.contains("Connected"), "{listed}");
    assert!(listed.contains("securecode:"), "{listed}");
}
