//! What an owner does: a new environment key, a new passphrase, recovery, projects, the end of an account. The real
//! binary against a real vault.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{Person, Vault};
use serde_json::Value;
use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");

fn json(person: &Person, arguments: &[&str]) -> Value {
    serde_json::from_str(&person.run(arguments).ok()).unwrap()
}

fn value(person: &Person, name: &str) -> String {
    person.run(&["get", name, "--reveal"]).ok()
}

/// A second person's machine, with a key of the first one's environment.
fn colleague<'a>(person: &Person, url: &'a str) -> (String, String, impl Fn(&[&str]) -> kit::Ran + use<'a>) {
    let made = json(
        person,
        &["keys", "create", "--environment", "dev", "--permission", "read,write,reveal", "--json"],
    );
    let (id, key) = (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned());
    let other = Person::new(BINARY);
    let its_key = key.clone();
    let run = move |arguments: &[&str]| {
        other.run_with(arguments, b"", &[("SECURECODE_API_KEY", &its_key), ("SECURECODE_VAULT_URL", url)])
    };
    (id, key, run)
}

fn email(person: &Person) -> String {
    let account = fs::read_to_string(person.home().join("account.toml")).unwrap();
    account.lines().find_map(|line| line.strip_prefix("email = ")).unwrap().trim_matches('"').to_owned()
}

#[test]
fn a_new_environment_key_keeps_everything_and_reaches_every_key_in_use() {
    let vault = Vault::shared();
    let person = Person::set_up(BINARY, vault.url());
    for number in 0..12 {
        person.run_with(&["set", &format!("S{number}")], format!("v{number}").as_bytes(), &[]).ok();
    }
    for text in ["one", "two", "three"] {
        person.run_with(&["set", "A", "--tag", text], text.as_bytes(), &[]).ok();
    }
    person.run_with(&["set", "GONE"], b"gone", &[]).ok();
    person.run(&["rm", "GONE"]).ok();
    person.run(&["policy", "A", "--use", "ask", "--host", "api.example.com"]).ok();
    person.run(&["canary", "TRAP"]).ok();
    let (_, _, colleague_runs) = colleague(&person, vault.url());
    let (revoked, _, revoked_runs) = colleague(&person, vault.url());
    person.run(&["keys", "revoke", &revoked]).ok();

    let told = person.run(&["rotate"]).ok();
    assert!(told.contains("dev has a new key"), "{told}");
    let environments = json(&person, &["environments", "list", "--json"]);
    assert_eq!(environments[0]["generation"], 2);
    for number in 0..12 {
        assert_eq!(value(&person, &format!("S{number}")), format!("v{number}"));
    }
    assert_eq!(value(&person, "A"), "three");
    assert_eq!(json(&person, &["history", "A", "--json"]).as_array().unwrap().len(), 3);
    person.run(&["restore", "A", "--version", "1"]).ok();
    assert_eq!(value(&person, "A"), "one");
    person.run(&["restore", "GONE"]).ok();
    assert_eq!(value(&person, "GONE"), "gone");
    let policy = json(&person, &["policy", "A", "--json"]);
    assert_eq!((&policy["use"], &policy["hosts"][0]), (&"ask".into(), &"api.example.com".into()));
    assert_eq!(colleague_runs(&["get", "A", "--reveal"]).ok(), "one");
    assert!(revoked_runs(&["get", "A", "--reveal"]).failed(3).contains("revoked"));
    assert!(person.run(&["get", "TRAP", "--reveal"]).failed(3).contains("canary"));
    // And once more, now that there are two generations.
    person.run(&["rotate", "--environment", "dev", "--project", "shop"]).ok();
    assert_eq!(colleague_runs(&["get", "GONE", "--reveal"]).ok(), "gone");
}

#[test]
fn a_rotation_that_is_killed_loses_nothing_and_goes_on() {
    let vault = Vault::native();
    let person = Person::set_up(BINARY, vault.url());
    let lines: String = (0..45).map(|number| format!("S{number}=v{number}\n")).collect();
    fs::write(person.project().join(".env"), lines).unwrap();
    person.run(&["import", ".env"]).ok();
    for round in 0..10 {
        let lines: String = (0..45).map(|number| format!("S{number}=v{number}.{round}\n")).collect();
        fs::write(person.project().join(".env"), lines).unwrap();
        person.run(&["import", ".env"]).ok();
    }
    let whole = || {
        let ran = person.run(&["run", "--no-mask", "--", "sh", "-c", "echo $S0 $S44"]).ok();
        assert_eq!(ran, "v0.9 v44.9\n");
        assert_eq!(vault.count("secrets"), 45);
        assert_eq!(vault.count("versions"), 450);
    };
    let mut killed = 0;
    let generation = || json(&person, &["environments", "list", "--json"])[0]["generation"].as_u64().unwrap();
    // Later each time: before it begins, in between, at the end.
    for round in 0..24_u64 {
        let mut child = person.command().arg("rotate").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150 * (round % 12 + 1)));
        if child.try_wait().unwrap().is_none() {
            killed += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        whole();
    }
    assert!(killed >= 6, "{killed}");
    let before = generation();
    person.run(&["rotate"]).ok();
    assert_eq!(generation(), before + 1);
    whole();
    assert_eq!(vault.count("resealed"), 0);
    assert_eq!(vault.count("rotations"), 0);
    person.run(&["restore", "S7", "--version", "3"]).ok();
    assert_eq!(value(&person, "S7"), "v7.1");
}

#[test]
fn what_is_written_while_the_key_is_rotated_is_not_lost() {
    let vault = Vault::native();
    let person = Person::set_up(BINARY, vault.url());
    for number in 0..20 {
        person.run_with(&["set", &format!("S{number}")], b"before", &[]).ok();
    }
    let (_, _, colleague_runs) = colleague(&person, vault.url());
    let file = person.folder().join("written.env");
    let done = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = std::collections::BTreeMap::new();
            for number in 0.. {
                if done.load(Ordering::SeqCst) {
                    break;
                }
                let name = format!("W{}", number % 10);
                fs::write(&file, format!("{name}=value-{number}\n")).unwrap();
                let ran = colleague_runs(&["import", file.to_str().unwrap()]);
                // While the key changes under a writer it is told so, and nothing is half written.
                match ran.code {
                    0 => drop(written.insert(name, format!("value-{number}"))),
                    3 | 4 => {}
                    code => panic!("{code}: {}", ran.stderr),
                }
                std::thread::sleep(Duration::from_millis(30));
            }
            written
        });
        person.run(&["rotate"]).ok();
        done.store(true, Ordering::SeqCst);
        writer.join().unwrap()
    });
    assert!(!written.is_empty());
    for (name, last) in written {
        assert_eq!(value(&person, &name), last);
    }
}

#[test]
fn a_new_key_is_wrapped_for_nobody_but_the_keys_of_the_owners_own_record() {
    let vault = Vault::native();
    let person = Person::set_up(BINARY, vault.url());
    person.run_with(&["set", "A"], b"1", &[]).ok();
    let (first, _, _) = colleague(&person, vault.url());
    let (second, _, _) = colleague(&person, vault.url());
    let database = vault.database();
    let grants =
        || -> i64 { database.query_row("SELECT count(*) FROM grants", [], |row| row.get(0)).unwrap() };
    assert_eq!(grants(), 3);
    // A key that only the vault knows.
    database
        .execute_batch(&format!(
            "INSERT INTO credentials SELECT 'ffffffffffffffffffffffffffffffff', account, class, verifier, permissions,
                 environments, expires_at, revoked_at, mac, record, created_at, addresses, replaced, used_at, paced
             FROM credentials WHERE id = '{first}'"
        ))
        .unwrap();
    person.run(&["rotate"]).ok();
    assert_eq!(grants(), 3);
    // A record that is another key's.
    database
        .execute_batch(&format!(
            "UPDATE credentials SET record = (SELECT record FROM credentials WHERE id = '{second}') WHERE id = '{first}'"
        ))
        .unwrap();
    person.run(&["rotate"]).failed(4);
    assert_eq!(value(&person, "A"), "1");
}

#[test]
fn the_passphrase_is_changed_and_other_sessions_end() {
    let vault = Vault::shared();
    let person = Person::new(BINARY);
    let email = kit::make_email();
    person.run(&["signup", "--vault-url", vault.url(), "--email", &email, "--recovery-file", "code"]).ok();
    let elsewhere = Person::new(BINARY);
    elsewhere.run(&["login", "--vault-url", vault.url(), "--email", &email]).ok();
    assert_eq!(json(&person, &["sessions", "list", "--json"]).as_array().unwrap().len(), 2);

    let next = [("SECURECODE_NEW_PASSPHRASE", "another battery staple")];
    let wrong =
        [("SECURECODE_PASSPHRASE", "not this one"), ("SECURECODE_NEW_PASSPHRASE", "another battery staple")];
    person.run_with(&["passphrase"], b"", &wrong).failed(3);
    person.run_with(&["passphrase"], b"", &next).ok();
    person.run(&["projects", "list"]).failed(3);
    let with_next = [("SECURECODE_PASSPHRASE", "another battery staple")];
    person.run_with(&["projects", "list"], b"", &with_next).ok();
    elsewhere.run(&["projects", "list"]).failed(3);
    let sessions = person.run_with(&["sessions", "list", "--json"], b"", &with_next).ok();
    let sessions: Value = serde_json::from_str(&sessions).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    let id = sessions[0]["id"].as_str().unwrap();
    person.run_with(&["sessions", "revoke", &"0".repeat(32)], b"", &with_next).failed(1);
    person.run_with(&["sessions", "revoke", id], b"", &with_next).ok();
    // The next command logs in anew.
    person.run_with(&["projects", "list"], b"", &with_next).ok();
}

#[test]
fn the_recovery_code_opens_the_account_once() {
    let vault = Vault::shared();
    let person = Person::set_up(BINARY, vault.url());
    person.run_with(&["set", "A"], b"kept", &[]).ok();
    let email = email(&person);
    let code = person.folder().join("recovery");
    let next = [("SECURECODE_PASSPHRASE", "recovered battery staple")];
    let elsewhere = Person::new(BINARY);
    let code = code.to_str().unwrap();
    let recover = |file: &str, new_file: &str| {
        elsewhere.run_with(
            &[
                "recover",
                "--vault-url",
                vault.url(),
                "--email",
                &email,
                "--recovery-file",
                file,
                "--new-recovery-file",
                new_file,
            ],
            b"",
            &next,
        )
    };
    fs::write(elsewhere.project().join("nonsense"), "scr_nonsense").unwrap();
    recover("nonsense", "new").failed(1);
    assert!(!elsewhere.project().join("new").exists());
    recover(code, "new").ok();
    assert!(recover(code, "newer").failed(3).contains("refused"), "the code was used");
    assert!(!elsewhere.project().join("newer").exists());
    let keys = elsewhere.run_with(&["keys", "list"], b"", &next).ok();
    assert!(keys.contains("active"), "{keys}");
    // The old passphrase is none any more; the project's own key works on.
    person.run(&["keys", "list"]).failed(3);
    assert_eq!(value(&person, "A"), "kept");
    recover("new", "newer").ok();
}

#[test]
fn projects_and_environments_come_and_go() {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run(&["projects", "create", "site"]).ok();
    person.run(&["environments", "create", "prod", "--project", "site", "--production"]).ok();
    let listed = json(&person, &["projects", "list", "--json"]);
    let names = |listed: &Value| -> Vec<String> {
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut projects = names(&listed);
    projects.sort();
    assert_eq!(projects, ["shop", "site"]);
    person.run(&["environments", "create", "x", "--project", "nope"]).failed(1);
    person.run_with(&["set", "A"], b"1", &[]).ok();
    let used = || -> u64 {
        let usage = json(&person, &["usage", "--json"]);
        let limits = usage["limits"].as_array().unwrap();
        limits.iter().find(|one| one["resource"] == "secrets").unwrap()["used"].as_u64().unwrap()
    };
    assert_eq!(used(), 1);
    person.run(&["environments", "rm", "prod"]).ok();
    assert_eq!(names(&json(&person, &["environments", "list", "--json"])), ["dev"]);
    person.run(&["projects", "rm", "shop"]).ok();
    assert_eq!(used(), 0);
    person.run(&["get", "A", "--reveal"]).failed(3);
    assert_eq!(names(&json(&person, &["projects", "list", "--json"])), ["site"]);
}

#[test]
fn others_guesses_do_not_lock_a_machine_out_that_logged_in_before() {
    let vault = Vault::native();
    let person = Person::set_up(BINARY, vault.url());
    let file = || fs::read_to_string(person.home().join("account.toml")).unwrap();
    let device = || file().split("[device]").nth(1).unwrap().to_owned();
    let (email, known) = (email(&person), device());
    // All at one address, as behind one router.
    let guess = || {
        let login = "A".repeat(43);
        let body = serde_json::json!({ "email": email, "login": login, "session": kit::make_token() });
        vault.http().post("/v1/sessions", &body).status
    };
    assert_eq!((0..11).map(|_| guess()).collect::<Vec<_>>()[9..], [401, 429]);

    let elsewhere = Person::new(BINARY);
    let log_in = ["login", "--vault-url", vault.url(), "--email", &email];
    assert!(elsewhere.run(&log_in).failed(6).contains("too many requests"));
    for _ in 0..2 {
        person.run(&["logout"]).ok();
        person.run(&["login"]).ok();
        assert_eq!(device(), known);
    }
    vault.pass(15 * 60);
    elsewhere.run(&log_in).ok();
}

#[test]
fn an_account_is_deleted_with_all_that_is_in_it() {
    let vault = Vault::native();
    let person = Person::set_up(BINARY, vault.url());
    person.run_with(&["set", "A"], b"1", &[]).ok();
    person.run(&["account", "delete", "--email", "somebody@example.com"]).failed(1);
    assert_eq!(value(&person, "A"), "1");
    let email = email(&person);
    person.run(&["account", "delete", "--email", &email]).ok();
    for table in
        ["accounts", "credentials", "projects", "environments", "secrets", "grants", "audit", "usage"]
    {
        assert_eq!(vault.count(table), 0, "{table}");
    }
    person.run(&["get", "A", "--reveal"]).failed(3);
    person.run(&["keys", "list"]).failed(1);
}
