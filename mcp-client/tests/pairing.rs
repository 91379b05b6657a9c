//! Pairing: the real binary asks for a key at one machine, and is given one at another.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{McpServer, Person, Vault};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");

/// A machine that is being set up, up to where it waits.
struct Waiting {
    child: Child,
    words: String,
    code: String,
    output: BufReader<std::process::ChildStdout>,
}

fn set_up(person: &Person, arguments: &[&str], environment: &[(&str, &str)]) -> Waiting {
    let mut command = person.command();
    command.arg("setup").args(arguments).envs(environment.iter().copied());
    command.env_remove("SECURECODE_PASSPHRASE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut words, mut code) = (String::new(), String::new());
    let mut line = String::new();
    while code.is_empty() {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended: {:?}", child.wait());
        if let Some(rest) = line.strip_prefix("    ").filter(|_| words.is_empty()) {
            words = rest.trim().to_owned();
        }
        if let Some((_, rest)) = line.split_once("securecode approve ") {
            code = rest.trim().to_owned();
        }
    }
    Waiting { child, words, code, output }
}

impl Waiting {
    fn end(mut self) -> (i32, String) {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap().code().unwrap(), text)
    }
}

/// A folder with a browser that only writes down what it was to open.
fn browser(person: &Person) -> (String, PathBuf) {
    let folder = person.folder().join("browser");
    fs::create_dir(&folder).unwrap();
    let opened = folder.join("opened");
    let script = folder.join("xdg-open");
    fs::write(&script, format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", opened.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (format!("{}:/usr/bin:/bin", folder.display()), opened)
}

fn once_written(path: &Path) -> String {
    let began = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ if began.elapsed() > Duration::from_secs(20) => panic!("{} was never written", path.display()),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn owner() -> Person {
    let owner = Person::set_up(BINARY, Vault::shared().url());
    owner.run_with(&["set", "TOKEN"], b"value-of-the-token", &[]).ok();
    owner
}

fn keys(owner: &Person) -> usize {
    let listed: serde_json::Value =
        serde_json::from_str(&owner.run(&["keys", "list", "--json"]).ok()).unwrap();
    listed.as_array().unwrap().iter().filter(|key| key["status"] == "active").count()
}

#[test]
fn a_machine_is_given_a_key_by_who_compared_the_words() {
    let (owner, machine) = (owner(), Person::new(BINARY));
    let url = Vault::shared().url();
    let waiting = set_up(&machine, &["--vault-url", url, "--project", "shop"], &[]);
    assert_eq!(waiting.words.split(' ').count(), 4);
    let before = keys(&owner);

    let approve = |words: &str| {
        owner.run(&["approve", &waiting.code, "--project", "shop", "--environment", "dev", "--words", words])
    };
    approve("some other four words").failed(1);
    owner.run(&["approve", &waiting.code, "--words", &waiting.words]).failed(1);
    owner.run(&["approve", "scp_wrong", "--words", &waiting.words]).failed(1);
    // No terminal, no words: nobody compared.
    owner.run(&["approve", &waiting.code, "--project", "shop", "--environment", "dev"]).failed(1);
    assert_eq!(keys(&owner), before);

    let told = approve(&waiting.words).ok();
    assert!(told.contains("Approved"), "{told}");
    // Once.
    approve(&waiting.words).failed(3);
    assert_eq!(keys(&owner), before + 1, "a key that nobody got stays in use");

    let (code, text) = waiting.end();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("This folder uses shop/dev.") && text.contains("checks passed"), "{text}");
    assert!(!text.contains("sc_"), "{text}");
    let file = machine.project().join(".securecoderc");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(machine.project().join(".gitignore")).unwrap().contains(".securecoderc"));
    let ran = machine.run(&["run", "--", "sh", "-c", "test \"$TOKEN\" = value-of-the-token && echo it is"]);
    assert_eq!(ran.ok(), "it is\n");
    // It was not allowed to reveal.
    machine.run(&["get", "TOKEN", "--reveal"]).failed(3);
    // Set up again, nothing happens.
    assert!(machine.run(&["setup"]).ok().contains("there already"));
    machine.run(&["setup", "--project", "other"]).failed(1);
}

#[test]
fn a_key_can_be_put_in_by_hand() {
    let owner = owner();
    let made = owner.run(&["keys", "create", "--environment", "dev", "--json"]).ok();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let machine = Person::new(BINARY);
    let url = Vault::shared().url();
    let paste =
        |text: &str| machine.run_with(&["setup", "--paste", "--vault-url", url], text.as_bytes(), &[]);
    let refused = paste("sc_nonsense\n").failed(1);
    assert!(!refused.contains("nonsense"));
    assert!(!machine.project().join(".securecoderc").exists());
    let told = paste(&format!("{}\n", made["key"].as_str().unwrap())).ok();
    assert!(told.contains("This folder uses shop/dev."), "{told}");
    assert_eq!(machine.run(&["list"]).ok().split_whitespace().next(), Some("TOKEN"));
}

#[test]
fn the_browser_is_opened_at_the_vault_with_all_in_the_fragment() {
    let machine = Person::new(BINARY);
    let (path, opened) = browser(&machine);
    let url = Vault::shared().url();
    let environment = [("PATH", path.as_str()), ("DISPLAY", ":9")];
    let mut waiting =
        set_up(&machine, &["--vault-url", url, "--project", "shop", "--environment", "test"], &environment);
    let link = once_written(&opened);
    assert_eq!(link, format!("{url}/#/pair/{}/shop/test", waiting.code));
    waiting.child.kill().unwrap();
    assert!(!waiting.end_text().contains("Open this where"), "the link is shown only where no browser opens");
}

impl Waiting {
    fn end_text(mut self) -> String {
        let mut text = String::new();
        let _ = self.output.read_to_string(&mut text);
        let _ = self.child.wait();
        text
    }
}

#[test]
fn what_was_sealed_for_another_machine_is_not_taken() {
    let vault = Vault::shared();
    let (first, second) = (Person::new(BINARY), Person::new(BINARY));
    let (one, mut other) = (
        set_up(&first, &["--vault-url", vault.url()], &[]),
        set_up(&second, &["--vault-url", vault.url()], &[]),
    );
    let owner = owner();
    let place = ["--project", "shop", "--environment", "dev"];
    owner.run(&[&["approve", &other.code, "--words", &other.words][..], &place].concat()).ok();
    // A vault that hands one machine what was left for another.
    let id = |waiting: &Waiting| {
        let request: sealing::PairingRequest = waiting.code.parse().unwrap();
        request.id()
    };
    let left: protocol::body::Pairing = vault.http().get(&format!("/v1/pairings/{}", id(&other))).json();
    let somebody = kit::Owner::sign_up(vault);
    somebody.http.put(&format!("/v1/pairings/{}", id(&one)), &left).ok();
    let (code, text) = one.end();
    assert_eq!(code, 4, "{text}");
    assert!(!first.project().join(".securecoderc").exists());
    let _ = other.child.kill();
    let _ = other.child.wait();
}

fn fetch(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_agent_sets_a_project_up_and_sees_neither_words_nor_key() {
    let (owner, machine) = (owner(), Person::new(BINARY));
    let (path, opened) = browser(&machine);
    let url = Vault::shared().url();
    let environment = [("PATH", path.as_str()), ("DISPLAY", ":9"), ("SECURECODE_VAULT_URL", url)];
    let mut server = McpServer::start_with(&machine, &environment);
    let page = std::thread::spawn(move || {
        let local = once_written(&opened);
        assert!(local.starts_with("http://127.0.0.1:"), "{local}");
        assert!(fetch(&format!("{local}x")).starts_with("HTTP/1.1 404"));
        let page = fetch(&local);
        let words = page.split("<strong>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        let link = page.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        assert!(link.starts_with(&format!("{url}/#/pair/scp_")), "{link}");
        let told = owner.run(&["approve", &link, "--project", "shop", "--words", &words]).ok();
        (words, told)
    });
    let answer = server.text("setup", json!({}));
    let (words, told) = page.join().unwrap();
    assert!(told.contains("shop/dev"), "{told}");
    assert!(answer.contains("has a key now"), "{answer}");
    assert!(!answer.contains(&words) && !answer.contains("sc_") && !answer.contains("scp_"), "{answer}");
    server.text("list-secrets", json!({}));
    assert!(server.text("list-secrets", json!({})).contains("TOKEN"));
    assert!(server.text("setup", json!({})).contains("has a key already"));
}

#[test]
fn without_a_browser_an_agent_is_told_what_the_person_runs() {
    let machine = Person::new(BINARY);
    let mut server = McpServer::start_with(&machine, &[("SECURECODE_VAULT_URL", Vault::shared().url())]);
    let answer = server.text("setup", json!({}));
    assert!(answer.contains("securecode setup") && answer.contains("own terminal"), "{answer}");
    let mut server = McpServer::start(&machine);
    let answer = server.text("setup", json!({}));
    assert!(answer.contains("securecode setup --vault-url"), "{answer}");
}
