//! The MCP server, as the real binary over its real pipes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{McpServer, Person, Vault};
use serde_json::json;
use sha2::Digest as _;
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
const CANARY: &str = "cAnArY-value-7d1f$'\"\\-0b5e";

fn person(vault: &Vault) -> Person {
    let person = Person::set_up(BINARY, vault.url());
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    person.run_with(&["set", "OTHER", "--tag", "billing"], b"another value", &[]).ok();
    person
}

fn sourced(path: &std::path::Path, name: &str) -> String {
    let line = format!(". {} && printenv {name}", path.display());
    let output =
        Command::new("sh").args(["-c", &line]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[test]
fn a_secret_goes_to_a_command_and_never_through_the_conversation() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut server = McpServer::start(&person);
    let tip = server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(
        tip.starts_with(
            "Welcome to SecureCode! Remember: secret values returned here are injected directly into your workflow. \
             Never paste them in chat messages, commit them to git, or include them in code files."
        ),
        "{tip}"
    );
    assert_eq!(person.sessions(), Vec::<std::path::PathBuf>::new(), "the tip writes nothing");

    let answer = server.call("get-secret", json!({ "name": "TOKEN" }));
    let path = person.sessions().into_iter().find(|path| path.extension().unwrap() == "env").unwrap();
    let first = answer["content"][0]["text"].as_str().unwrap().lines().next().unwrap().to_owned();
    assert_eq!(first, format!("TOKEN injected -> {}", path.display()));
    let structured = &answer["structuredContent"];
    assert_eq!(structured["path"], path.display().to_string());
    // Claude Code shows its model this in place of the text.
    let message = structured["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("{first} ")) && message.contains("source "), "{message}");
    assert_eq!((&structured["names"], &structured["environment"]), (&json!(["TOKEN"]), &json!("dev")));
    assert_eq!(sourced(&path, "TOKEN"), CANARY);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));

    let again = server.inject(json!({ "names": ["OTHER"] }));
    assert_eq!(again, path, "one file a session");
    assert_eq!(
        (sourced(&path, "OTHER"), sourced(&path, "TOKEN")),
        ("another value".into(), String::new()),
        "replaced"
    );
    assert_eq!(server.inject(json!({ "tags": ["billing"] })), path);

    let listed = server.text("list-secrets", json!({}));
    assert_eq!(listed, "OTHER [billing]\nTOKEN");

    server.text("byebye", json!({}));
    assert!(!path.exists());
    let ended = server.call("get-secret", json!({ "name": "TOKEN" }));
    assert_eq!(ended["isError"], true);
    assert!(!server.transcript.contains(&CANARY[..12]), "{}", server.transcript);
    assert_eq!(server.close(), Some(0));
    assert_eq!(person.sessions(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn production_secrets_warn_once_and_are_not_revealed_to_an_agent() {
    let vault = Vault::shared();
    let person = person(vault);
    person.run_with(&["set", "LIVE", "--tag", "PRODUCTION"], CANARY.as_bytes(), &[]).ok();
    let mut server = McpServer::start(&person);
    server.inject(json!({ "name": "TOKEN" }));
    let warning = server.text("get-secret", json!({ "name": "LIVE" }));
    assert_eq!(
        warning.lines().next().unwrap(),
        "Warning: You are accessing LIVE which is tagged as PRODUCTION. Make sure this is intentional."
    );
    let path = person.sessions().into_iter().find(|path| path.extension().unwrap() == "env").unwrap();
    assert_eq!(sourced(&path, "LIVE"), "", "the warning takes the place of the value");
    assert!(server.text("get-secret", json!({ "name": "LIVE" })).starts_with("LIVE injected -> "));
    let revealed = server.call("get-secret", json!({ "name": "LIVE", "reveal": true }));
    assert_eq!(revealed["isError"], true);
    assert!(revealed["content"][0]["text"].as_str().unwrap().contains("a person has to allow this"));
    assert!(!server.transcript.contains(&CANARY[..12]));
}

#[test]
fn reveal_answers_the_raw_value_where_the_key_permits_it_and_is_audited_as_such() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    assert_eq!(server.text("get-secret", json!({ "name": "TOKEN", "reveal": true })), CANARY);
    assert_eq!(
        person.sessions().iter().filter(|path| path.extension().unwrap() == "env").count(),
        0,
        "nothing is written"
    );

    let made = person.run(&["keys", "create", "--environment", "dev", "--json"]).ok();
    let key: serde_json::Value = serde_json::from_str(&made).unwrap();
    let environment =
        [("SECURECODE_API_KEY", key["key"].as_str().unwrap()), ("SECURECODE_VAULT_URL", vault.url())];
    let mut server = McpServer::start_with(&person, &environment);
    server.inject(json!({ "name": "TOKEN" }));
    let refused = server.text("get-secret", json!({ "name": "TOKEN", "reveal": true }));
    assert!(refused.contains("lacks the permission"), "{refused}");
}

#[test]
fn errors_name_what_was_asked_and_what_to_do() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    for (arguments, told) in [
        (json!({ "name": "NOPE" }), "there is no secret NOPE"),
        (json!({ "name": "A-B" }), "a secret's name is"),
        (json!({ "name": "LD_PRELOAD" }), "could take over a shell"),
        (json!({ "name": "TOKEN", "tags": ["x"] }), "it is not clear which secrets"),
        (json!({ "names": ["TOKEN", "OTHER"], "reveal": true }), "reveal shows one secret"),
        (json!({ "tags": ["nothing"] }), "no secret has one of these tags"),
        (json!({ "name": "TOKEN", "environment": "prod" }), "may not use environment prod"),
        (json!({}), "it is not clear which secrets"),
    ] {
        let answer = server.call("get-secret", arguments.clone());
        let text = answer["content"][0]["text"].as_str().unwrap();
        assert_eq!(answer["isError"], true, "{arguments}");
        assert!(text.contains(told) && text.contains("to do now: "), "{arguments}: {text}");
    }
    assert!(server.call("get-secret", json!({ "nope": 1 })).to_string().contains("nope"));
}

#[test]
fn nothing_touches_the_network_before_the_first_call() {
    let person = Person::new(BINARY);
    let environment = [("SECURECODE_API_KEY", "sc_0000"), ("SECURECODE_VAULT_URL", "http://127.0.0.1:1")];
    let mut server = McpServer::start_with(&person, &environment);
    let tools = server.ask("tools/list", json!({}));
    let names: Vec<&str> =
        tools["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
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
        ]
    );
    // What the model is told of the tools is looked at whenever it changes.
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(tools["tools"].to_string().as_bytes()));
    assert_eq!(
        digest, "8f97cc82bebbebb8278191b73114425b14832034c87504430444c7deb673e33b",
        "read the tools' texts, then take this over"
    );
    for tool in tools["tools"].as_array().unwrap() {
        assert!(tool["title"].is_string() && tool["annotations"].is_object(), "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
    }
    assert!(server.text("get-secret", json!({ "name": "A" })).starts_with("Welcome"));
    assert!(server.text("get-secret", json!({ "name": "A" })).contains("malformed"));
}

#[test]
fn the_newer_life_of_the_protocol_is_spoken_too() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut server = McpServer::start(&person);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "kit", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let discovered = server.ask("server/discover", json!({ "_meta": meta }));
    assert!(
        discovered["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")),
        "{discovered}"
    );
    let called = server.ask("tools/call", json!({ "name": "list-secrets", "arguments": {}, "_meta": meta }));
    assert_eq!(called["structuredContent"]["secrets"][0]["name"], "OTHER", "{called}");
}

#[test]
fn however_a_session_ends_its_file_goes() {
    let vault = Vault::shared();
    let person = person(vault);
    for signal in ["TERM", "INT"] {
        let mut server = McpServer::start(&person);
        let path = server.inject(json!({ "name": "TOKEN" }));
        assert!(path.exists());
        assert_eq!(server.signal(signal), Some(0), "{signal}");
        assert!(!path.exists(), "{signal}");
    }
    let mut server = McpServer::start(&person);
    let path = server.inject(json!({ "name": "TOKEN" }));
    assert_eq!(server.close(), Some(0));
    assert!(!path.exists());
    assert_eq!(person.sessions().len(), 0);
}

#[test]
fn a_signal_is_obeyed_while_the_vault_hangs() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut server = McpServer::start(&person);
    let path = server.inject(json!({ "name": "TOKEN" }));
    // A project's file that names a vault which accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = person.project().join(".securecoderc");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(vault.url(), &format!("http://{}", silent.local_addr().unwrap()))).unwrap();
    let mut hanging = McpServer::start(&person);
    hanging.text("get-secret", json!({ "name": "TOKEN" }));
    hanging.send(
        &json!({ "jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": { "name": "get-secret", "arguments": { "name": "TOKEN" } } })
            .to_string(),
    );
    silent.accept().unwrap();
    let started = std::time::Instant::now();
    assert_eq!(hanging.signal("TERM"), Some(0));
    assert!(started.elapsed().as_secs() < 30, "it waited for the vault");
    assert!(path.exists(), "another session's file stays");
}

#[test]
fn a_start_removes_what_killed_sessions_left_and_no_living_ones() {
    let vault = Vault::shared();
    let person = person(vault);
    let mut living = McpServer::start(&person);
    let living_path = living.inject(json!({ "name": "TOKEN" }));
    let mut killed = McpServer::start(&person);
    let killed_path = killed.inject(json!({ "name": "TOKEN" }));
    assert_ne!(living_path, killed_path);
    killed.signal("KILL");
    assert!(killed_path.exists());
    let folder = killed_path.parent().unwrap();
    // What a kill in the middle of a write leaves, and a file without any lock.
    fs::write(folder.join("00112233445566778899aabbccddeeff.env.4242.tmp"), "x").unwrap();
    fs::write(folder.join("ffeeddccbbaa99887766554433221100.env"), "x").unwrap();
    let mut next = McpServer::start(&person);
    let mut left = person.sessions();
    left.sort();
    assert_eq!(
        left,
        [living_path.clone(), living_path.with_extension("lock")],
        "before anything is asked of it"
    );
    let next_path = next.inject(json!({ "name": "OTHER" }));
    let mut left: Vec<_> = person.sessions();
    left.sort();
    let mut expected: Vec<_> = [&living_path, &next_path]
        .iter()
        .flat_map(|path| [path.to_path_buf(), path.with_extension("lock")])
        .collect();
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(sourced(&living_path, "TOKEN"), CANARY);
}

#[test]
fn a_session_folder_that_is_a_link_or_too_open_is_refused_or_tightened() {
    let vault = Vault::shared();
    let person = person(vault);
    let folder = person.home().join(".session");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut server = McpServer::start(&person);
    server.inject(json!({ "name": "TOKEN" }));
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    drop(server);
    fs::remove_dir_all(&folder).unwrap();
    let elsewhere = person.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(server.text("get-secret", json!({ "name": "TOKEN" })).contains("is a link"));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}
