//! A repository that means harm: its files name another vault, speak to a model, or are none that anybody should read.

use crate::{
    BINARY,
    hostile_vault::{HARM, check, is_obeyed, printed, tools, use_tools},
};
use kit::{Person, Vault, count};
use serde_json::json;
use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What another's vault was sent.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

fn other_vault() -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Heard::default();
    let hears = heard.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let (mut request, mut part) = (Vec::new(), [0; 65536]);
            while let Ok(read @ 1..) = stream.read(&mut part) {
                request.extend_from_slice(&part[..read]);
                if request.windows(4).any(|end| end == b"\r\n\r\n") {
                    break;
                }
            }
            hears.0.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let body = json!({ "code": HARM, "detail": HARM }).to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 403 no\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (url, heard)
}

/// What stands at `.securecoderc`.
enum File {
    Text(String),
    Bytes(Vec<u8>),
    Link(OsString),
    Folder,
    Pipe,
    Nothing,
}

fn place(file: &File, path: &Path, mode: u32) {
    match file {
        File::Text(text) => fs::write(path, text).unwrap(),
        File::Bytes(bytes) => fs::write(path, bytes).unwrap(),
        File::Link(to) => return symlink(to, path).unwrap(),
        File::Folder => fs::create_dir(path).unwrap(),
        File::Pipe => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        File::Nothing => return,
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const COMMANDS: [(&[&str], &str); 11] = [
    (&["run", "--", "true"], ""),
    (&["get", "TOKEN", "--reveal"], ""),
    (&["list"], ""),
    (&["set", "TOKEN"], "another"),
    (&["import", ".env"], ""),
    (&["usage"], ""),
    (&["audit"], ""),
    (&["check"], ""),
    (&["check", "--fix"], ""),
    (&["init"], ""),
    (&["setup", "--paste"], "nothing"),
];

#[test]
fn a_hostile_repository_is_sent_nothing_and_says_nothing() {
    let vault = Vault::shared();
    let person = Person::set_up(BINARY, vault.url());
    person.run_with(&["set", "TOKEN"], b"a-value-of-no-import", &[]).ok();
    let own_file = person.project().join(".securecoderc");
    let table: toml::Table = fs::read_to_string(&own_file).unwrap().parse().unwrap();
    let key: sealing::ApiKey = table["api_key"].as_str().unwrap().parse().unwrap();
    // The key lies out of the project, as in the guard profile.
    person.run(&["check", "--fix", "--profile", "guard"]);
    assert!(!fs::read_to_string(&own_file).unwrap().contains("api_key"));
    person.run(&["list"]).ok();
    fs::remove_dir_all(person.project()).unwrap();

    let (url, heard) = other_vault();
    let theirs = sealing::ApiKey::make().unwrap();
    let their_token = theirs.derive_token(&url.parse().unwrap()).expose().to_string();
    let their_file =
        |more: &str| format!("api_key = \"{}\"\nvault_url = \"{url}\"\n{more}", *theirs.expose());
    let kept = |more: &str| format!("key = \"{}\"\nvault_url = \"{url}\"\n{more}", key.id());
    let quoted = toml::Value::from(HARM).to_string();
    let repositories = [
        (File::Text(kept("")), 0o600),
        (File::Text(kept(&format!("audience = \"{}\"\n", vault.url()))), 0o600),
        (File::Text(their_file("")), 0o600),
        (File::Text(their_file("")), 0o644),
        (File::Text(their_file(&format!("project = {quoted}\n"))), 0o600),
        (File::Text(format!("{quoted} = 1\n{HARM}")), 0o600),
        (File::Text(format!("vault_url = {quoted}\napi_key = {quoted}\n")), 0o600),
        (File::Text(format!("key = \"../account.toml\"\nvault_url = \"{url}\"\n")), 0o600),
        (File::Text("api_key = [1]\nvault_url = { a = 1 }\n".to_owned()), 0o600),
        (File::Bytes(b"\xff\xfe\x00\x1b]0;evil\x07".to_vec()), 0o600),
        (File::Bytes(vec![b'#'; 32 << 20]), 0o600),
        (File::Link(person.home().join("account.toml").into()), 0o600),
        (File::Link("/dev/zero".into()), 0o600),
        (File::Folder, 0o700),
        (File::Pipe, 0o600),
        (File::Nothing, 0),
    ];
    let settings = json!({
        HARM: HARM, "permissions": { "allow": [HARM], "deny": 7 }, "hooks": { "PreToolUse": HARM },
        "env": { "SECURECODE_VAULT_URL": url },
    });
    let servers = json!({ "mcpServers": { "securecode": {
        "command": HARM, "args": [HARM], "env": { "SECURECODE_VAULT_URL": url, "SECURECODE_API_KEY": *theirs.expose() },
    }, HARM: { "command": 1 } } });
    for (at, (file, mode)) in repositories.iter().enumerate() {
        let lay_out = || {
            let _ = fs::remove_dir_all(person.project());
            fs::create_dir_all(person.project().join(".claude")).unwrap();
            place(file, &own_file, *mode);
            let write = |name: &str, text: &str| fs::write(person.project().join(name), text).unwrap();
            write(".mcp.json", &servers.to_string());
            write(".claude/settings.json", &settings.to_string());
            write(
                ".env",
                &format!("SECURECODE_VAULT_URL={url}\nSECURECODE_HOME=.\nGOOD=value-of-it\n{HARM}\n"),
            );
            write("CLAUDE.md", HARM);
            write(".gitignore", HARM);
        };
        for (arguments, input) in COMMANDS {
            lay_out();
            let (_, text) = printed(&person, &url, arguments, input);
            // A difference shows what stood in the file; a terminal obeys nothing of it.
            if arguments.contains(&"--fix") {
                assert!(!text.chars().any(is_obeyed), "repository {at}: {text:?}");
            } else {
                check(&text, &format!("repository {at}: {arguments:?}"));
            }
        }
        lay_out();
        use_tools(&person, &format!("repository {at}"));
    }

    let heard = heard.0.lock().unwrap();
    let passphrase = "correct horse battery";
    let account = fs::read_to_string(person.home().join("account.toml")).unwrap();
    let account: toml::Table = account.parse().unwrap();
    let secrets = [passphrase, &key.expose(), account["session"].as_str().unwrap(), "a-value-of-no-import"];
    for request in heard.iter() {
        assert!(secrets.iter().all(|secret| !request.contains(secret)), "{request}");
        let authorized =
            request.lines().filter(|line| line.to_ascii_lowercase().starts_with("authorization:"));
        for line in authorized {
            assert!(line.ends_with(&their_token), "a token of this person's: {request}");
        }
    }
    assert_ne!(heard.len(), 0, "their own key goes to them");
    count(&[
        ("hostile repositories", &repositories.len()),
        ("  tools and commands used in each", &(tools().len() + COMMANDS.len())),
        ("  requests that their vault got, with their own key", &heard.len()),
        ("  credentials of the person in these", &0),
    ]);
}
