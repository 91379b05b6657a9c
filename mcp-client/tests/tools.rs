//! The agent's tools that store, sleep, wake and look: the real binary against a real vault. No value is ever in the
//! conversation.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{McpServer, Person, Vault};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
const CANARY: &str = "cAnArY-of-the-tools-52e8";

fn person() -> Person {
    Person::set_up(BINARY, Vault::shared().url())
}

fn value(person: &Person, name: &str) -> String {
    person.run(&["get", name, "--reveal"]).ok()
}

#[test]
fn a_secret_is_generated_and_renewed_without_being_seen() {
    let person = person();
    let mut server = McpServer::start(&person);
    let made =
        server.call("generate-secret", json!({ "name": "SESSION_KEY", "tags": ["web"], "length": 40 }));
    assert_eq!(made["structuredContent"], json!({ "name": "SESSION_KEY", "new": true }), "{made}");
    let first = value(&person, "SESSION_KEY");
    assert_eq!(first.len(), 40);
    let again = server.text("generate-secret", json!({ "name": "SESSION_KEY" }));
    assert!(again.contains("is there already"), "{again}");
    assert_eq!(value(&person, "SESSION_KEY"), first);
    server.text("generate-secret", json!({ "name": "SESSION_KEY", "replace": true }));
    let second = value(&person, "SESSION_KEY");
    assert_ne!(second, first);
    let listed: Value = serde_json::from_str(&person.run(&["list", "--json"]).ok()).unwrap();
    assert_eq!((&listed[0]["tags"], &listed[0]["version"]), (&json!(["web"]), &json!(2)));
    for wrong in
        [json!({ "name": "LD_PRELOAD" }), json!({ "name": "my-key" }), json!({ "name": "A", "length": 4 })]
    {
        assert_eq!(server.call("generate-secret", wrong)["isError"], true);
    }
    let gone = server.text("delete-secret", json!({ "name": "SESSION_KEY" }));
    assert!(gone.contains("securecode restore SESSION_KEY"), "{gone}");
    assert!(server.text("delete-secret", json!({ "name": "SESSION_KEY" })).contains("there is no secret"));
    person.run(&["restore", "SESSION_KEY"]).ok();
    assert_eq!(value(&person, "SESSION_KEY"), second);
    person.run(&["policy", "SESSION_KEY", "--host", "api.example.com"]).ok();
    let held = server.text("delete-secret", json!({ "name": "SESSION_KEY" }));
    assert!(held.contains("only the account's owner"), "{held}");
    assert_eq!(value(&person, "SESSION_KEY"), second);
    for secret in [first, second] {
        assert!(!server.transcript.contains(&secret[..8]));
    }
}

#[test]
fn a_file_is_imported_and_names_alone_are_answered() {
    let person = person();
    fs::write(person.project().join(".env"), format!("A={CANARY}-a\nB={CANARY}-b # note\n")).unwrap();
    fs::write(person.project().join("bad.env"), format!("GOOD={CANARY}-g\n{CANARY} is no assignment\n"))
        .unwrap();
    let mut server = McpServer::start(&person);
    let dry = server.call("import-env", json!({ "path": ".env", "dry_run": true }));
    assert_eq!(dry["structuredContent"]["stored"], json!(["A", "B"]), "{dry}");
    assert!(server.text("list-secrets", json!({})).contains("no secrets yet"));
    let done = server.call("import-env", json!({ "path": ".env", "tags": ["local"] }));
    assert!(done["content"][0]["text"].as_str().unwrap().contains("2 stored"), "{done}");
    assert_eq!(value(&person, "B"), format!("{CANARY}-b"));
    let same = server.call("import-env", json!({ "path": ".env" }));
    assert_eq!(same["structuredContent"]["same"], json!(["A", "B"]));
    let bad = server.call("import-env", json!({ "path": "bad.env" }));
    assert_eq!(bad["isError"], true);
    assert!(bad["content"][0]["text"].as_str().unwrap().contains("nothing was stored"), "{bad}");
    let part = server.call("import-env", json!({ "path": "bad.env", "partial": true }));
    assert_eq!((&part["isError"], &part["structuredContent"]["stored"]), (&json!(true), &json!(["GOOD"])));
    assert_eq!(server.call("import-env", json!({ "path": "absent.env" }))["isError"], true);
    assert!(!server.transcript.contains(CANARY), "{}", server.transcript);
}

#[test]
fn a_session_sleeps_and_is_woken_for_some_secrets() {
    let person = person();
    person.run_with(&["set", "WEB", "--tag", "web"], CANARY.as_bytes(), &[]).ok();
    person.run_with(&["set", "DATA", "--tag", "data"], b"another-value-31", &[]).ok();
    let mut server = McpServer::start(&person);
    let state = |server: &mut McpServer| server.call("status", json!({}))["structuredContent"].clone();
    assert_eq!(state(&mut server)["session"], "awake");
    let path = server.inject(json!({ "name": "WEB" }));
    assert_eq!(state(&mut server)["injected"], json!(["WEB"]));
    server.text("sleep-session", json!({}));
    assert!(!path.exists());
    assert_eq!(
        (&state(&mut server)["session"], &state(&mut server)["injected"]),
        (&json!("asleep"), &json!([]))
    );
    for (tool, arguments) in [
        ("get-secret", json!({ "name": "WEB" })),
        ("run-with-secrets", json!({ "command": ["true"] })),
        ("list-secrets", json!({})),
        ("generate-secret", json!({ "name": "NEW" })),
    ] {
        assert!(server.text(tool, arguments).contains("this session sleeps"), "{tool}");
    }
    server.text("wake-session", json!({ "tags": ["web"], "minutes": 5 }));
    let woken = state(&mut server);
    assert_eq!((&woken["awake_for"], &woken["minutes_left"]), (&json!(["web"]), &json!(5)));
    let path = server.inject(json!({ "name": "WEB" }));
    assert!(path.exists());
    assert!(server.text("get-secret", json!({ "name": "DATA" })).contains("woken for secrets of other tags"));
    let show = json!(["sh", "-c", "echo ${WEB:+web} ${DATA:+data}"]);
    assert_eq!(server.text("run-with-secrets", json!({ "command": show })).trim(), "web");
    assert!(
        server
            .text("run-with-secrets", json!({ "command": show, "names": ["DATA"] }))
            .contains("woken for secrets of other tags")
    );
    for wrong in [0, 1441] {
        assert_eq!(server.call("wake-session", json!({ "minutes": wrong }))["isError"], true);
    }
    server.text("wake-session", json!({}));
    assert!(!path.exists(), "what was injected before goes");
    assert_eq!(server.text("run-with-secrets", json!({ "command": show })).trim(), "web data");
    server.text("byebye", json!({}));
    assert_eq!(state(&mut server)["session"], "ended");
    assert!(server.text("wake-session", json!({})).contains("has ended"));
    assert!(!server.transcript.contains(CANARY));
}

/// By the clock alone: nobody calls.
#[test]
fn a_session_falls_asleep_by_itself() {
    let person = person();
    person.run_with(&["set", "WEB"], CANARY.as_bytes(), &[]).ok();
    let mut server = McpServer::start(&person);
    server.inject(json!({ "name": "WEB" }));
    server.text("wake-session", json!({ "minutes": 1 }));
    let path = server.inject(json!({ "name": "WEB" }));
    let began = Instant::now();
    while path.exists() {
        assert!(began.elapsed() < Duration::from_secs(90), "the file stays");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(began.elapsed() > Duration::from_secs(55));
    assert!(server.text("get-secret", json!({ "name": "WEB" })).contains("this session sleeps"));
}

#[test]
fn the_log_is_shown_by_names() {
    let person = person();
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    let mut server = McpServer::start(&person);
    server.inject(json!({ "name": "TOKEN" }));
    let log = server.call("audit-log", json!({ "limit": 50 }));
    let rows = log["structuredContent"]["rows"].as_array().unwrap();
    let read = rows.iter().find(|row| row["action"] == "read").unwrap();
    assert_eq!(
        (&read["how"], &read["result"], &read["secrets"]),
        (&json!("inject"), &json!("allowed"), &json!(["TOKEN"]))
    );
    assert!(rows.iter().all(|row| row["action"] != "another"), "{log}");
    assert!(log["content"][0]["text"].as_str().unwrap().contains("allowed  read  inject  TOKEN"));
    assert!(!server.transcript.contains(CANARY));
}

#[test]
fn a_value_is_typed_in_the_dashboard() {
    let person = person();
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    let environments: Value =
        serde_json::from_str(&person.run(&["environments", "list", "--json"]).ok()).unwrap();
    let (url, id) = (Vault::shared().url(), environments[0]["id"].as_str().unwrap());
    let (own, list) = (format!("{url}/#/secret/TOKEN/{id}"), format!("{url}/#/in/{id}"));
    let mut server = McpServer::start_opening(&person, "accept");
    let told = server.call("set-secret", json!({ "name": "TOKEN" }));
    let expected = json!({ "name": "TOKEN", "page": own, "opened": true, "version": 1 });
    assert_eq!(told["structuredContent"], expected, "{told}");
    assert!(
        server.questions[0].ends_with(&own) && server.questions[0].contains("shop/dev"),
        "{:?}",
        server.questions
    );
    let told = server.call("set-secret", json!({ "name": "ABSENT" }));
    assert_eq!(told["structuredContent"]["page"], list, "{told}");
    assert!(server.questions[1].contains("add ABSENT"), "{:?}", server.questions);
    assert!(server.text("set-secret", json!({ "name": "LD_PRELOAD" })).contains("could take over a shell"));

    let mut server = McpServer::start_opening(&person, "decline");
    assert!(server.text("set-secret", json!({ "name": "TOKEN" })).contains("the user does not want to"));

    // A form of the client's own is none for a secret.
    for mut server in [McpServer::start(&person), McpServer::start_asking(&person, "accept")] {
        let told = server.call("set-secret", json!({ "name": "TOKEN" }));
        assert_eq!(told["structuredContent"]["opened"], false);
        assert!(told["content"][0]["text"].as_str().unwrap().contains(&own), "{told}");
        assert_eq!(server.questions, Vec::<String>::new());
    }

    // The newer life of MCP: the page is the result of the first round.
    let mut server = McpServer::start(&person);
    let mut call = |more: Value| {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "kit", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
        });
        let mut params = json!({ "name": "set-secret", "arguments": { "name": "TOKEN" }, "_meta": meta });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.ask("tools/call", params)
    };
    let first = call(json!({}));
    assert_eq!(first["resultType"], "input_required", "{first}");
    assert_eq!(first["inputRequests"]["page"]["params"]["url"], own, "{first}");
    let with = |action: &str| json!({ "inputResponses": { "page": { "action": action } } });
    assert_eq!(call(with("accept"))["structuredContent"]["opened"], true);
    assert_eq!(call(with("decline"))["isError"], true);
}

#[test]
fn a_client_that_wants_to_know_hears_that_long_work_goes_on() {
    let person = person();
    let mut server = McpServer::start(&person);
    server.text("run-with-secrets", json!({ "command": ["true"] }));
    let long = json!({ "command": ["sleep", "3"] });
    server.call("run-with-secrets", long.clone());
    assert!(!server.transcript.contains("notifications/progress"), "{}", server.transcript);
    server.ask(
        "tools/call",
        json!({ "name": "run-with-secrets", "arguments": long, "_meta": { "progressToken": "t-1" } }),
    );
    let told = server.transcript.lines().find(|line| line.contains("notifications/progress")).unwrap();
    let told: Value = serde_json::from_str(told).unwrap();
    assert_eq!(
        told["params"],
        json!({ "progressToken": "t-1", "progress": 2.0, "message": "at work for 2 seconds" })
    );
}

#[test]
fn a_cancelled_command_ends_with_all_that_it_started() {
    let person = person();
    let mut server = McpServer::start(&person);
    server.text("run-with-secrets", json!({ "command": ["true"] }));
    let (begun, over) = (person.project().join("begun"), person.project().join("over"));
    let run = |seconds: u8| {
        let script = format!("touch begun; (sleep {seconds}; touch over) & wait");
        json!({ "name": "run-with-secrets", "arguments": { "command": ["sh", "-c", script] } })
    };
    let asked = json!({ "jsonrpc": "2.0", "id": "long", "method": "tools/call", "params": run(2) });
    server.send(&asked.to_string());
    while !begun.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "long" } });
    server.send(&cancelled.to_string());
    std::thread::sleep(Duration::from_secs(3));
    assert!(!over.exists());
    // What is not cancelled comes to its end.
    let done = server.ask("tools/call", run(0));
    assert!(over.exists(), "{done}");
}

#[test]
fn questions_that_nobody_answers_keep_no_place_once_their_calls_are_cancelled() {
    let person = person();
    let mut server = McpServer::start_opening(&person, "accept");
    // More than may be unanswered at once.
    for number in 1000..1080 {
        let params = json!({ "name": "set-secret", "arguments": { "name": "X" }, "_meta": { "progressToken": number } });
        let asked = json!({ "jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params });
        server.send(&asked.to_string());
        let question = server.receive();
        assert_eq!(question["method"], "elicitation/create", "{number}: {question}");
        let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": number } });
        server.send(&cancelled.to_string());
    }
    assert!(server.text("status", json!({})).contains("session awake"));
}
