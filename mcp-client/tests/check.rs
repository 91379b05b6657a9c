//! `securecode check`, and what holds in the profiles that it sets up, as the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{McpServer, Person, Vault};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");
const CANARY: &str = "cAnArY-value-9f3e77ab20";

/// A person with a secret, a project under git, and settings of the agent's that are there already.
fn person() -> Person {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    fs::create_dir_all(settings(&person).parent().unwrap()).unwrap();
    fs::write(
        settings(&person),
        "{\n  // mine\n  \"model\": \"opus\",\n  \"permissions\": { \"allow\": [\"Bash(ls)\"] }\n}\n",
    )
    .unwrap();
    fs::write(person.project().join("app.sh"), "echo \"length ${#TOKEN}, $TOKEN\"\n").unwrap();
    git(&person, &["init", "-q"]);
    git(&person, &["add", "-A"]);
    git(&person, &["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "begin"]);
    person
}

fn guarded(profile: &str) -> Person {
    let person = person();
    person.run(&["check", "--fix", "--profile", profile]).ok();
    person
}

fn settings(person: &Person) -> std::path::PathBuf {
    person.folder().join("home/.claude/settings.json")
}

fn git(person: &Person, arguments: &[&str]) {
    let done = Command::new("git").args(arguments).current_dir(person.project()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn report(person: &Person, arguments: &[&str]) -> (i32, Value) {
    let ran = person.run(&[&["check", "--json"], arguments].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr)))
}

fn wrong(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["ok"] == false).map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn a_fix_mends_everything_keeps_what_is_there_and_is_idempotent() {
    let person = person();
    let (code, before) = report(&person, &["--profile", "guard"]);
    assert_eq!(code, 1);
    for id in
        ["mcp-server", "deny-rules", "instructions", "key-place", "profile", "guard-installed", "guard-alive"]
    {
        assert!(wrong(&before).contains(&id), "{id}: {before}");
    }
    let (code, fixed) = report(&person, &["--fix", "--profile", "guard"]);
    assert_eq!((code, wrong(&fixed)), (0, vec![]));
    let text = fs::read_to_string(settings(&person)).unwrap();
    assert!(
        text.contains("// mine") && text.contains("\"model\": \"opus\"") && text.contains("\"Bash(ls)\""),
        "{text}"
    );
    let backup = fixed["changes"].as_array().unwrap().iter().find(|change| {
        change["path"].as_str().unwrap().ends_with(".claude/settings.json") && !change["backup"].is_null()
    });
    let backup = fs::read_to_string(backup.unwrap()["backup"].as_str().unwrap()).unwrap();
    assert!(backup.contains("// mine") && !backup.contains("securecode"), "{backup}");

    let (code, again) = report(&person, &["--fix"]);
    assert_eq!((code, &again["changes"], &again["profile"]), (0, &Value::Null, &json!("guard")), "{again}");
    assert_eq!(fs::read_to_string(settings(&person)).unwrap(), text);
    let project = fs::read_to_string(person.project().join(".securecoderc")).unwrap();
    assert!(!project.contains("sc_"), "the key is out of the project: {project}");
    person.run(&["list"]).ok();
}

#[test]
fn a_guard_that_is_not_alive_and_values_in_files_are_found() {
    let person = guarded("guard");
    let text = fs::read_to_string(settings(&person)).unwrap();
    let broken = [
        text.replace("/bin/securecode guard", "/bin/nothing guard"),
        text.replace("\"model\": \"opus\"", "\"disableAllHooks\": true"),
        text.replace("securecode-shell\"", "securecode-shell-that-was\""),
    ];
    for broken in broken {
        fs::write(settings(&person), broken).unwrap();
        let (code, report) = report(&person, &[]);
        assert_eq!(code, 1);
        assert!(wrong(&report).contains(&"guard-alive"), "{report}");
    }
    fs::write(settings(&person), text).unwrap();
    assert_eq!(report(&person, &[]).0, 0);
    let own = person.project().join(".claude/settings.local.json");
    for weakens in [json!({ "disableAllHooks": true }), json!({ "env": { "CLAUDE_CODE_SHELL_PREFIX": "" } })]
    {
        fs::write(&own, weakens.to_string()).unwrap();
        assert_eq!(wrong(&report(&person, &[]).1), ["guard-alive"]);
    }
    fs::remove_file(own).unwrap();

    fs::write(person.project().join("config.js"), format!("key = '{CANARY}'")).unwrap();
    git(&person, &["add", "config.js"]);
    let (_, found) = report(&person, &[]);
    assert_eq!(wrong(&found), ["no-values-in-files"]);
    assert!(
        found.to_string().contains("config.js holds TOKEN") && !found.to_string().contains(CANARY),
        "{found}"
    );
}

#[test]
fn revealing_and_loosening_need_a_person() {
    for profile in ["guard", "sandbox"] {
        let person = guarded(profile);
        let alone = |arguments: &[&str]| {
            let output =
                person.command().args(arguments).env_remove("SECURECODE_PASSPHRASE").output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        for arguments in [
            &["get", "TOKEN", "--reveal"][..],
            &["run", "--no-mask", "--", "printenv", "TOKEN"],
            &["check", "--fix", "--profile", "plain"],
        ] {
            let (succeeded, output) = alone(arguments);
            assert!(!succeeded && !output.contains(CANARY), "{arguments:?}: {output}");
        }
        assert!(
            !person
                .run_with(&["get", "TOKEN", "--reveal"], b"", &[("SECURECODE_PASSPHRASE", "not the one")])
                .stdout
                .contains(CANARY)
        );
        assert_eq!(person.run(&["get", "TOKEN", "--reveal"]).ok(), CANARY);
        assert_eq!(person.run(&["check", "--json"]).code, 0);

        let mut server = McpServer::start(&person);
        server.inject(json!({ "name": "TOKEN" }));
        let revealed = server.call("get-secret", json!({ "name": "TOKEN", "reveal": true }));
        assert_eq!(revealed["isError"], true);
        assert!(!server.transcript.contains(CANARY));

        // Another home does not loosen a key that was kept out of the project.
        let other = person.folder().join("other");
        fs::create_dir(&other).unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(person.home().join("keys"), other.join("keys")).unwrap();
        let mut command = person.command();
        command
            .args(["get", "TOKEN", "--reveal"])
            .env("SECURECODE_HOME", &other)
            .env_remove("SECURECODE_PASSPHRASE");
        let output = command.output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");

        person.run(&["check", "--fix", "--profile", "plain"]).ok();
    }
}

#[test]
fn a_command_is_run_with_secrets_masked_capped_and_timed() {
    let person = person();
    let mut server = McpServer::start(&person);
    let run = |server: &mut McpServer, command: &[&str]| {
        server.call("run-with-secrets", json!({ "command": command }))
    };
    assert!(
        run(&mut server, &["true"])["content"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("Welcome to SecureCode!")
    );
    let ran = run(&mut server, &["sh", "app.sh"]);
    assert_eq!(ran["structuredContent"]["stdout"], format!("length {}, [TOKEN]\n", CANARY.len()));
    assert_eq!((&ran["structuredContent"]["exit_code"], &ran["isError"]), (&json!(0), &json!(false)));
    let failed = run(&mut server, &["sh", "-c", "echo \"$TOKEN\" >&2; exit 7"]);
    assert_eq!((&failed["structuredContent"]["exit_code"], &failed["isError"]), (&json!(7), &json!(true)));
    assert_eq!(failed["structuredContent"]["stderr"], "[TOKEN]\n");
    let long = run(&mut server, &["seq", "100000"]);
    let long = long["structuredContent"]["stdout"].as_str().unwrap();
    assert!(
        long.len() < 31_000
            && long.starts_with("1\n2\n")
            && long.ends_with("100000\n")
            && long.contains("are left out here")
    );
    let slow = server.call(
        "run-with-secrets",
        json!({ "command": ["sh", "-c", "echo begun; sleep 60 & sleep 60"], "timeout_seconds": 1 }),
    );
    assert_eq!(
        (&slow["structuredContent"]["timed_out"], &slow["structuredContent"]["stdout"]),
        (&json!(true), &json!("begun\n"))
    );
    let missing = run(&mut server, &["no-such-program"]);
    assert!(missing["content"][0]["text"].as_str().unwrap().contains("check the program's name"));
    assert_eq!(
        server.call("run-with-secrets", json!({ "command": [], "names": ["TOKEN"] }))["isError"],
        true
    );
    let absent = server.call("run-with-secrets", json!({ "command": ["true"], "names": ["ABSENT"] }));
    assert!(absent["content"][0]["text"].as_str().unwrap().contains("there is no secret ABSENT"));
    assert!(!server.transcript.contains(CANARY));
}

#[test]
fn a_guarded_server_runs_only_what_it_trusts() {
    let person = guarded("guard");
    let text = fs::read_to_string(settings(&person)).unwrap();
    fs::write(settings(&person), text.replace("\"allow\":", "\"ask\": [\"Bash(git push *)\"], \"allow\":"))
        .unwrap();
    let mut server = McpServer::start(&person);
    let mut run = |command: &[&str]| server.call("run-with-secrets", json!({ "command": command }));
    run(&["true"]);
    let ran = run(&["sh", "app.sh"]);
    assert_eq!(ran["structuredContent"]["stdout"], format!("length {}, [TOKEN]\n", CANARY.len()));
    fs::write(person.project().join("mine.sh"), "printenv TOKEN | tr a-z b-za\n").unwrap();
    for (command, why) in [
        (&["printenv", "TOKEN"][..], "prints what it is given"),
        (&["sh", "-c", "echo $TOKEN"], "code on the command line"),
        (&["python3", "-c", "import os"], "code on the command line"),
        (&["sh", "mine.sh"], "changed since this session began"),
        (&["git", "push", "origin"], "permission rules"),
        (&["curl", "file:///x/.securecode/keys/k"], "not for reading"),
    ] {
        let refused = run(command);
        let text = refused["content"][0]["text"].as_str().unwrap();
        assert!(refused["isError"] == true && text.contains(why), "{command:?}: {text}");
    }
    let checked = server.call("security-check", json!({}));
    assert_eq!(checked["structuredContent"]["passed"], checked["structuredContent"]["total"], "{checked}");
    assert!(
        !server.transcript.contains(CANARY) && !server.transcript.contains("opus"),
        "{}",
        server.transcript
    );
}

#[test]
fn what_an_agent_wrote_gets_no_values_where_no_session_lives_either() {
    let person = guarded("guard");
    let hook = |tool: &str| {
        let call = json!({ "hook_event_name": "PreToolUse", "session_id": "one", "tool_name": tool, "cwd": person.project(), "tool_input": {} });
        person.run_with(&["guard"], call.to_string().as_bytes(), &[]).ok()
    };
    assert_eq!(
        person.run(&["run", "--", "sh", "app.sh"]).ok(),
        format!("length {}, [TOKEN]\n", CANARY.len())
    );
    hook("Write");
    fs::write(person.project().join("mine.sh"), "printenv TOKEN | tr a-z b-za\n").unwrap();
    hook("Bash");
    let ran = person.run(&["run", "--", "sh", "mine.sh"]);
    assert!(ran.stderr.contains("mine.sh changed since this session began"), "{ran:?}");
    assert!(!ran.stdout.contains("9g3f77bc20"), "{ran:?}");
    assert_eq!(
        person.run(&["run", "--", "sh", "app.sh"]).ok(),
        format!("length {}, [TOKEN]\n", CANARY.len())
    );
    assert!(person.run(&["run", "--no-mask", "--", "sh", "mine.sh"]).ok().contains("9g3f77bc20"));
}

#[test]
fn a_guarded_line_gives_a_secret_to_the_programs_that_its_owner_named() {
    let person = guarded("guard");
    let line = |person: &Person| {
        let mut server = McpServer::start(person);
        let path = server.inject(json!({ "name": "TOKEN" }));
        let line = format!("source {} && {BINARY} guard exec -- sh app.sh", path.display());
        let mut command = person.command();
        let program = std::mem::replace(&mut command, Command::new("bash"));
        command.current_dir(person.project()).env_clear().args(["-c", &line]).env("SECURECODE_GUARD", "1");
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let given = format!("length {}", CANARY.len());
    person.run(&["policy", "TOKEN", "--command", "sh"]).ok();
    let (out, told) = line(&person);
    assert!(out.starts_with(&given) && !out.contains(CANARY), "{out}{told}");
    person.run(&["policy", "TOKEN", "--command", "node"]).ok();
    let (out, told) = line(&person);
    assert!(out.starts_with("length") && !out.starts_with(&given), "{out}{told}");
    assert!(told.contains("placeholders instead of TOKEN"), "{told}");
}

#[test]
fn values_in_the_agents_transcripts_are_found() {
    let person = guarded("guard");
    let project = person.project().canonicalize().unwrap();
    let name: String =
        project.to_str().unwrap().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = person.folder().join("home/.claude/projects").join(name);
    fs::create_dir_all(folder.join("session/tool-results")).unwrap();
    fs::write(folder.join("one.jsonl"), "{\"text\":\"nothing of it\"}\n").unwrap();
    let (code, report) = report(&person, &[]);
    assert_eq!((code, wrong(&report)), (0, vec![]));
    assert!(person.run(&["byebye"]).ok().contains("No secret's value stands"));

    // As JSON has it, and as a result of a tool.
    let line = json!({ "content": format!("TOKEN={CANARY}\n") }).to_string();
    fs::write(folder.join("two.jsonl"), format!("{line}\n")).unwrap();
    fs::write(folder.join("session/tool-results/x.txt"), CANARY).unwrap();
    let (code, report) = self::report(&person, &[]);
    assert_eq!((code, wrong(&report)), (1, vec!["no-values-in-transcripts"]));
    let told = report["findings"].to_string();
    assert!(told.contains("TOKEN stands in 2 of them") && !told.contains(CANARY), "{told}");
    assert!(person.run(&["byebye"]).ok().contains("TOKEN stands in 2 of them"));
    let mut server = McpServer::start(&person);
    assert!(!server.text("byebye", json!({})).contains("TOKEN"), "it used none");
    let mut server = McpServer::start(&person);
    server.inject(json!({ "name": "TOKEN" }));
    let told = server.text("byebye", json!({}));
    assert!(told.contains("change these secrets: TOKEN"), "{told}");
    assert!(!server.transcript.contains(CANARY));
    // Another project's are its own.
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir_all(folder.with_file_name("-another-project")).unwrap();
    fs::write(folder.with_file_name("-another-project").join("x.jsonl"), CANARY).unwrap();
    assert_eq!(self::report(&person, &[]).0, 0);
}
