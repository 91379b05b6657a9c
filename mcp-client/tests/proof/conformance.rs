//! The protocol's own conformance suite and its Inspector, against the real binary.
//!
//! The suite speaks HTTP alone, so `tests/tools/mcp-bridge.mjs` stands between: it passes messages on to the standard
//! input of the program that is shipped, and back. A server in this process, behind an HTTP transport of its library's,
//! would try that transport, and not what agents start.

use crate::BINARY;
use kit::{Person, Vault, count};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Scenarios that must pass, by revision of the protocol.
const APPLICABLE: [(&str, &[&str]); 2] = [
    ("2025-11-25", &["server-initialize", "ping", "tools-list"]),
    (
        "2026-07-28",
        &["server-stateless", "tools-list", "caching", "input-required-result-unsupported-methods"],
    ),
];

/// Checks of these scenarios that must not count, and why.
const CHECKS_NOT_APPLICABLE: [(&str, &[&str]); 3] = [
    (
        "the status or a header of an HTTP answer: there is none over standard input and output",
        &[
            "sep-2575-http-server-meta-invalid-400",
            "sep-2575-http-server-unsupported-version-400",
            "sep-2575-http-server-header-mismatch-400",
            "sep-2575-missing-capability-http-400",
            "sep-2575-http-server-method-not-found-404",
            "sep-2575-http-server-method-not-found-404-initialize",
            "sep-2575-http-server-method-not-found-404-ping",
            "sep-2575-http-server-method-not-found-404-logging-setlevel",
            "sep-2575-http-server-method-not-found-404-resources-subscribe",
            "sep-2575-http-server-method-not-found-404-resources-unsubscribe",
        ],
    ),
    (
        "calls a tool of the suite's own example server",
        &[
            "sep-2575-server-rejects-undeclared-capability",
            "sep-2575-http-server-no-independent-requests-on-stream",
            "sep-2575-server-no-log-without-loglevel",
        ],
    ),
    (
        "lists what the server does not offer, and says so: prompts and resources",
        &[
            "sep-2549-prompts-list-caching-hints",
            "sep-2549-resources-list-caching-hints",
            "sep-2549-resources-templates-list-caching-hints",
        ],
    ),
];

/// Scenarios that must not count in any revision, and why. One that "passes" because a tool is not found is here too.
const NOT_APPLICABLE: [(&str, &[&str]); 4] = [
    (
        "calls a tool of the suite's own example server",
        &[
            "tools-call-simple-text",
            "tools-call-image",
            "tools-call-audio",
            "tools-call-embedded-resource",
            "tools-call-mixed-content",
            "tools-call-with-logging",
            "tools-call-error",
            "tools-call-with-progress",
            "tools-call-sampling",
            "tools-call-elicitation",
            "json-schema-2020-12",
            "elicitation-sep1034-defaults",
            "elicitation-sep1330-enums",
            "input-required-result-basic-elicitation",
            "input-required-result-basic-sampling",
            "input-required-result-basic-list-roots",
            "input-required-result-request-state",
            "input-required-result-multiple-input-requests",
            "input-required-result-multi-round",
            "input-required-result-missing-input-response",
            "input-required-result-result-type",
            "input-required-result-tampered-state",
            "input-required-result-capability-check",
            "input-required-result-ignore-extra-params",
            "input-required-result-validate-input",
        ],
    ),
    (
        "uses what the server does not offer, and says so: prompts, resources, completions, logging",
        &[
            "completion-complete",
            "logging-set-level",
            "prompts-list",
            "prompts-get-simple",
            "prompts-get-with-args",
            "prompts-get-embedded-resource",
            "prompts-get-with-image",
            "input-required-result-non-tool-request",
            "resources-list",
            "resources-read-text",
            "resources-read-binary",
            "resources-templates-read",
            "resources-subscribe",
            "resources-unsubscribe",
            "sep-2164-resource-not-found",
        ],
    ),
    (
        "tries HTTP, which here is the bridge's",
        &[
            "server-session-lifecycle",
            "server-sse-polling",
            "server-sse-multiple-streams",
            "dns-rebinding-protection",
            "http-header-validation",
            "http-custom-header-server-validation",
        ],
    ),
    (
        "an extension that the server does not offer",
        &[
            "sep-2640-skills-directory",
            "sep-2640-skills-enumeration",
            "sep-2640-skills-manifest",
            "tasks-lifecycle",
            "tasks-capability-negotiation",
            "tasks-wire-fields",
            "tasks-request-state-removal",
            "tasks-mrtr-input",
            "tasks-request-headers",
            "tasks-dispatch-and-envelope",
            "tasks-status-notifications",
            "tasks-required-task-error",
            "tasks-mrtr-composition",
        ],
    ),
];

fn all(groups: &[(&'static str, &[&'static str])]) -> BTreeSet<&'static str> {
    groups.iter().flat_map(|(_, names)| names.iter().copied()).collect()
}

fn module(path: &str) -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/node_modules");
    assert!(modules.exists(), "npm's tools are missing; run `cargo xtask setup`");
    modules.join(path)
}

/// The Node that both tools need: 22, from npm where it is there for this machine.
fn node() -> Command {
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let own = module(&format!("node-{system}-{processor}/bin/node"));
    let mut node = Command::new(if own.exists() { own } else { "node".into() });
    node.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    node
}

fn as_person(command: &mut Command, person: &Person) {
    command.env("HOME", person.folder().join("home")).env("SECURECODE_HOME", person.home());
}

/// A running bridge; its processes end when its own does.
struct Bridge(Child, String);

impl Bridge {
    fn start(person: &Person) -> Self {
        let mut command = node();
        command.arg(module("../mcp-bridge.mjs")).arg(BINARY).arg(person.project()).stdout(Stdio::piped());
        as_person(&mut command, person);
        let mut child = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self(child, url.trim().to_owned())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_scenario_of_the_conformance_suite_passes_or_is_named_as_not_applicable() {
    let suite = module("@modelcontextprotocol/conformance/dist/index.js");
    let listed = node().arg(&suite).args(["list", "--server"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let scenarios: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split_once(" ["))
        .map(|one| one.0)
        .collect();
    let known: BTreeSet<&str> = all(&NOT_APPLICABLE).union(&all(&APPLICABLE)).copied().collect();
    assert_eq!(scenarios, known, "the suite has others than are judged here");

    let person = Person::set_up(BINARY, Vault::shared().url());
    let bridge = Bridge::start(&person);
    let (excused, mut failed) = (all(&CHECKS_NOT_APPLICABLE), BTreeSet::new());
    let (mut passed, mut checks) = (0, 0);
    for (revision, applicable) in APPLICABLE {
        let results = person.folder().join(revision);
        let mut command = node();
        command.arg(&suite).args([
            "server",
            "--suite",
            "all",
            "--url",
            &bridge.1,
            "--spec-version",
            revision,
        ]);
        command.arg("-o").arg(&results).output().unwrap();
        let results = read(&results);
        for scenario in applicable {
            let statuses = results.get(*scenario).unwrap_or_else(|| panic!("{scenario} was not run"));
            let mut succeeded = 0;
            for (id, status, told) in statuses {
                match status.as_str() {
                    "SUCCESS" => succeeded += 1,
                    "FAILURE" if excused.contains(id.as_str()) => {
                        failed.insert(id.clone());
                    }
                    "SKIPPED" | "INFO" => {}
                    _ => panic!("{revision} {scenario} {id}: {status}: {told}"),
                }
            }
            assert_ne!(succeeded, 0, "{revision} {scenario} says nothing");
            (passed, checks) = (passed + 1, checks + succeeded);
        }
        let judged: BTreeSet<&str> =
            all(&NOT_APPLICABLE).into_iter().chain(applicable.iter().copied()).collect();
        let run: BTreeSet<&str> = results.keys().map(String::as_str).collect();
        assert!(run.is_subset(&judged), "{revision}: not judged: {:?}", run.difference(&judged));
    }
    let failed: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
    assert_eq!(failed, excused, "some do not fail any more");
    count(&[
        ("conformance scenarios passed", &passed),
        ("  checks in them that succeeded", &checks),
        ("  scenarios that are not applicable", &all(&NOT_APPLICABLE).len()),
    ]);
}

/// What came of each check of each scenario, with what was said of it.
fn read(results: &Path) -> BTreeMap<String, Vec<(String, String, String)>> {
    let mut read = BTreeMap::new();
    for folder in fs::read_dir(results).unwrap().flatten() {
        let text = fs::read_to_string(folder.path().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_str(&text).unwrap();
        let field = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let of = |check: &Value| (field(check, "id"), field(check, "status"), field(check, "errorMessage"));
        // server-NAME-2026-11-25T12-52-51-162Z
        let name = folder.file_name().into_string().unwrap();
        let name = name.strip_prefix("server-").unwrap();
        read.insert(name[..name.len() - 25].to_owned(), checks.iter().map(of).collect());
    }
    read
}

#[test]
fn the_inspector_lists_the_tools_and_calls_one() {
    let person = Person::set_up(BINARY, Vault::shared().url());
    let ask = |arguments: &[&str]| {
        let mut command = node();
        command.arg(module("@modelcontextprotocol/inspector/clients/launcher/build/index.js"));
        command.args(["--cli", BINARY, "mcp"]).args(arguments).current_dir(person.project());
        as_person(&mut command, &person);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let tools = ask(&["--strict", "--method", "tools/list"]);
    assert_eq!(tools["tools"].as_array().unwrap().len(), 14);
    let status = ask(&["--method", "tools/call", "--tool-name", "status"]);
    assert_eq!(status["structuredContent"]["project"], "shop", "{status}");
    let warned = ask(&["--method", "tools/call", "--tool-name", "get-secret", "--tool-arg", "name=TOKEN"]);
    assert!(warned["content"][0]["text"].as_str().unwrap().starts_with("Welcome"), "{warned}");
    count(&[("calls of the Inspector's command line", &3)]);
}
