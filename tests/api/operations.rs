//! What an operator does with a native vault.

use kit::{Owner, Vault};
use protocol::{
    Permission,
    body::{Read, Written},
};
use securecode_vault::native;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_backup_of_a_vault_that_is_in_use_is_a_whole_vault() {
    let vault = Vault::native();
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    let elsewhere = tempfile::tempdir().unwrap();
    let (copy, restored) = (elsewhere.path().join("copy"), elsewhere.path().join("restored"));
    for number in 0..5 {
        key.put(&format!("S{number}"), b"kept");
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 5..25 {
                key.put(&format!("S{number}"), b"later");
            }
        });
        native::back_up(vault.storage(), &copy).unwrap();
    });
    for (path, expected) in [
        (copy.clone(), 0o700),
        (copy.join("vault.db"), 0o600),
        (copy.join("pepper"), 0o600),
        (copy.join("column-key"), 0o600),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    assert!(native::back_up(vault.storage(), &copy).unwrap_err().to_string().contains("is there already"));
    native::restore(&copy, &restored).unwrap();
    let again = Vault::native_in(&restored);
    let http = again.http().with(&key.api_key.derive_token(&vault.url().parse().unwrap()));
    let read: Read = http.get(&key.secret_path("S0", protocol::body::How::Inject)).json();
    assert_eq!(environment.open_secret(&read.secret.unwrap()).unwrap().value.expose(), b"kept");
    // It is written to like any other.
    let next = again.http().with(&owner.session);
    let (_, manifest) = owner.next_manifest(|_| {});
    let id = protocol::ProjectId::from_bytes(sealing::make_id().unwrap());
    let _: Written = next.put(&format!("/v1/projects/{id}"), &protocol::body::NewProject { manifest }).json();
}

#[test]
fn half_a_backup_is_not_restored_and_leaves_nothing_behind() {
    let vault = Vault::native();
    let elsewhere = tempfile::tempdir().unwrap();
    let (copy, restored) = (elsewhere.path().join("copy"), elsewhere.path().join("restored"));
    native::back_up(vault.storage(), &copy).unwrap();
    fs::remove_file(copy.join("pepper")).unwrap();
    native::restore(&copy, &restored).unwrap_err();
    assert!(!restored.exists());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    native::back_up(&elsewhere.path().join("nothing"), &restored).unwrap_err();
}

#[test]
fn a_database_of_a_newer_schema_is_refused() {
    let vault = Vault::native();
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy");
    native::back_up(vault.storage(), &copy).unwrap();
    rusqlite::Connection::open(copy.join("vault.db"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = native::open(&copy, native::system_clock, |_| {}).map(drop).unwrap_err().to_string();
    assert!(error.contains("schema version 99"), "{error}");
}

#[test]
fn each_migration_is_in_the_list_that_is_applied() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, securecode_vault::migrations::NAMES);
}

/// Every line is JSON and has the request's id; nothing that a caller sent is in it.
#[test]
fn the_log_is_lines_of_json_without_what_was_sent() {
    use securecode_vault::{host::Surroundings, log::Event};
    use std::sync::Mutex;
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn keep(event: &Event<'_>) {
        LINES.lock().unwrap().push(event.line());
    }
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::native_with(folder.path(), |surroundings| Surroundings { log: keep, ..surroundings });
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    key.put("A", b"1");
    let answer = key.http.get("/v1/bundle?canary=sent-in-a-query");
    assert_eq!(answer.status, 400);
    vault.http().send("POST", "/v1/sessions", Some("{\"email\": \"sent-in-a-body\"}".into()));
    let lines = LINES.lock().unwrap().clone();
    assert!(lines.len() > 8);
    for line in &lines {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["request"].as_str().unwrap().len(), 32, "{line}");
        for sent in ["sent-in", "sct_", &owner.email] {
            assert!(!line.contains(sent), "{line}");
        }
    }
    let id = answer.headers.get("x-request-id").unwrap();
    assert!(lines.iter().any(|line| line.contains(id.as_str()) && line.contains("GET /v1/bundle")));
}
