//! What an owner lays down for a secret, at work: in commands of the person, and in tools of the agent, in both lives of
//! MCP. The real binary against a real vault.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{McpServer, Person, Ran, Vault};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
const VALUE: &str = "vAlUe-of-a-policy-77c1";

/// Somebody with a secret that is limited, and one that is not.
fn person(policy: &[&str]) -> Person {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run_with(&["set", "TOKEN"], VALUE.as_bytes(), &[]).ok();
    person.run_with(&["set", "OTHER"], b"another-value-11", &[]).ok();
    person.run(&[&["policy", "TOKEN"], policy].concat()).ok();
    person
}

/// Without what proves the person.
fn alone(person: &Person, arguments: &[&str]) -> Ran {
    person.command().env_remove("SECURECODE_PASSPHRASE").args(arguments).output().unwrap().into()
}

const HAS: &str = "test -n \"$TOKEN\" && printf token; test -n \"$OTHER\" && printf other; true";

#[test]
fn what_is_blocked_is_not_used() {
    let person = person(&["--use", "block"]);
    let ran = person.run(&["run", "--", "sh", "-c", HAS]);
    assert!(ran.stderr.contains("TOKEN is left out: the owner laid down"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "other");
    let refused = person.run(&["run", "--only", "TOKEN", "--", "true"]).failed(3);
    assert!(refused.contains("securecode policy TOKEN"), "{refused}");

    let mut server = McpServer::start_asking(&person, "accept");
    server.text("list-secrets", json!({}));
    server.text("get-secret", json!({ "name": "TOKEN" }));
    let told = server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(told.contains("may not be used"), "{told}");
    let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS] }));
    assert!(told.contains("TOKEN was left out") && told.ends_with("other"), "{told}");
    assert_eq!(server.questions, Vec::<String>::new());
    assert!(!server.transcript.contains(VALUE));
}

#[test]
fn a_person_is_asked_by_a_command() {
    let person = person(&["--use", "ask"]);
    // The passphrase is a yes.
    assert_eq!(person.run(&["run", "--", "sh", "-c", HAS]).ok(), "tokenother");
    let ran = alone(&person, &["run", "--", "sh", "-c", HAS]);
    assert_eq!(ran.stdout, "other", "{}", ran.stderr);
    assert!(ran.stderr.contains("nobody is there to ask"), "{}", ran.stderr);
    alone(&person, &["run", "--only", "TOKEN", "--", "true"]).failed(3);
    // A yes on a terminal.
    let answer = |says: &str| {
        let mut command = Command::new("script");
        let line = format!("{BINARY} run --only TOKEN -- sh -c '{HAS}; printf \"<%s>\" done'");
        command.args(["-qec", &line, "/dev/null"]).current_dir(person.project()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", person.folder().join("home"));
        let mut child =
            command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), format!("{says}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(answer("yes").contains("token<done>"));
    let no = answer("no");
    assert!(!no.contains("<done>") && no.contains("the answer was no"), "{no}");
}

#[test]
fn a_person_is_asked_by_the_agent() {
    let person = person(&["--use", "ask"]);
    let mut server = McpServer::start_asking(&person, "accept");
    let path = server.inject(json!({ "names": ["TOKEN", "OTHER"] }));
    assert!(fs::read_to_string(&path).unwrap().contains(VALUE));
    assert_eq!(server.questions.len(), 1, "{:?}", server.questions);
    assert!(server.questions[0].contains("TOKEN of shop/dev"), "{:?}", server.questions);
    // A yes is for the session.
    server.inject(json!({ "name": "TOKEN" }));
    let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS] }));
    assert!(told.ends_with("tokenother"), "{told}");
    assert_eq!(server.questions.len(), 1);
    assert!(!server.transcript.contains(VALUE));
    server.close();

    for says in ["decline", "cancel"] {
        let mut server = McpServer::start_asking(&person, says);
        server.text("get-secret", json!({ "name": "TOKEN" }));
        let told = server.text("get-secret", json!({ "name": "TOKEN" }));
        assert!(told.contains("the answer was no"), "{told}");
        // The others without it; it by name, with a question of its own.
        let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS] }));
        assert!(told.contains("TOKEN was left out") && told.ends_with("other"), "{told}");
        let told =
            server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS], "names": ["TOKEN"] }));
        assert!(told.contains("the answer was no"), "{told}");
        assert_eq!(server.questions.len(), 2);
        assert!(
            person.sessions().iter().all(|path| path.extension().is_none_or(|extension| extension != "env"))
        );
    }

    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    let told = server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(told.contains("nobody has answered yet") && told.contains("/#/approvals"), "{told}");
    // The same question is not asked twice.
    assert_eq!(server.text("get-secret", json!({ "name": "TOKEN" })), told);
}

/// The newer life of MCP: the question is the result of the first round.
#[test]
fn a_person_is_asked_by_a_round_of_the_call() {
    let person = person(&["--use", "ask"]);
    let mut server = McpServer::start(&person);
    let meta = |can_ask: bool| {
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "kit", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": if can_ask { json!({ "elicitation": { "form": {} } }) } else { json!({}) },
        })
    };
    let call = |server: &mut McpServer, more: Value| {
        let mut params =
            json!({ "name": "get-secret", "arguments": { "name": "TOKEN" }, "_meta": meta(true) });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask("tools/call", params)
    };
    let text = |result: &Value| result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    call(&mut server, json!({}));
    let first = call(&mut server, json!({}));
    assert_eq!(first["resultType"], "input_required", "{first}");
    let question = &first["inputRequests"]["consent"];
    assert_eq!(question["method"], "elicitation/create");
    assert!(question["params"]["message"].as_str().unwrap().contains("TOKEN of shop/dev"));
    let handle = first["requestState"].clone();
    let with = |handle: &Value, action: &str| json!({ "requestState": handle, "inputResponses": { "consent": { "action": action, "content": {} } } });
    assert!(text(&call(&mut server, with(&handle, "decline"))).contains("the answer was no"));
    // A handle is good once, and one of nobody's is none.
    assert!(call(&mut server, with(&handle, "accept"))["isError"].as_bool().unwrap());
    assert!(call(&mut server, with(&json!("made-up"), "accept"))["isError"].as_bool().unwrap());
    let again = call(&mut server, json!({}));
    let done = call(&mut server, with(&again["requestState"], "accept"));
    assert!(text(&done).starts_with("TOKEN injected -> "), "{done}");
    assert!(text(&call(&mut server, json!({}))).starts_with("TOKEN injected -> "));

    let mut server = McpServer::start(&person);
    let cannot = json!({ "_meta": meta(false) });
    call(&mut server, cannot.clone());
    let told = text(&call(&mut server, cannot));
    assert!(told.contains("/#/approvals"), "{told}");
}

#[test]
fn what_is_shown_is_up_to_the_owner() {
    let blocked = person(&["--reveal", "block"]);
    let refused = blocked.run(&["get", "TOKEN", "--reveal"]).failed(3);
    assert!(refused.contains("may not be shown") && !refused.contains(VALUE), "{refused}");
    let exported = blocked.run(&["export", "--format", "dotenv", "--reveal"]);
    assert!(!exported.stdout.contains(VALUE));
    exported.failed(3);
    blocked.run(&["export", "--format", "dotenv", "--only", "OTHER", "--reveal"]).ok();
    assert_eq!(blocked.run(&["run", "--", "sh", "-c", HAS]).ok(), "tokenother");
    let mut server = McpServer::start_asking(&blocked, "accept");
    server.text("get-secret", json!({ "name": "TOKEN", "reveal": true }));
    assert!(
        server.text("get-secret", json!({ "name": "TOKEN", "reveal": true })).contains("may not be shown")
    );

    let asked = person(&["--reveal", "ask"]);
    assert_eq!(asked.run(&["get", "TOKEN", "--reveal"]).ok(), VALUE);
    assert!(!alone(&asked, &["get", "TOKEN", "--reveal"]).failed(3).contains(VALUE));
    let mut server = McpServer::start_asking(&asked, "accept");
    server.text("get-secret", json!({ "name": "TOKEN", "reveal": true }));
    // Each time anew.
    for round in 1..=2 {
        assert_eq!(server.text("get-secret", json!({ "name": "TOKEN", "reveal": true })), VALUE);
        assert_eq!(server.questions.len(), round);
    }
    assert!(server.questions[0].contains("into the conversation"));
    let mut server = McpServer::start_asking(&asked, "decline");
    server.text("get-secret", json!({ "name": "TOKEN", "reveal": true }));
    assert!(
        server.text("get-secret", json!({ "name": "TOKEN", "reveal": true })).contains("the answer was no")
    );
    assert!(!server.transcript.contains(VALUE));
}

#[test]
fn a_production_secret_is_revealed_by_a_person_alone() {
    let person = person(&["--production", "true"]);
    let mut server = McpServer::start_asking(&person, "decline");
    let ask = json!({ "name": "TOKEN", "reveal": true });
    server.text("get-secret", ask.clone());
    assert!(server.text("get-secret", ask.clone()).contains("the answer was no"));
    let mut server = McpServer::start_asking(&person, "accept");
    server.text("get-secret", ask.clone());
    assert_eq!(server.text("get-secret", ask.clone()), VALUE);
    let mut server = McpServer::start(&person);
    server.text("get-secret", ask.clone());
    assert!(server.text("get-secret", ask).contains("/#/approvals"));
    // Laid down as production, it is warned of like one that is tagged.
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(server.text("get-secret", json!({ "name": "TOKEN" })).contains("tagged as PRODUCTION"));
}

#[test]
fn a_secret_is_for_the_programs_that_its_owner_named() {
    let person = person(&["--command", "sh", "--command", "/usr/bin/printenv"]);
    assert_eq!(person.run(&["run", "--", "sh", "-c", HAS]).ok(), "tokenother");
    let printed = person.run(&["run", "--no-mask", "--", "printenv", "TOKEN"]).ok();
    assert_eq!(printed.trim(), VALUE);
    let ran = person.run(&["run", "--no-mask", "--", "env"]);
    assert!(!ran.stdout.contains(VALUE) && ran.stdout.contains("OTHER="), "{}", ran.stdout);
    assert!(ran.stderr.contains("TOKEN is left out: the owner laid down that only"), "{}", ran.stderr);
    // Another program of that name is none of them.
    let fake = person.project().join("sh");
    fs::write(&fake, "#!/bin/bash\nprintenv TOKEN\n").unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    person.run(&["run", "--only", "TOKEN", "--", "./sh"]).failed(3);
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    // A file that holds the value would be everybody's.
    assert!(server.text("get-secret", json!({ "name": "TOKEN" })).contains("run-with-secrets"));
    let told = server.text("run-with-secrets", json!({ "command": ["env"], "names": ["TOKEN"] }));
    assert!(told.contains("only /usr/bin/printenv, sh may have TOKEN"), "{told}");
    let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS], "names": ["TOKEN"] }));
    assert_eq!(told, "token");
}

/// What the agent's own sandbox is told (that it does mask is the measure's part, with the real agent).
#[test]
fn the_agents_sandbox_is_told_the_hosts_that_the_owner_laid_down() {
    let person = person(&["--host", "api.example.com", "--host", "cdn.example.com"]);
    person.run_with(&["set", "LIMITED"], b"limited-value-12", &[]).ok();
    person.run(&["policy", "LIMITED", "--host", "api.example.com", "--use", "ask"]).ok();
    person.run(&["check", "--fix", "--profile", "sandbox"]);
    let agent = person.project().join("agent");
    fs::write(
        &agent,
        "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.330 (Claude Code)' && exit\n\
         printf '%s\\n' \"$2\"; printf '{\"TOKEN\":\"%s\",\"LIMITED\":\"%s\",\"OTHER\":\"%s\"}' \"$TOKEN\" \"$LIMITED\" \"$OTHER\"\n",
    )
    .unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let start = |arguments: &[&str]| {
        let text = person.run(&[&["agent"], arguments, &["--", "./agent"]].concat()).ok();
        let (settings, environment) = text.split_once('\n').unwrap();
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        (parse(settings), parse(environment))
    };
    // Without a word, all that have hosts and need no yes.
    let (settings, environment) = start(&[]);
    assert_eq!(
        settings["sandbox"]["credentials"]["envVars"],
        json!([{ "name": "TOKEN", "mode": "mask", "injectHosts": ["api.example.com", "cdn.example.com"] }])
    );
    assert_eq!(environment, json!({ "TOKEN": VALUE, "LIMITED": "", "OTHER": "" }));
    let (settings, environment) = start(&["--host", "LIMITED=api.example.com"]);
    assert_eq!(settings["sandbox"]["credentials"]["envVars"][0]["injectHosts"], json!(["api.example.com"]));
    assert_eq!(environment["LIMITED"], "limited-value-12");
    let refused = person.run(&["agent", "--host", "TOKEN=evil.example.com", "--", "./agent"]).failed(3);
    assert!(refused.contains("goes to api.example.com, cdn.example.com alone"), "{refused}");
}

#[test]
fn a_rule_for_a_tag_holds_for_every_secret_that_has_it() {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run_with(&["set", "TOKEN", "--tag", "live"], VALUE.as_bytes(), &[]).ok();
    person.run_with(&["set", "OTHER"], b"another-value-11", &[]).ok();
    assert_eq!(person.run(&["run", "--", "sh", "-c", HAS]).ok(), "tokenother");
    person.run(&["policy", "--tag", "live", "--reveal", "block", "--command", "sh"]).ok();
    assert_eq!(person.run(&["run", "--", "sh", "-c", HAS]).ok(), "tokenother");
    let ran = person.run(&["run", "--", "env"]);
    assert!(ran.stderr.contains("TOKEN is left out") && !ran.stdout.contains("TOKEN="), "{}", ran.stderr);
    assert!(person.run(&["get", "TOKEN", "--reveal"]).failed(3).contains("may not be shown"));
    // The stricter of the secret's own and the tag's.
    person.run(&["policy", "TOKEN", "--use", "block"]).ok();
    assert_eq!(person.run(&["run", "--", "sh", "-c", HAS]).ok(), "other");
    let mut server = McpServer::start(&person);
    server.text("get-secret", json!({ "name": "TOKEN" }));
    assert!(server.text("get-secret", json!({ "name": "TOKEN" })).contains("may not be used"));
    // A secret that gets the tag is under the rule, one that is set anew stays under it.
    person.run_with(&["set", "OTHER", "--tag", "live"], b"another-value-12", &[]).ok();
    person.run(&["get", "OTHER", "--reveal"]).failed(3);
    // In one session too, when the rule changes meanwhile.
    let mut server = McpServer::start(&person);
    server.text("run-with-secrets", json!({ "command": ["true"] }));
    let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS] }));
    assert!(told.ends_with("other"), "{told}");
    person.run(&["policy", "--tag", "live", "--use", "block"]).ok();
    let told = server.text("run-with-secrets", json!({ "command": ["sh", "-c", HAS] }));
    assert!(told.contains("OTHER was left out") && !told.ends_with("other"), "{told}");
}
