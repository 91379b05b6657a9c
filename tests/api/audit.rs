use crate::quotas::part_of;
use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{AuditRows, Bundle, Closed, How, LoggedRow, Page, Read, Receipt, Segment, Segments, Written},
};
use std::collections::BTreeSet;

fn owner_with_key(vault: &Vault, permissions: &[Permission]) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, permissions);
    (owner, key)
}

fn close_all(http: &kit::Http) -> Vec<Segment> {
    let mut segments = Vec::new();
    loop {
        let closed: Closed = http.post("/v1/audit/segments", &()).json();
        segments.extend(closed.segment);
        if closed.open == 0 {
            return segments;
        }
    }
}

fn headers(http: &kit::Http) -> Vec<Segment> {
    let mut page: Segments = http.get("/v1/audit/segments").json();
    let mut all = page.items;
    while let Some(cursor) = page.next {
        page = http.get(&format!("/v1/audit/segments?cursor={cursor}")).json();
        all.extend(page.items);
    }
    all
}

fn rows(http: &kit::Http, from: u64, to: u64) -> Vec<LoggedRow> {
    let mut page: Page<LoggedRow> = http.get(&format!("/v1/audit/rows?from={from}&to={to}")).json();
    let mut all = page.items;
    while let Some(next) = page.next {
        page = http.get(&format!("/v1/audit/rows?from={next}&to={to}")).json();
        all.extend(page.items);
    }
    all
}

/// The leaf of a whole row, computed by who reads it.
fn leaf(row: &LoggedRow) -> protocol::Digest {
    let content = row.content.as_ref().expect("a whole row");
    audit_log::leaf(&content.request_id, content.at, content.cost, content.entry.as_bytes())
}

#[test]
fn each_answer_that_was_audited_has_the_receipt_of_its_row() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    let written: Written = key.http.post(&key.path("/changes"), &key.change(&[("A", b"1")], &[])).json();
    let read: Read = key.http.get(&key.secret_path("A", How::Inject)).json();
    let absent: Read = key.http.get(&key.secret_path("ABSENT", How::Inject)).json();
    let bundle: Bundle = key.http.get("/v1/bundle?how=run").json();
    let closed: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let receipts: Vec<Receipt> =
        vec![written.receipt.unwrap(), read.receipt, absent.receipt, bundle.receipt, closed.receipt];
    let rows = rows(&owner.http, 1, closed.receipt.seq);
    for receipt in receipts {
        let row = rows.iter().find(|row| row.seq == receipt.seq).unwrap();
        assert_eq!((row.leaf, leaf(row)), (Some(receipt.leaf), receipt.leaf));
    }
}

#[test]
fn closed_segments_are_a_chain_over_every_row_but_the_last() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Audit]);
    let first: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let one = first.segment.unwrap();
    assert_eq!((one.n, one.first, one.last, first.open), (1, 1, first.receipt.seq - 1, 0));
    key.get("A");
    // A key with the permission closes, too; the row of closing is in the next segment.
    let second: Closed = key.http.post("/v1/audit/segments", &()).json();
    let two = second.segment.unwrap();
    assert_eq!((two.n, two.first, two.last), (2, first.receipt.seq, second.receipt.seq - 1));
    assert!(audit_log::follows(owner.account, None, &one));
    assert!(audit_log::follows(owner.account, Some(&one), &two));
    assert_eq!(headers(&owner.http), [one.clone(), two.clone()]);
    for segment in [&one, &two] {
        let rows = rows(&owner.http, segment.first, segment.last);
        let leaves: Vec<_> = rows.iter().map(leaf).collect();
        assert_eq!(audit_log::root(&leaves), segment.root);
        let seqs: Vec<u64> = rows.iter().map(|row| row.seq).collect();
        assert_eq!(seqs, (segment.first..=segment.last).collect::<Vec<_>>());
    }
    let page: Segments = owner.http.get("/v1/audit/segments?cursor=1").json();
    assert_eq!((page.items, page.next, page.audit_days, page.dropped), (vec![two], None, 30, 0));
}

#[test]
fn a_segment_has_at_most_a_thousand_rows_and_pages_are_bounded() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read]);
    // Several keys, because each has a pace.
    let keys: Vec<Key> = (0..6).map(|_| owner.key(&key.environment, &[Permission::Read])).collect();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(|| (0..200).for_each(|_| key.http.get("/v1/usage").ok()));
        }
    });
    let first: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let one = first.segment.unwrap();
    assert_eq!((one.first, one.last), (1, 1000));
    assert_eq!(first.open, first.receipt.seq - 1 - 1000);
    let rest = close_all(&owner.http);
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].first, rest[0].last), (1001, first.receipt.seq));
    let page: Page<LoggedRow> = owner.http.get("/v1/audit/rows?from=1").json();
    assert_eq!((page.items.len(), page.next.as_deref()), (200, Some("201")));
    let page: Page<LoggedRow> = owner.http.get("/v1/audit/rows?from=11&to=210").json();
    assert_eq!((page.items.len(), page.next), (200, None));
    let leaves: Vec<_> = rows(&owner.http, 1, 1000).iter().map(leaf).collect();
    assert_eq!(audit_log::root(&leaves), one.root);
}

#[test]
fn many_who_close_at_once_make_one_chain() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Audit]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let http = if number % 2 == 0 { &owner.http } else { &key.http };
            scope.spawn(move || {
                for _ in 0..10 {
                    let _: Closed = http.post("/v1/audit/segments", &()).json();
                }
            });
        }
    });
    close_all(&owner.http);
    let all = headers(&owner.http);
    let mut before = None;
    for segment in &all {
        assert!(audit_log::follows(owner.account, before, segment), "{segment:?}");
        let leaves: Vec<_> = rows(&owner.http, segment.first, segment.last).iter().map(leaf).collect();
        assert_eq!(audit_log::root(&leaves), segment.root);
        before = Some(segment);
    }
    assert!(all.last().unwrap().last >= 80);
}

#[test]
fn a_key_gets_its_own_rows_whole_and_the_leaves_of_the_rest() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Audit]);
    let elsewhere = owner.environment(owner_project(&key));
    let other = owner.key(&elsewhere, &[Permission::Read]);
    other.get("B");
    key.get("A");
    let sibling = owner.key(&key.environment, &[Permission::Read]);
    sibling.get("A");
    let closed: Closed = key.http.post("/v1/audit/segments", &()).json();
    let segment = closed.segment.unwrap();
    let seen = rows(&key.http, segment.first, segment.last);
    let all = rows(&owner.http, segment.first, segment.last);
    assert_eq!(seen.len(), all.len());
    let mut whole = 0;
    for (seen, all) in seen.iter().zip(&all) {
        assert_eq!(seen.leaf, Some(leaf(all)));
        if let Some(content) = &seen.content {
            let entry: protocol::body::AuditEntry = serde_json::from_str(&content.entry).unwrap();
            let (own, scope) = (Some(key.id), Some(key.environment.place().environment));
            assert!(entry.credential == own || entry.environment == scope, "{entry:?}");
            assert_eq!(leaf(seen), leaf(all));
            whole += 1;
        }
    }
    assert_eq!(whole, 2, "its own read, and the sibling's of its environment");
    let leaves: Vec<_> = seen.iter().map(|row| row.leaf.unwrap()).collect();
    assert_eq!(audit_log::root(&leaves), segment.root, "who sees a part can check the whole");
    for path in ["/v1/audit/rows", "/v1/audit/export", "/v1/audit/segments"] {
        assert_eq!(sibling.http.get(path).refusal().code, Code::PermissionMissing);
    }
    assert_eq!(sibling.http.post("/v1/audit/segments", &()).refusal().code, Code::PermissionMissing);
}

fn owner_project(key: &Key) -> protocol::ProjectId {
    key.environment.place().project
}

#[test]
fn an_export_is_the_same_rows_as_lines() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read]);
    for _ in 0..220 {
        key.http.get("/v1/usage").ok();
    }
    let first = owner.http.get("/v1/audit/export?to=210");
    assert_eq!(first.headers["content-type"], "application/jsonl");
    assert_eq!(first.headers["link"], "</v1/audit/export?from=201&to=210>; rel=\"next\"");
    let second = owner.http.get("/v1/audit/export?from=201&to=210");
    assert!(!second.headers.contains_key("link"));
    let lines = [first.text, second.text].concat();
    let exported: Vec<LoggedRow> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let served = rows(&owner.http, 1, 210);
    assert_eq!(exported.iter().map(leaf).collect::<Vec<_>>(), served.iter().map(leaf).collect::<Vec<_>>());
    assert_eq!(exported.len(), 210);
}

/// Who asks in the test below: keys of its own, and a session of its own, because each has a pace.
struct Worker {
    owner: kit::Http,
    keys: Vec<Key>,
}

/// 10,000 accesses in full: reads, refusals, lists, bundles, changes that get in each other's way, by 16 at once.
#[test]
fn every_one_of_many_mixed_accesses_at_once_has_one_row() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    vault.set_plan(owner.account, "team");
    // A multiple of the kinds of accesses, so that there is an eighth of each.
    let each = part_of(10_000).div_ceil(16).next_multiple_of(8);
    let workers: Vec<Worker> = (0..16)
        .map(|_| {
            let permissions = [Permission::Read, Permission::Write];
            let keys = (0..each.div_ceil(200)).map(|_| owner.key(&key.environment, &permissions)).collect();
            Worker { owner: owner.log_in_again(vault), keys }
        })
        .collect();
    key.put("A", b"1");
    let before = close_all(&owner.http).last().unwrap().last + 1;
    let answered: Vec<kit::Answer> = std::thread::scope(|scope| {
        let asking: Vec<_> = workers
            .iter()
            .enumerate()
            .map(|(which, worker)| {
                scope.spawn(move || {
                    let ask = |number: usize| {
                        let key = &worker.keys[number % worker.keys.len()];
                        match (which + number) % 8 {
                            0 => key.http.get(&key.secret_path("A", How::Inject)),
                            1 => key.http.get(&key.secret_path("A", How::Reveal)),
                            2 => key.http.get("/v1/bundle?how=run"),
                            3 => key.http.get(&key.path("/secrets")),
                            4 => key.http.get("/v1/keys"),
                            5 => key.http.get(&format!("/v1/bundle?how=run&environment={}", "0".repeat(32))),
                            6 => worker.owner.get("/v1/keys"),
                            _ => key.http.post(&key.path("/changes"), &key.change(&[("B", b"2")], &[])),
                        }
                    };
                    (0..each).map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        asking.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let allowed = answered.iter().filter(|answer| answer.status == 200).count();
    assert!(allowed > answered.len() / 3 && allowed < answered.len(), "{allowed} of {}", answered.len());
    assert!(answered.iter().all(|answer| answer.status != 429 && answer.status < 500));

    // Dense, each row the one of one request, and of no request two.
    let end: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let logged = rows(&owner.http, before, end.receipt.seq - 1);
    assert!(logged.iter().map(|row| row.seq).eq(before..end.receipt.seq));
    let content = |row: &LoggedRow| row.content.as_ref().map(|content| content.request_id.clone()).unwrap();
    let mut told: std::collections::HashMap<String, &LoggedRow> =
        logged.iter().map(|row| (content(row), row)).collect();
    assert_eq!(told.len(), logged.len(), "one row a request");
    let mut receipts = 0;
    for answer in &answered {
        let request = &answer.headers["x-request-id"];
        let row = told.remove(request).unwrap_or_else(|| panic!("no row of {request}"));
        let entry = &row.content.as_ref().unwrap().entry;
        assert_eq!(entry.contains("\"result\":\"allowed\""), answer.status == 200, "{entry}");
        if let Ok(receipt) = serde_json::from_str::<Receipt>(&answer.text) {
            assert_eq!((receipt.seq, Some(receipt.leaf)), (row.seq, row.leaf));
            receipts += 1;
        }
    }
    assert!(receipts > answered.len() / 6, "{receipts}");
    // What else was written in the meantime is the listing before each change, and closing.
    assert_eq!(told.len(), 1 + answered.len() / 8);
    // All of it verifies.
    close_all(&owner.http);
    let (segments, mut previous) = (headers(&owner.http), None);
    for segment in &segments {
        assert!(audit_log::follows(owner.account, previous, segment), "{segment:?}");
        let leaves: Vec<_> = rows(&owner.http, segment.first, segment.last).iter().map(leaf).collect();
        assert_eq!(audit_log::root(&leaves), segment.root);
        previous = Some(segment);
    }
    assert!(previous.unwrap().last >= end.receipt.seq);
    println!("{} accesses at once, {allowed} of them allowed, {receipts} receipts", answered.len());
}

#[test]
fn rows_and_segments_stay_as_they_are_and_go_with_their_account_alone() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read]);
    let closed: Closed = owner.http.post("/v1/audit/segments", &()).json();
    key.get("A");
    let last = closed.segment.unwrap().last;
    let database = vault.database();
    let refused = |sql: &str| {
        let error = database.execute_batch(sql).expect_err(sql).to_string();
        assert!(error.contains("audit:") || error.contains("segment:"), "{sql}: {error}");
    };
    for column in ["account", "seq", "at", "cost", "request", "entry", "leaf", "credential"] {
        refused(&format!("UPDATE audit SET {column} = {column} WHERE seq = 1"));
        refused(&format!("UPDATE audit SET {column} = {column} WHERE seq = {last} + 1"));
    }
    for column in ["account", "n", "first", "last", "root", "previous", "closed_at", "hash"] {
        refused(&format!("UPDATE segments SET {column} = {column}"));
    }
    refused(&format!("DELETE FROM audit WHERE seq = {last} + 1"));
    refused("DELETE FROM audit");
    refused("DELETE FROM segments");
    // A segment that does not follow: of another number, with a gap, over rows again, after another hash, of none.
    for (n, first, end, previous) in [
        ("n + 2", "last + 1", "last + 1", "hash"),
        ("n + 1", "last + 2", "last + 2", "hash"),
        ("n + 1", "first", "last", "hash"),
        ("n + 1", "last + 1", "last + 1", "root"),
        ("n + 1", "last + 1", "last + 1000", "hash"),
        ("n + 1", "last + 1", "last", "hash"),
    ] {
        refused(&format!(
            "INSERT INTO segments SELECT account, {n}, {first}, {end}, root, {previous}, closed_at, hash FROM segments"
        ));
    }
    assert_eq!(database.execute("DELETE FROM audit WHERE seq = 1", []).unwrap(), 1, "a closed row may go");
    database.execute_batch("PRAGMA foreign_keys = on; DELETE FROM accounts").unwrap();
    assert_eq!((vault.count("audit"), vault.count("segments")), (0, 0));
}

#[test]
fn a_log_with_a_hole_is_not_closed_over() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read]);
    key.get("A");
    let database = vault.database();
    database.execute_batch("DROP TRIGGER audit_is_kept; DELETE FROM audit WHERE seq = 3").unwrap();
    assert_eq!(owner.http.post("/v1/audit/segments", &()).refusal().code, Code::LogDamaged);
    assert_eq!(vault.count("segments"), 0);
    // What is left can be read and exported still.
    assert!(rows(&owner.http, 1, 1000).iter().all(|row| row.seq != 3 && row.content.is_some()));
}

#[test]
fn a_row_that_the_vault_did_not_write_is_served_as_such() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read, Permission::Audit]);
    let read: Read = key.http.get(&key.secret_path("A", How::Inject)).json();
    let seq = read.receipt.seq;
    let database = vault.database();
    database.execute_batch("DROP TRIGGER audit_stays").unwrap();
    // The owner's sign-up, of which the key is shown the leaf alone, and the key's own read.
    database.execute("UPDATE audit SET at = at + 1 WHERE seq IN (1, ?1)", [seq as i64]).unwrap();
    let all = rows(&key.http, 1, seq);
    assert!(all[0].leaf.is_none() && all[0].content.is_none());
    assert!(all[1].leaf.is_some() && all[1].content.is_none());
    let row = all.last().unwrap();
    assert_eq!(row.leaf, Some(read.receipt.leaf));
    assert_ne!(leaf(row), read.receipt.leaf);
    // One that does not open has its leaf still, unless that is none any more.
    database.execute("UPDATE audit SET request = 'ff' WHERE seq = ?1", [seq as i64]).unwrap();
    let row = rows(&owner.http, seq, seq).remove(0);
    assert_eq!((row.leaf, row.unreadable, row.content.is_none()), (Some(read.receipt.leaf), true, true));
    database.execute("UPDATE audit SET leaf = 'ff' WHERE seq = ?1", [seq as i64]).unwrap();
    let row = rows(&owner.http, seq, seq).remove(0);
    assert_eq!((row.leaf, row.unreadable, row.content.is_none()), (None, true, true));
}

#[test]
fn a_row_that_does_not_open_is_named_and_hides_no_other() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Audit]);
    let elsewhere = owner.environment(owner_project(&key));
    owner.key(&elsewhere, &[Permission::Read]).get("B");
    let read: Read = key.http.get(&key.secret_path("A", How::Inject)).json();
    key.get("A");
    // The key's own read, and the other key's of an environment that it may not see: what is sealed in another row.
    let seqs = [read.receipt.seq - 1, read.receipt.seq];
    let sql = format!(
        "BEGIN IMMEDIATE; DROP TRIGGER audit_stays;
         UPDATE audit SET entry = (SELECT entry FROM audit o WHERE o.account = audit.account AND o.seq = 1)
         WHERE account = '{}' AND seq IN ({}, {});
         CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
             SELECT RAISE(ABORT, 'audit:stays as it is');
         END; COMMIT;",
        owner.account, seqs[0], seqs[1]
    );
    vault.behind(|database| database.execute_batch(&sql)).unwrap();
    let all: AuditRows = owner.http.get("/v1/audit").json();
    let leaves = rows(&owner.http, seqs[0], seqs[1]);
    let unreadable: Vec<_> = all.unreadable.iter().map(|row| (row.seq, row.leaf)).collect();
    assert_eq!(unreadable, [(seqs[1], Some(read.receipt.leaf)), (seqs[0], leaves[0].leaf)]);
    assert!(leaves.iter().all(|row| row.unreadable && row.leaf.is_some() && row.content.is_none()));
    let readable: BTreeSet<u64> = all.items.iter().map(|row| row.seq).collect();
    let newest = all.items[0].seq;
    assert_eq!(readable, (1..=newest).filter(|seq| !seqs.contains(seq)).collect());
    // A key is told of them, too: nobody can know whose they are.
    let seen: AuditRows = key.http.get("/v1/audit").json();
    assert_eq!(seen.unreadable, all.unreadable);
    assert!(seen.items.iter().any(|row| row.seq == seqs[1] + 1));
    // Verification goes on: the leaves are those that were written.
    let closed: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let segment = closed.segment.unwrap();
    let leaves: Vec<_> = rows(&owner.http, 1, segment.last).iter().map(|row| row.leaf.unwrap()).collect();
    assert_eq!(audit_log::root(&leaves), segment.root);
}

#[test]
fn rows_that_are_older_than_leaves_are_closed_over_like_others() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read]);
    key.get("A");
    let database = vault.database();
    database
        .execute_batch("DROP TRIGGER audit_stays; UPDATE audit SET leaf = '', credential = NULL")
        .unwrap();
    let closed: Closed = owner.http.post("/v1/audit/segments", &()).json();
    let segment = closed.segment.unwrap();
    let leaves: Vec<_> = rows(&owner.http, 1, segment.last).iter().map(leaf).collect();
    assert_eq!(audit_log::root(&leaves), segment.root);
}

const DAY: u64 = 86400;

#[test]
fn the_vault_closes_what_nobody_closed_for_a_day() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read]);
    key.get("A");
    vault.sweep();
    assert_eq!(vault.count("segments"), 0);
    vault.pass(DAY + 1);
    vault.sweep();
    vault.sweep();
    let owner = owner.log_in_again(&vault);
    let segments = headers(&owner);
    assert_eq!(segments.len(), 1);
    let leaves: Vec<_> = rows(&owner, 1, segments[0].last).iter().map(leaf).collect();
    assert_eq!(audit_log::root(&leaves), segments[0].root);
}

#[test]
fn rows_go_when_their_segment_is_old_and_headers_stay() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault, &[Permission::Read, Permission::Audit]);
    let (other, _) = owner_with_key(&vault, &[Permission::Read]);
    vault.set_audit_days(owner.account, 30, 0);
    let first = close_all(&key.http).remove(0);
    close_all(&other.http);
    vault.pass(20 * DAY);
    key.get("A");
    let second = close_all(&key.http).remove(0);
    vault.sweep();
    assert_eq!(rows(&key.http, 1, second.last).len() as u64, second.last, "nothing is old enough");
    vault.pass(10 * DAY);
    vault.sweep();
    let kept = rows(&key.http, 1, second.last);
    assert_eq!((kept[0].seq, kept.len() as u64), (second.first, second.last - second.first + 1));
    assert_eq!(headers(&key.http)[..2], [first.clone(), second.clone()]);
    vault.set_plan(owner.account, "team");
    vault.pass(100 * DAY);
    vault.sweep();
    assert_eq!(rows(&key.http, 1, second.last).len(), kept.len(), "the plan's days count");
}

#[test]
fn every_word_for_what_was_done_is_one_that_clients_know() {
    let vault = Vault::native();
    let (mut owner, key) = crate::journey::owner_with_key(&vault);
    crate::journey::journey(&vault, &mut owner, &key);
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let page: AuditRows = owner.http.get(&format!("/v1/audit{cursor}")).json();
        seen.extend(page.items.into_iter().map(|row| row.entry.action));
        let Some(next) = page.next else { break };
        cursor = format!("?cursor={next}");
    }
    let known: std::collections::BTreeSet<String> =
        protocol::body::AuditEntry::ACTIONS.iter().map(|action| (*action).to_owned()).collect();
    let unknown: Vec<_> = seen.difference(&known).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    // A canary is in no journey, and with an account its log is gone; the others each were done.
    let never: Vec<_> = known.difference(&seen).collect();
    assert_eq!(never, ["canary", "delete_account"]);
}
