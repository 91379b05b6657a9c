//! `securecode audit`, as the real binary: an untouched log verifies, and a log that somebody with the database in
//! hand changed does not, on any machine that verified it before or was given receipts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use kit::{Person, Ran, Vault};
use rusqlite::Connection;
use serde_json::Value;
use std::{fs, path::PathBuf};

const BINARY: &str = env!("CARGO_BIN_EXE_securecode");

/// A machine with an API key of its own, and nothing else.
struct Machine {
    person: Person,
    key: String,
    url: String,
}

impl Machine {
    fn of(owner: &Person, vault: &Vault) -> Self {
        let made = owner
            .run(&["keys", "create", "--environment", "dev", "--permission", "read,reveal,audit", "--json"])
            .ok();
        let made: Value = serde_json::from_str(&made).unwrap();
        let key = made["key"].as_str().unwrap().to_owned();
        Self { person: Person::new(BINARY), key, url: vault.url().to_owned() }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_piped(arguments, b"")
    }

    fn run_piped(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let environment =
            [("SECURECODE_API_KEY", self.key.as_str()), ("SECURECODE_VAULT_URL", self.url.as_str())];
        self.person.run_with(arguments, input, &environment)
    }

    fn read(&self) {
        self.run(&["get", "A", "--reveal"]).ok();
    }

    fn memory(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.person.home().join("audit")).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }

    fn remember(&self, memory: &[(PathBuf, Vec<u8>)]) {
        let _ = fs::remove_dir_all(self.person.home().join("audit"));
        fs::create_dir_all(self.person.home().join("audit")).unwrap();
        for (path, content) in memory {
            fs::write(path, content).unwrap();
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }

    /// The rows of this machine's own accesses.
    fn receipts(&self) -> Vec<i64> {
        let path = self.memory().into_iter().find(|(path, _)| path.extension().is_some());
        let text = String::from_utf8(path.unwrap().1).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect()
    }
}

/// A vault with its database laid open, an owner, a machine that verified the log, and one that only read.
struct Scene {
    vault: Vault,
    owner: Person,
    pinned: Machine,
    reader: Machine,
    database: Connection,
    saved: [Vec<(PathBuf, Vec<u8>)>; 2],
}

/// The triggers that keep the vault's own code from changing the log. Who has the database drops them.
const DISARM: &str = "DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept; DROP TRIGGER segments_follow;
     DROP TRIGGER segments_stay; DROP TRIGGER segments_are_kept;";

impl Scene {
    fn new() -> Self {
        let vault = Vault::native();
        let owner = Person::set_up(BINARY, vault.url());
        owner.run_with(&["set", "A"], b"value", &[]).ok();
        let (pinned, reader) = (Machine::of(&owner, &vault), Machine::of(&owner, &vault));
        // Rows that the one has pinned, and the other has receipts of.
        (0..7).for_each(|_| reader.read());
        pinned.run(&["audit", "verify"]).ok();
        // Rows that are open, and that receipts alone know of.
        (0..11).for_each(|_| reader.read());
        let database = Connection::open(vault.storage().join("vault.db")).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        database
            .execute_batch(
                "CREATE TABLE saved_audit AS SELECT * FROM audit; CREATE TABLE saved_segments AS SELECT * FROM segments;
                 CREATE TABLE saved_usage AS SELECT * FROM usage;",
            )
            .unwrap();
        database.execute_batch(DISARM).unwrap();
        let saved = [pinned.memory(), reader.memory()];
        Self { vault, owner, pinned, reader, database, saved }
    }

    /// As it was when it was made: database and machines.
    fn reset(&self) {
        self.database
            .execute_batch(
                "BEGIN; DELETE FROM segments; DELETE FROM audit;
                 INSERT INTO audit SELECT * FROM saved_audit; INSERT INTO segments SELECT * FROM saved_segments;
                 UPDATE usage SET seq = (SELECT seq FROM saved_usage s WHERE s.account = usage.account);
                 UPDATE credentials SET paced = 0; COMMIT;",
            )
            .unwrap();
        self.pinned.remember(&self.saved[0]);
        self.reader.remember(&self.saved[1]);
    }

    fn tamper(&self, sql: &str) {
        let before = self.contents();
        self.database
            .execute_batch(&format!("BEGIN; {sql}; COMMIT;"))
            .unwrap_or_else(|error| panic!("{error}: {sql}"));
        assert!(before != self.contents(), "nothing was changed: {sql}");
    }

    fn contents(&self) -> Vec<String> {
        let all = "SELECT seq || '|' || at || '|' || cost || '|' || request || '|' || entry || '|' || leaf || '|' || coalesce(credential, '') FROM audit
             UNION ALL SELECT n || '|' || first || '|' || last || '|' || root || '|' || previous || '|' || hash || '|' || closed_at FROM segments";
        let mut statement = self.database.prepare(all).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn number(&self, sql: &str) -> i64 {
        self.database.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// It must fail for one of these reasons, and have pinned nothing.
#[track_caller]
fn found(machine: &Machine, words: &[&str], what: &str) {
    let pins =
        || machine.memory().into_iter().filter(|(path, _)| path.extension().is_none()).collect::<Vec<_>>();
    let before = pins();
    let told = machine.run(&["audit", "verify"]).failed(4);
    assert!(words.iter().any(|word| told.contains(word)), "{what}: {told}");
    assert_eq!(before, pins(), "{what}: nothing is pinned");
}

#[test]
fn an_untouched_log_verifies_on_each_machine_again_and_again() {
    let scene = Scene::new();
    for _ in 0..3 {
        for machine in [&scene.pinned, &scene.reader] {
            assert!(machine.run(&["audit", "verify"]).ok().contains("The audit log is whole"));
            assert!(machine.run(&["audit", "verify", "--all"]).ok().contains("The audit log is whole"));
            machine.read();
        }
    }
    let told = scene.reader.run(&["audit", "verify", "--all"]).ok();
    assert!(told.contains("rows that this machine was given a receipt for are in it"), "{told}");
    // The owner, with the session; and without one, by the passphrase.
    scene.owner.run(&["audit", "verify", "--owner"]).ok();
    scene.owner.run(&["logout"]).ok();
    let told = scene.owner.run(&["audit", "verify", "--owner", "--all"]).ok();
    assert!(told.contains(", from 20"), "{told}");
    let wrong = [("SECURECODE_PASSPHRASE", "wrong horse battery")];
    scene.owner.run(&["logout"]).ok();
    scene.owner.run_with(&["audit", "verify", "--owner"], b"", &wrong).failed(3);
    // A key without the permission.
    let made = scene.owner.run(&["keys", "create", "--environment", "dev", "--json"]).ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    let environment = [("SECURECODE_API_KEY", key), ("SECURECODE_VAULT_URL", scene.vault.url())];
    assert!(
        Person::new(BINARY)
            .run_with(&["audit", "verify"], b"", &environment)
            .failed(3)
            .contains("permission")
    );
}

#[test]
fn what_is_reset_verifies_so_that_each_tampering_stands_alone() {
    let scene = Scene::new();
    scene.tamper("DELETE FROM audit WHERE seq = 3");
    scene.reset();
    scene.pinned.run(&["audit", "verify"]).ok();
    scene.reader.run(&["audit", "verify"]).ok();
}

/// The columns of a row, each with another value.
const EDITS: [(&str, &str); 7] = [
    ("at", "at + 1"),
    ("cost", "cost + 1"),
    (
        "request",
        "replace(request, substr(request, 1, 1), CASE substr(request, 1, 1) WHEN '0' THEN '1' ELSE '0' END)",
    ),
    ("entry", "(SELECT o.entry FROM audit o WHERE o.seq = audit.seq - 1)"),
    ("credential", "NULL"),
    ("credential", "request"),
    ("leaf", "(SELECT o.leaf FROM audit o WHERE o.seq = audit.seq - 1)"),
];

#[test]
fn an_edit_of_any_column_is_found() {
    let scene = Scene::new();
    let receipts = scene.reader.receipts();
    // One row that is closed and pinned, one that is open.
    for (seq, machines) in [
        (receipts[2], vec![&scene.pinned, &scene.reader]),
        (receipts[12], vec![&scene.pinned, &scene.reader]),
    ] {
        for (column, value) in EDITS {
            for machine in &machines {
                scene.reset();
                scene.tamper(&format!("UPDATE audit SET {column} = {value} WHERE seq = {seq}"));
                found(
                    machine,
                    &["edited: row", "unreadable: ", "receipt contradicted"],
                    &format!("{column} of {seq}"),
                );
            }
        }
        // An old row's leaf is computed anew; an edit beside it is not.
        scene.reset();
        scene.tamper(&format!("UPDATE audit SET leaf = '', at = at + 1 WHERE seq = {seq}"));
        found(&scene.reader, &["changed: rows", "receipt contradicted"], "a blank leaf");
    }
}

#[test]
fn rows_that_the_vault_cannot_open_are_named_and_hide_no_other() {
    let scene = Scene::new();
    let first = scene.reader.receipts()[2];
    let second = first + 1;
    scene.tamper(&format!("UPDATE audit SET entry = substr(entry, 2) WHERE seq IN ({first}, {second})"));
    let shown = scene.reader.run(&["audit", "--limit", "1000"]);
    assert!(shown.stderr.contains("the vault cannot open"), "{}", shown.stderr);
    let shown = shown.ok();
    for seq in [first, second] {
        assert!(
            shown.contains(&format!("{seq:>6}  unreadable: the vault cannot open this row\n")),
            "{shown}"
        );
    }
    assert!(shown.lines().any(|line| line.contains("allowed  read  reveal  A")), "{shown}");
    assert!(
        shown
            .lines()
            .map(|line| line.trim_start().split(' ').next().unwrap())
            .is_sorted_by(|a, b| { a.parse::<u64>().unwrap() > b.parse::<u64>().unwrap() })
    );
    let json: Value =
        serde_json::from_str(&scene.reader.run(&["audit", "--json", "--limit", "1000"]).ok()).unwrap();
    let unreadable: Vec<_> =
        json.as_array().unwrap().iter().filter(|row| row["unreadable"] == true).collect();
    assert_eq!(unreadable.len(), 2);
    assert!(unreadable.iter().all(|row| row["leaf"].as_str().unwrap().len() == 64));
    // What can still be checked is: the leaves are those that the segment was closed over and receipts are of.
    let told = scene.reader.run(&["audit", "verify", "--all"]).failed(4);
    let findings: Vec<&str> =
        told.lines().filter(|line| line.starts_with("  ") && !line.contains("to do now")).collect();
    assert_eq!(findings.len(), 1, "{told}");
    assert!(
        findings[0].contains(&format!("unreadable: the vault cannot open rows {first} to {second}")),
        "{told}"
    );
}

#[test]
fn an_edit_of_a_segment_is_found() {
    let scene = Scene::new();
    for (column, value) in [
        ("n", "n + 1"),
        ("first", "first + 1"),
        ("last", "last - 1"),
        ("last", "last + 1"),
        ("root", "previous"),
        ("previous", "root"),
        ("hash", "root"),
        ("closed_at", "closed_at - 86400 * 365"),
    ] {
        for machine in [&scene.pinned, &scene.reader] {
            scene.reset();
            scene.tamper(&format!("UPDATE segments SET {column} = {value} WHERE n = 1"));
            found(machine, &["edited: the header", "missing: the header", "rolled back"], column);
        }
    }
    scene.reset();
    scene.tamper("DELETE FROM segments");
    found(&scene.pinned, &["rolled back"], "no segments");
}

#[test]
fn deleted_exchanged_inserted_and_doubled_rows_are_found() {
    let scene = Scene::new();
    let receipts = scene.reader.receipts();
    let (closed, open) = (receipts[3], receipts[14]);
    // Numbers are made negative first, so that no two rows have one at a time.
    // The trigger on inserting counts on from what is put in, so the count is set right at the end.
    let renumber = |from: i64, by: i64| {
        format!(
            "UPDATE audit SET seq = -seq WHERE seq >= {from}; UPDATE audit SET seq = {by} - seq WHERE seq < 0"
        )
    };
    let count = "UPDATE usage SET seq = (SELECT max(seq) FROM audit)";
    let columns = "at, cost, request, entry, leaf, credential";
    let copy = |from: i64, to: i64| {
        format!(
            "INSERT INTO audit (account, seq, {columns}) SELECT account, {to}, {columns} FROM audit WHERE seq = {from};
             {count}"
        )
    };
    let junk = |to: i64| {
        format!(
            "INSERT INTO audit (account, seq, {columns}) SELECT account, {to}, at, cost, '00', entry, leaf, credential FROM audit WHERE seq = 2;
             {count}"
        )
    };
    for seq in [closed, open] {
        for (what, sql, words) in [
            ("delete", format!("DELETE FROM audit WHERE seq = {seq}"), vec!["missing: row"]),
            (
                "delete and move the later ones up",
                format!("DELETE FROM audit WHERE seq = {seq}; {}; {count}", renumber(seq + 1, -1)),
                vec!["changed: rows", "receipt contradicted", "truncated"],
            ),
            (
                "swap neighbours",
                format!(
                    "UPDATE audit SET seq = -1 WHERE seq = {seq}; UPDATE audit SET seq = {seq} WHERE seq = {seq} + 1;
                     UPDATE audit SET seq = {seq} + 1 WHERE seq = -1"
                ),
                vec!["swapped: rows", "receipt contradicted"],
            ),
            (
                "insert a copy",
                format!("{}; {}", renumber(seq, 1), copy(2, seq)),
                vec!["inserted: row", "doubled: row"],
            ),
            (
                "insert what does not open",
                format!("{}; {}", renumber(seq, 1), junk(seq)),
                vec!["inserted: row", "unreadable: "],
            ),
            (
                "replace by a copy",
                format!("DELETE FROM audit WHERE seq = {seq}; {}", copy(2, seq)),
                vec!["doubled: row"],
            ),
        ] {
            for machine in [&scene.pinned, &scene.reader] {
                // What is open and in order, only its receipts know better.
                if seq == open && std::ptr::eq(machine, &scene.pinned) && !what.starts_with("insert") {
                    continue;
                }
                scene.reset();
                scene.tamper(&sql);
                found(machine, &words, &format!("{what} at {seq}"));
            }
        }
    }
    let next = scene.number("SELECT seq + 1 FROM saved_usage");
    for (what, sql) in [("append a copy", copy(2, next)), ("append what does not open", junk(next))] {
        scene.reset();
        scene.tamper(&sql);
        found(&scene.pinned, &["doubled: row", "unreadable: "], what);
    }
}

#[test]
fn a_log_that_was_cut_off_is_found() {
    let scene = Scene::new();
    let (last, closed) =
        (scene.number("SELECT seq FROM saved_usage"), scene.number("SELECT last FROM saved_segments"));
    for cut in 1..=10 {
        // At the end, where rows are open: the numbers go on, or are given out again.
        for numbers in ["", "; UPDATE usage SET seq = (SELECT max(seq) FROM audit)"] {
            scene.reset();
            scene.tamper(&format!("DELETE FROM audit WHERE seq > {last} - {cut}{numbers}"));
            found(
                &scene.reader,
                &["missing: row", "truncated", "receipt contradicted"],
                &format!("{cut} open{numbers}"),
            );
        }
        // Into what is closed; with the segment, too.
        for segments in ["", "; DELETE FROM segments"] {
            for machine in [&scene.pinned, &scene.reader] {
                scene.reset();
                scene.tamper(&format!(
                    "DELETE FROM audit WHERE seq > {closed} - {cut}; UPDATE usage SET seq = (SELECT max(seq) FROM audit){segments}"
                ));
                let words =
                    ["missing: row", "truncated", "receipt contradicted", "changed: rows", "rolled back"];
                found(machine, &words, &format!("{cut} closed{segments}"));
            }
        }
    }
}

#[test]
fn who_closes_the_log_anew_after_changing_it_is_found() {
    let scene = Scene::new();
    let thief = Machine::of(&scene.owner, &scene.vault);
    let seq = scene.reader.receipts()[3];
    scene.reset();
    scene.tamper(&format!(
        "DELETE FROM segments; DELETE FROM audit WHERE seq = {seq};
         UPDATE audit SET seq = -seq WHERE seq > {seq}; UPDATE audit SET seq = -seq - 1 WHERE seq < 0;
         UPDATE usage SET seq = seq - 1"
    ));
    // To who knows nothing of before, it is a sound log.
    thief.run(&["audit", "verify"]).ok();
    found(&scene.pinned, &["rolled back: segment 1 is not the one"], "by the pin");
    found(&scene.reader, &["receipt contradicted"], "by receipts");
}

#[test]
fn a_restored_backup_is_found() {
    let mut scene = Scene::new();
    let backup = scene.vault.storage().join("backup.db");
    scene.database.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    // Both know more than the backup: one by a newer pin, one by newer receipts.
    scene.pinned.run(&["audit", "verify"]).ok();
    scene.reader.read();
    scene.database.close().unwrap();
    scene.vault.restore(&backup);
    scene.database = Connection::open_in_memory().unwrap();
    found(&scene.pinned, &["rolled back"], "by the pin");
    found(&scene.reader, &["receipt contradicted", "truncated"], "by receipts");
    // And also after the restored log went on.
    scene.owner.run(&["list"]).ok();
    scene.owner.run(&["audit", "verify"]).ok();
    scene.owner.run(&["audit", "verify"]).ok();
    found(&scene.pinned, &["rolled back: segment"], "by the pin, later");
    found(&scene.reader, &["receipt contradicted"], "by receipts, later");
    // What to do when it was on purpose, as the message says.
    fs::remove_dir_all(scene.pinned.person.home().join("audit")).unwrap();
    scene.pinned.run(&["audit", "verify"]).ok();
}

#[test]
fn a_vault_that_shows_two_histories_is_found_by_two_who_compare() {
    let mut scene = Scene::new();
    let (deceived, newcomer) =
        (Machine::of(&scene.owner, &scene.vault), Machine::of(&scene.owner, &scene.vault));
    let backup = scene.vault.storage().join("backup.db");
    scene.database.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    let witness = |machine: &Machine, name: &str| {
        let path = scene.pinned.person.folder().join(name);
        fs::write(&path, machine.run(&["audit", "verify", "--json"]).ok()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // The same history: whoever compares with whom, and however old what is compared.
    scene.reader.read();
    let early = witness(&scene.reader, "early");
    let one = witness(&scene.pinned, "one");
    for other in [&early, &one] {
        let told = scene.reader.run(&["audit", "verify", "--compare", other]).ok();
        assert!(told.contains("The other machine was shown the same log"), "{told}");
    }
    (0..5).for_each(|_| drop(newcomer.run(&["audit", "verify", "--compare", &one]).ok()));
    let late = witness(&newcomer, "late");
    // What is no such file, or of another account, is said.
    let told = scene.reader.run(&["audit", "verify", "--compare", "/dev/null"]).failed(1);
    assert!(told.contains("is not what `securecode audit verify --json` writes"), "{told}");
    let text = fs::read_to_string(&one).unwrap();
    let account = serde_json::from_str::<Value>(&text).unwrap()["account"].as_str().unwrap().to_owned();
    let foreign = text.replace(&account, &"0".repeat(32));
    let piped = scene.reader.run_piped(&["audit", "verify", "--compare", "-"], foreign.as_bytes()).failed(1);
    assert!(piped.contains("of another account's log"), "{piped}");
    scene.reader.run_piped(&["audit", "verify", "--compare", "-"], text.as_bytes()).ok();

    // The older copy is restored and goes on differently; one machine is shown only what came of that.
    scene.database.close().unwrap();
    scene.vault.restore(&backup);
    scene.database = Connection::open_in_memory().unwrap();
    deceived.read();
    let told = deceived.run(&["audit", "verify"]).ok();
    assert!(told.contains("The audit log is whole"), "{told}");
    for (seen, words) in [
        (&late, ["verified another segment 11", "the other machine knows row", "a log that ends with row"]),
        (
            &early,
            ["verified another segment 2", "not the rows that the other machine was given", "two histories"],
        ),
    ] {
        let before = deceived.memory();
        let told = deceived.run(&["audit", "verify", "--compare", seen]).failed(4);
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        let pin = |memory: &[(PathBuf, Vec<u8>)]| {
            memory.iter().find(|(path, _)| path.extension().is_none()).cloned()
        };
        assert_eq!(pin(&before), pin(&deceived.memory()), "nothing is pinned");
    }
    // The other way round as well.
    let theirs = witness(&deceived, "theirs");
    let told = newcomer.run(&["audit", "verify", "--compare", &theirs]).failed(4);
    assert!(told.contains("rolled back: "), "{told}");
}

#[test]
fn the_log_shows_names_and_exports_lines_that_can_be_checked() {
    let scene = Scene::new();
    let shown = scene.reader.run(&["audit"]).ok();
    assert!(shown.lines().any(|line| line.contains("allowed  read  reveal  A")), "{shown}");
    assert!(!shown.contains("value"), "{shown}");
    let rows: Value =
        serde_json::from_str(&scene.reader.run(&["audit", "--json", "--limit", "3"]).ok()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(rows[0]["action"], "audit");

    let exported = scene.owner.run(&["audit", "--owner", "--export", "-"]).ok();
    scene.owner.run(&["audit", "--owner", "--export", "log.jsonl"]).ok();
    scene.owner.run(&["audit", "--owner", "--export", "log.jsonl"]).failed(1);
    let file = fs::read_to_string(scene.owner.project().join("log.jsonl")).unwrap();
    assert!(file.starts_with(&exported[..exported.len() / 2]), "{exported}");
    let segment: (i64, String) = scene
        .database
        .query_row("SELECT last, root FROM segments WHERE n = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let leaves: Vec<protocol::Digest> = file
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .take_while(|row| row["seq"].as_i64().unwrap() <= segment.0)
        .map(|row| {
            let text = |field: &str| row[field].as_str().unwrap();
            let leaf = audit_log::leaf(
                text("request_id"),
                row["at"].as_u64().unwrap(),
                row["cost"].as_u64().unwrap(),
                text("entry").as_bytes(),
            );
            assert_eq!(leaf.to_string(), text("leaf"));
            leaf
        })
        .collect();
    assert_eq!(audit_log::root(&leaves).to_string(), segment.1);
}

#[test]
fn a_machine_keeps_its_last_thousand_receipts_in_a_private_file() {
    let scene = Scene::new();
    let (path, content) = scene.saved[1].iter().find(|(path, _)| path.extension().is_some()).unwrap();
    let line = String::from_utf8(content.clone()).unwrap().lines().next().unwrap().to_owned();
    fs::write(path, format!("{line}\n").repeat(3000)).unwrap();
    scene.reader.read();
    let kept = fs::read_to_string(path).unwrap();
    assert_eq!(kept.lines().count(), 1000);
    assert_ne!(kept.lines().last().unwrap(), line);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // A line that was cut short by a crash is no receipt, and no finding.
    fs::write(path, format!("{}\n{}", &line[..line.len() - 9], line)).unwrap();
    scene.reader.run(&["audit", "verify"]).ok();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    scene.reader.run(&["audit", "verify"]).failed(1);
}

#[test]
fn rows_that_are_no_longer_kept_are_said_and_the_rest_is_checked() {
    const DAY: u64 = 86400;
    let vault = Vault::native();
    vault.set_back(40 * DAY);
    let owner = Person::set_up(BINARY, vault.url());
    owner.run_with(&["set", "A"], b"value", &[]).ok();
    let machine = Machine::of(&owner, &vault);
    machine.read();
    machine.run(&["audit", "verify"]).ok();
    vault.set_audit_days(account(&vault), 30, 0);
    vault.pass(35 * DAY);
    machine.read();
    machine.run(&["audit", "verify"]).ok();
    let database = vault.database();
    let closed = |n: i64| -> (i64, i64) {
        let of = "SELECT first, last FROM segments WHERE n = ?1";
        database.query_row(of, [n], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let (first, last) = closed(2);
    vault.pass(5 * DAY);
    vault.sweep();
    machine.run(&["audit", "verify"]).ok();
    let told = machine.run(&["audit", "verify", "--all"]).ok();
    assert!(told.contains(&format!("Rows up to {} are no longer kept", first - 1)), "{told}");
    let stranger = Machine::of(&owner, &vault);
    assert!(stranger.run(&["audit", "verify"]).ok().contains("are no longer kept"));
    // What goes before its time is missing.
    assert_ne!(database.execute("DELETE FROM audit WHERE seq BETWEEN ?1 AND ?2", [first, last]).unwrap(), 0);
    let told = machine.run(&["audit", "verify", "--all"]).failed(4);
    assert!(told.contains(&format!("missing: rows {first} to {last}")), "{told}");
}

fn account(vault: &Vault) -> protocol::AccountId {
    let id: String = vault.database().query_row("SELECT id FROM accounts", [], |row| row.get(0)).unwrap();
    id.parse().unwrap()
}

#[test]
fn archived_rows_are_verified_and_exported_like_others() {
    let scene = Scene::new();
    let (owner, reader) = (&scene.owner, &scene.reader);
    let exported = |name: &str| {
        owner.run(&["audit", "--owner", "--export", name]).ok();
        fs::read_to_string(owner.project().join(name)).unwrap()
    };
    owner.run(&["audit", "verify", "--owner"]).ok();
    let before = exported("before.jsonl");
    scene.vault.set_audit_days(account(&scene.vault), 0, 365);
    scene.vault.sweep();
    let last = scene.number("SELECT max(last) FROM segments");
    assert_eq!(scene.number(&format!("SELECT count(*) FROM audit WHERE seq <= {last}")), 0);
    assert_eq!(scene.vault.count("blobs"), scene.number("SELECT count(*) FROM segments"));
    let after = exported("after.jsonl");
    let archived = |text: &str| text.lines().take(last as usize).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(archived(&before), archived(&after));
    for machine in [&scene.pinned, reader] {
        let told = machine.run(&["audit", "verify", "--all"]).ok();
        assert!(told.contains("The audit log is whole") && !told.contains("no longer kept"), "{told}");
    }
    let shown = reader.run(&["audit", "--limit", "10000"]).ok();
    assert!(shown.lines().filter(|line| line.contains("allowed  read  reveal  A")).count() >= 18, "{shown}");

    // What is in the blob store proves itself, or is found.
    let database = &scene.database;
    database.execute_batch("CREATE TABLE kept AS SELECT * FROM blobs").unwrap();
    let seq = reader.receipts()[2];
    for (what, sql, words) in [
        ("lost", "DELETE FROM blobs".to_owned(), "missing: row"),
        ("emptied", "UPDATE blobs SET text = ''".to_owned(), "missing: row"),
        ("cut", "UPDATE blobs SET text = substr(text, 1, length(text) / 2)".to_owned(), "missing: row"),
        (
            "a number",
            format!("UPDATE blobs SET text = replace(text, '\"seq\":{seq},', '\"seq\":{seq}0,')"),
            "missing: row",
        ),
        (
            "a time",
            "UPDATE blobs SET text = replace(text, '\"at\":1', '\"at\":2')".to_owned(),
            "unreadable: ",
        ),
        (
            "a leaf",
            "UPDATE blobs SET text = replace(text, '\"leaf\":\"', '\"leaf\":\"0')".to_owned(),
            "unreadable: ",
        ),
        (
            "another",
            "UPDATE blobs SET text = (SELECT k.text FROM kept k WHERE k.key <> blobs.key)".to_owned(),
            "missing: row",
        ),
    ] {
        database
            .execute_batch(&format!("DELETE FROM blobs; INSERT INTO blobs SELECT * FROM kept; {sql}"))
            .unwrap();
        let told = reader.run(&["audit", "verify", "--all"]).failed(4);
        assert!(told.contains(words), "{what}: {told}");
    }
}
