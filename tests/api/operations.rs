//! What an operator does with a native vault.

use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{
        Account, Closed, Kdf, LogIn, LoggedRow, Page, PreLogin, Read, Recover, Recovered, RevokeKey,
        RotateKey, SignUp, Versioned, Written,
    },
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

/// Puts another secret in the place of one, which stays as the previous one.
fn change_secret(folder: &Path, name: &str) {
    fs::rename(folder.join(name), folder.join(format!("previous-{name}"))).unwrap();
    let fresh = serde_json::to_value(protocol::Bytes32::new(kit::make_token_auth())).unwrap();
    fs::write(folder.join(name), fresh.as_str().unwrap()).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A native vault in a folder, which may be started there again; and its first address, which tokens are made for.
fn in_folder(folder: &Path) -> (Vault, sealing::Audience) {
    let vault = Vault::native_in(folder);
    let audience = vault.url().parse().unwrap();
    (vault, audience)
}

#[test]
fn the_pepper_is_changed_and_everything_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, audience) = in_folder(folder.path());
    let all = [Permission::Read, Permission::Write, Permission::Audit];
    let mut people: Vec<(Owner, Vec<Key>)> = (0..4)
        .map(|_| {
            let mut owner = Owner::sign_up(&vault);
            let project = owner.project();
            let environment = owner.environment(project);
            let keys = (0..4).map(|_| owner.key(&environment, &all)).collect();
            (owner, keys)
        })
        .collect();
    let unknown: protocol::Email = kit::make_email().parse().unwrap();
    let salt = |vault: &Vault, email: &protocol::Email| -> Kdf {
        vault.http().post("/v1/prelogin", &PreLogin { email: email.clone() }).json()
    };
    let salt_before = salt(&vault, &unknown);
    drop(vault);

    change_secret(folder.path(), "pepper");
    let vault = Vault::native_in(folder.path());
    let http = |key: &Key| vault.http().with(&key.api_key.derive_token(&audience));
    let recover = |vault: &Vault, owner: &Owner| {
        let body = Recover {
            email: owner.email.parse().unwrap(),
            recovery: owner.recovery.clone(),
            session: kit::make_token(),
            device: Some(owner.device.clone()),
        };
        vault.http().post("/v1/recoveries", &body)
    };
    let (active, rest) = people.split_first_mut().unwrap();
    let (recovered, away, attacked) = (&rest[0].0, &rest[1].0, &rest[2].0);
    // Keys, sessions, log-in, recovery, the salt of who has no account, known machines.
    let key = &active.1[0];
    let read: Read = http(key).get(&key.secret_path("A", protocol::body::How::Inject)).json();
    assert!(read.secret.is_none());
    vault.http().with(&active.0.session).get("/v1/account").ok();
    active.0.log_in_again(&vault).get("/v1/account").ok();
    recover(&vault, recovered).ok();
    assert_eq!(salt(&vault, &unknown), salt_before);
    assert_eq!(salt(&vault, &active.0.email.parse().unwrap()).memory_kib, 64 * 1024);
    let wrong = LogIn {
        email: attacked.email.parse().unwrap(),
        login: protocol::Bytes32::new(kit::make_token_auth()),
        session: kit::make_token(),
        device: None,
    };
    for expected in [vec![Code::LoginFailed; 10], vec![Code::TooManyRequests]].concat() {
        assert_eq!(vault.http().post("/v1/sessions", &wrong).refusal().code, expected);
    }
    // Strangers' tries are none of a machine's that was known before.
    attacked.log_in_again(&vault).get("/v1/account").ok();
    // One account an address, whichever pepper it is stored with.
    let owner = &active.0;
    let taken = SignUp {
        account: protocol::AccountId::from_bytes(sealing::make_id().unwrap()),
        email: away.email.parse().unwrap(),
        kdf: salt_before,
        login: away.login.clone(),
        account_key: kit::random_blob(),
        recovery: away.recovery.clone(),
        account_key_by_recovery: kit::random_blob(),
        manifest: owner.next_manifest(|_| {}).1,
    };
    let taken = SignUp { manifest: Versioned { version: 1, ..taken.manifest }, ..taken };
    assert_eq!(vault.http().post("/v1/accounts", &taken).refusal().code, Code::EmailTaken);
    // Keys that were not used since are revoked and rotated like others, and those do what they did.
    let session = vault.http().with(&owner.session);
    let (next, manifest) = owner.next_manifest(|_| {});
    session.post(&format!("/v1/keys/{}/revoke", active.1[1].id), &RevokeKey { manifest }).ok();
    active.0.wrote(next);
    let successor = sealing::ApiKey::make().unwrap();
    let (next, key) = active.0.new_key(&successor, &[&active.1[2].environment], &all);
    let soon = native::system_clock() + 3600;
    let body = RotateKey { id: successor.id(), key, old_expires_at: soon };
    session.post(&format!("/v1/keys/{}/rotate", active.1[2].id), &body).ok();
    active.0.wrote(next);
    assert_eq!(http(&active.1[1]).get("/v1/usage").refusal().code, Code::KeyRevoked);
    http(&active.1[2]).get("/v1/usage").ok();

    let copy = folder.path().join("copy");
    native::back_up(folder.path(), &copy).unwrap();
    assert_eq!(mode(&copy.join("previous-pepper")), 0o600);

    // Without the previous one, what was used since goes on.
    drop(vault);
    let kept = folder.path().join("kept");
    fs::rename(folder.path().join("previous-pepper"), &kept).unwrap();
    let vault = Vault::native_in(folder.path());
    let http = |key: &Key| vault.http().with(&key.api_key.derive_token(&audience));
    let log_in = |owner: &Owner| {
        let session = kit::make_token();
        let (email, login) = (owner.email.parse().unwrap(), owner.login.clone());
        let device = Some(owner.device.clone());
        vault.http().post("/v1/sessions", &LogIn { email, login, session, device })
    };
    http(&active.1[0]).get("/v1/usage").ok();
    http(&active.1[2]).get("/v1/usage").ok();
    vault.http().with(&active.0.session).get("/v1/account").ok();
    log_in(&active.0).ok();
    recover(&vault, recovered).ok();
    // What was not is refused, and nothing of it is lost.
    assert_eq!(http(&active.1[3]).get("/v1/usage").refusal().code, Code::Unauthenticated);
    for refused in [log_in(recovered), log_in(away), recover(&vault, away), recover(&vault, &active.0)] {
        assert_eq!(refused.refusal().code, Code::LoginFailed);
    }
    drop(vault);
    fs::rename(&kept, folder.path().join("previous-pepper")).unwrap();
    let vault = Vault::native_in(folder.path());
    vault.http().with(&active.1[3].api_key.derive_token(&audience)).get("/v1/usage").ok();
    away.log_in_again(&vault).get("/v1/account").ok();
    recover(&vault, &active.0).ok();
}

#[test]
fn the_column_key_is_changed_and_what_was_sealed_with_the_one_before_opens_while_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, _) = in_folder(folder.path());
    let owners: Vec<Owner> = (0..3).map(|_| Owner::sign_up(&vault)).collect();
    let old: Closed = owners[0].http.post("/v1/audit/segments", &()).json();
    let old = old.segment.unwrap();
    drop(vault);

    change_secret(folder.path(), "column-key");
    let vault = Vault::native_in(folder.path());
    let recover = |vault: &Vault, owner: &Owner| {
        let session = kit::make_token();
        let (email, recovery) = (owner.email.parse().unwrap(), owner.recovery.clone());
        let recovered: Recovered =
            vault.http().post("/v1/recoveries", &Recover { email, recovery, session, device: None }).json();
        recovered.account_key_by_recovery
    };
    let session = owners[0].log_in_again(&vault);
    let before: Account = session.get("/v1/account").json();
    let by_recovery = recover(&vault, &owners[1]);
    let rows = |http: &kit::Http| -> Page<LoggedRow> { http.get("/v1/audit/rows").json() };
    assert!(rows(&session).items.iter().all(|row| row.content.is_some()));

    // Without the one before: who was there meanwhile has everything, but for what the log said before.
    drop(vault);
    fs::rename(folder.path().join("previous-column-key"), folder.path().join("kept")).unwrap();
    let vault = Vault::native_in(folder.path());
    let session = owners[0].log_in_again(&vault);
    let after: Account = session.get("/v1/account").json();
    assert_eq!(after.account_key, before.account_key);
    assert_eq!(recover(&vault, &owners[1]), by_recovery);
    recover(&vault, &owners[0]);
    let logged = rows(&session).items;
    let leaves: Vec<_> = logged.iter().map(|row| row.leaf.unwrap()).collect();
    assert_eq!(audit_log::root(&leaves[..old.last as usize]), old.root, "it is proven still");
    assert!(logged[..old.last as usize].iter().all(|row| row.unreadable));
    assert!(logged.last().unwrap().content.is_some());
    // Who was not gets in again when it is back.
    let body = |owner: &Owner| LogIn {
        email: owner.email.parse().unwrap(),
        login: owner.login.clone(),
        session: kit::make_token(),
        device: None,
    };
    assert_eq!(vault.http().post("/v1/sessions", &body(&owners[2])).refusal().code, Code::Internal);
    drop(vault);
    fs::rename(folder.path().join("kept"), folder.path().join("previous-column-key")).unwrap();
    let vault = Vault::native_in(folder.path());
    let session = owners[2].log_in_again(&vault);
    assert!(rows(&session).items.iter().all(|row| row.content.is_some()));
}

/// Runs the wrangler that the tests have.
fn wrangler(arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = std::process::Command::new(root.join("tests/tools/node_modules/.bin/wrangler"))
        .args(arguments)
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_PATH", root.join("target/workerd/logs"))
        .env("CI", "true")
        .output()
        .unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "wrangler {arguments:?}: {said}");
}

/// The schema and every row of every table, as text.
fn contents(file: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(file).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut select = database.prepare(sql).unwrap();
        let columns = select.column_count();
        let cell = |row: &rusqlite::Row<'_>, number| row.get::<_, rusqlite::types::Value>(number);
        let row = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|number| Ok(format!("{:?}", cell(row, number)?)));
            cells.collect::<Result<Vec<_>, rusqlite::Error>>()
        };
        let mut texts: Vec<String> =
            select.query_map([], row).unwrap().map(|cells| cells.unwrap().join(" ")).collect();
        texts.sort();
        texts
    };
    let own = "name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'";
    let mut tables =
        database.prepare(&format!("SELECT name FROM sqlite_master WHERE type = 'table' AND {own}")).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = texts(&format!("SELECT type, name, tbl_name FROM sqlite_master WHERE {own}"));
    for table in tables {
        all.extend(texts(&format!("SELECT '{table}', * FROM {table}")));
    }
    all
}

/// The backup of a vault on Cloudflare, as far as it can be tried without an account there.
#[test]
#[ignore = "needs workerd and wrangler: cargo xtask edge"]
fn what_d1_exports_is_the_whole_database_when_it_is_imported() {
    let vault = Vault::shared();
    assert!(Vault::is_at_the_edge(), "run it by `cargo xtask edge`");
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write, Permission::Audit]);
    key.put("A", b"it's \n kept");
    key.put("A", b"twice");
    key.http.send("POST", "/v1/audit/segments", None).ok();
    // Wrangler exports from where `wrangler dev` stores by itself: beside its configuration.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("wrangler.toml")).unwrap();
    let text = text.replace("[build]\ncommand = \"cargo xtask worker\"\n", "");
    fs::write(at("wrangler.toml"), text).unwrap();
    fs::create_dir(at(".wrangler")).unwrap();
    std::os::unix::fs::symlink(vault.storage(), at(".wrangler/state")).unwrap();
    let config = at("wrangler.toml");
    let (exported, imported) = vault.behind(|database| {
        wrangler(&[
            "d1",
            "export",
            "securecode",
            "--local",
            "--config",
            &config,
            "--output",
            &at("backup.sql"),
        ]);
        let import = ["d1", "execute", "securecode", "--local", "--yes", "--config", &config];
        wrangler(&[&import[..], &["--file", &at("backup.sql"), "--persist-to", &at("imported")]].concat());
        let exported = Path::new(database.path().unwrap()).to_owned();
        let imported = folder
            .path()
            .join("imported/v3/d1/miniflare-D1DatabaseObject")
            .join(exported.file_name().unwrap());
        (contents(&exported), contents(&imported))
    });
    assert!(exported.len() > 60, "{}", exported.len());
    assert!(exported.iter().any(|line| line.contains(&key.id.to_string())));
    let missing: Vec<_> = exported.iter().filter(|line| !imported.contains(line)).take(3).collect();
    assert!(missing.is_empty() && exported.len() == imported.len(), "{missing:?}");
}
