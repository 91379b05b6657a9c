//! Rows of old segments: archived in the blob store, served from there, and gone in the end.

use kit::{Key, Owner, Vault};
use protocol::{
    Permission,
    body::{AuditRows, Closed, LoggedRow, Page, Segment, Segments},
};
use securecode_vault::{
    blobs::{Blobs, Keys},
    database::{Answer, Database, DatabaseError, Pending, Statement},
    host::Surroundings,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

const DAY: u64 = 86400;

fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Audit]);
    (owner, key)
}

fn close(http: &kit::Http) -> Segment {
    let closed: Closed = http.post("/v1/audit/segments", &()).json();
    closed.segment.expect("a segment")
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

/// As JSON, to be compared.
fn text(rows: &[LoggedRow]) -> Vec<String> {
    rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect()
}

fn leaves(rows: &[LoggedRow]) -> Vec<protocol::Digest> {
    rows.iter().map(|row| row.leaf.expect("a leaf")).collect()
}

fn live(vault: &Vault, owner: &Owner) -> (i64, i64) {
    let of = "SELECT count(*), coalesce(min(seq), 0) FROM audit WHERE account = ?1";
    let counts = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    vault.behind(|database| database.query_row(of, [owner.account.to_string()], counts)).unwrap()
}

fn archives(vault: &Vault, owner: &Owner) -> i64 {
    let of = "SELECT count(*) FROM archives WHERE account = ?1 AND until > 0";
    vault.behind(|database| database.query_row(of, [owner.account.to_string()], |row| row.get(0))).unwrap()
}

/// Sweeps until no closed row is left in the database: other tests' segments may come first.
fn sweep_up_to(vault: &Vault, owner: &Owner, last: u64) {
    for _ in 0..20 {
        vault.sweep();
        if live(vault, owner).1 as u64 > last {
            return;
        }
    }
    panic!("rows up to {last} are still there: {:?}", live(vault, owner));
}

#[test]
fn archived_rows_are_served_as_if_they_were_there() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault);
    let elsewhere = owner.environment(key.environment.place().project);
    let other = owner.key(&elsewhere, &[Permission::Read]);
    (0..230).for_each(|_| other.http.get("/v1/usage").ok());
    key.get("A");
    let first = close(&owner.http);
    key.get("A");
    let second = close(&owner.http);
    let before = (rows(&owner.http, 1, second.last), rows(&key.http, 1, second.last));
    vault.set_audit_days(owner.account, 0, 365);
    sweep_up_to(vault, &owner, second.last);
    assert_eq!(archives(vault, &owner), 2);

    let after = (rows(&owner.http, 1, second.last), rows(&key.http, 1, second.last));
    assert_eq!((text(&after.0), text(&after.1)), (text(&before.0), text(&before.1)));
    assert_eq!(audit_log::root(&leaves(&after.1[..first.last as usize])), first.root);
    assert!(
        after.1.iter().any(|row| row.content.is_none()) && after.1.iter().any(|row| row.content.is_some())
    );
    // Pages are bounded, and go on from archive to archive and into the database.
    let page: Page<LoggedRow> = owner.http.get("/v1/audit/rows?from=3").json();
    assert_eq!((page.items.len(), page.next.as_deref()), (200, Some("203")));
    let all = rows(&owner.http, 1, 1 << 50);
    assert!(all.iter().map(|row| row.seq).eq(1..=all.last().unwrap().seq));
    assert!(all.last().unwrap().seq > second.last);
    let exported = owner.http.get(&format!("/v1/audit/export?from={}&to={}", second.first, second.last));
    assert_eq!(exported.text.lines().count() as u64, second.last - second.first + 1);
    assert!(!exported.headers.contains_key("link"));
    // The list, newest first, to its end.
    let mut page: AuditRows = owner.http.get("/v1/audit").json();
    let mut seqs: Vec<u64> = page.items.iter().map(|row| row.seq).collect();
    while let Some(next) = page.next {
        page = owner.http.get(&format!("/v1/audit?cursor={next}")).json();
        assert!(page.items.len() <= 100 && page.unreadable.is_empty());
        seqs.extend(page.items.iter().map(|row| row.seq));
    }
    assert!(seqs.iter().copied().eq((1..=seqs[0]).rev()), "{seqs:?}");
    let headers: Segments = owner.http.get("/v1/audit/segments").json();
    assert_eq!((headers.items, headers.dropped), (vec![first, second], 0));
    // Sweeping again does nothing to it.
    vault.sweep();
    assert_eq!(text(&rows(&owner.http, 1, page_end(&after.0))), text(&after.0));
}

fn page_end(rows: &[LoggedRow]) -> u64 {
    rows.last().unwrap().seq
}

#[test]
fn what_another_accounts_archive_says_is_shown_to_nobody() {
    let vault = Vault::native();
    let (owner, _) = owner_with_key(&vault);
    let (other, _) = owner_with_key(&vault);
    let segments = [close(&owner.http), close(&other.http)];
    for one in [&owner, &other] {
        vault.set_audit_days(one.account, 0, 365);
    }
    vault.sweep();
    // Rows of the one in place of the other's: whole, with its own leaves, and with the leaves that are expected.
    let database = vault.database();
    let key = |owner: &Owner| format!("audit/{}/1", owner.account);
    let read = |key: String| -> String {
        database.query_row("SELECT text FROM blobs WHERE key = ?1", [key], |row| row.get(0)).unwrap()
    };
    let (stolen, own) = (read(key(&other)), read(key(&owner)));
    let leaf_of = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["leaf"].as_str().unwrap().to_owned()
    };
    let grafted: String =
        stolen.lines().zip(own.lines()).map(|(a, b)| a.replace(&leaf_of(a), &leaf_of(b)) + "\n").collect();
    for text in [&stolen, &grafted] {
        database.execute("UPDATE blobs SET text = ?2 WHERE key = ?1", [&key(&owner), text]).unwrap();
        let shown = rows(&owner.http, 1, segments[0].last);
        assert!(shown.iter().all(|row| row.unreadable && row.content.is_none()));
        let mut page: AuditRows = owner.http.get("/v1/audit").json();
        while let Some(next) = page.next.take().filter(|_| page.unreadable.is_empty()) {
            page = owner.http.get(&format!("/v1/audit?cursor={next}")).json();
        }
        assert_eq!((page.items.len(), page.unreadable.len() as u64), (0, segments[0].last));
    }
}

/// A database that refuses to archive while it is told to, as if the sweep were killed before that batch.
struct Killed {
    inner: Box<dyn Database>,
    killed: Arc<AtomicBool>,
}

impl Database for Killed {
    fn run(&self, statement: Statement) -> Pending<'_, Result<Answer, DatabaseError>> {
        self.inner.run(statement)
    }

    fn batch(&self, statements: Vec<Statement>) -> Pending<'_, Result<Vec<Answer>, DatabaseError>> {
        let archives = statements.iter().any(|one| one.sql.starts_with("INSERT INTO archives"));
        if archives && self.killed.load(SeqCst) {
            return Box::pin(async { Err(DatabaseError::Fault("killed".into())) });
        }
        self.inner.batch(statements)
    }
}

/// A blob store that cannot be written while it is told so.
struct Full {
    inner: Box<dyn Blobs>,
    full: Arc<AtomicBool>,
}

impl Blobs for Full {
    fn put(&self, key: String, text: String) -> Pending<'_, Result<(), DatabaseError>> {
        if self.full.load(SeqCst) {
            return Box::pin(async { Err(DatabaseError::Fault("full".into())) });
        }
        self.inner.put(key, text)
    }
    fn get(&self, key: String) -> Pending<'_, Result<Option<String>, DatabaseError>> {
        self.inner.get(key)
    }
    fn delete(&self, key: String) -> Pending<'_, Result<(), DatabaseError>> {
        self.inner.delete(key)
    }
    fn list(&self, prefix: String, cursor: Option<String>) -> Pending<'_, Result<Keys, DatabaseError>> {
        self.inner.list(prefix, cursor)
    }
}

#[test]
fn a_sweep_that_is_killed_between_blob_and_batch_loses_nothing() {
    let (killed, full) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let (kill, fill) = (killed.clone(), full.clone());
    let vault = Vault::native_as(|surroundings| Surroundings {
        database: Box::new(Killed { inner: surroundings.database, killed: kill }),
        blobs: Box::new(Full { inner: surroundings.blobs, full: fill }),
        ..surroundings
    });
    let (owner, _) = owner_with_key(&vault);
    let segment = close(&owner.http);
    let whole = text(&rows(&owner.http, 1, segment.last));
    vault.set_audit_days(owner.account, 0, 365);
    let unchanged = || {
        assert_eq!((archives(&vault, &owner), live(&vault, &owner).1), (0, 1));
        assert_eq!(text(&rows(&owner.http, 1, segment.last)), whole);
    };
    vault.sweep();
    assert_eq!(vault.count("blobs"), 0);
    unchanged();
    full.store(false, SeqCst);
    // Killed twice: the blob is there, and is written again.
    for _ in 0..2 {
        vault.sweep();
        assert_eq!(vault.count("blobs"), 1);
        unchanged();
    }
    killed.store(false, SeqCst);
    vault.sweep();
    assert_eq!((vault.count("blobs"), archives(&vault, &owner)), (1, 1));
    assert_eq!(live(&vault, &owner).1 as u64, segment.last + 1);
    assert_eq!(text(&rows(&owner.http, 1, segment.last)), whole);
}

#[test]
fn an_archive_goes_when_the_plan_says_and_with_its_account() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    let (other, _) = owner_with_key(&vault);
    let (never, _) = owner_with_key(&vault);
    let segment = close(&key.http);
    close(&other.http);
    let unkept = close(&never.http);
    vault.set_audit_days(owner.account, 10, 100);
    vault.set_audit_days(other.account, 10, 100);
    vault.set_audit_days(never.account, 10, 0);
    vault.pass(10 * DAY);
    vault.sweep();
    assert_eq!((vault.count("blobs"), archives(&vault, &owner), archives(&vault, &never)), (2, 1, 0));
    let dropped = |owner: &Owner| {
        let of = "SELECT dropped FROM usage WHERE account = ?1";
        vault.database().query_row(of, [owner.account.to_string()], |row| row.get::<_, i64>(0)).unwrap()
            as u64
    };
    // Of a plan without an archive, rows are gone now.
    assert_eq!((dropped(&owner), dropped(&never)), (0, unkept.last));
    assert_eq!(live(&vault, &never).1 as u64, unkept.last + 1);
    // The plan that the account has now decides.
    vault.pass(90 * DAY);
    vault.set_audit_days(owner.account, 10, 101);
    vault.sweep();
    // Of the first segment of each; later ones were closed and archived meanwhile.
    let first = |owner: &Owner| {
        let key = format!("audit/{}/1", owner.account);
        let of = "SELECT (SELECT count(*) FROM archives WHERE account = ?1 AND n = 1),
                      (SELECT count(*) FROM blobs WHERE key = ?2)";
        let counts = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        vault.database().query_row(of, [owner.account.to_string(), key], counts).unwrap()
    };
    assert_eq!((first(&owner), first(&other)), ((1, 1), (0, 0)));
    assert_eq!(rows(&key.http, 1, segment.last).len() as u64, segment.last);
    vault.pass(DAY);
    // Not shown any more, whether or not a sweep came by.
    assert!(rows(&key.http, 1, segment.last).is_empty());
    vault.sweep();
    assert_eq!((first(&owner), dropped(&owner)), ((0, 0), segment.last));
    let headers: Segments = key.http.get("/v1/audit/segments").json();
    assert_eq!((&headers.items[0], headers.dropped), (&segment, segment.last));

    // With its account: what is named, and what was written and not named yet.
    let (leaving, _) = owner_with_key(&vault);
    close(&leaving.http);
    vault.set_audit_days(leaving.account, 0, 100);
    vault.sweep();
    let next = close(&leaving.http);
    let database = vault.database();
    database
        .execute(
            "INSERT INTO blobs VALUES (?1, 'written')",
            [format!("audit/{}/{}", leaving.account, next.n)],
        )
        .unwrap();
    let left = || {
        let of = "SELECT count(*) FROM blobs WHERE key LIKE 'audit/' || ?1 || '/%'";
        database.query_row(of, [leaving.account.to_string()], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(left(), 2);
    database.execute_batch("PRAGMA foreign_keys = on").unwrap();
    database.execute("DELETE FROM accounts WHERE id = ?1", [leaving.account.to_string()]).unwrap();
    vault.sweep();
    assert_eq!((left(), archives(&vault, &leaving)), (0, 0));
}

#[test]
fn a_sweep_archives_so_many_segments_and_each_accounts_oldest_first() {
    let vault = Vault::native();
    let owners: Vec<Owner> = (0..3).map(|_| owner_with_key(&vault).0).collect();
    for owner in &owners {
        for _ in 0..15 {
            close(&owner.http);
        }
        vault.set_audit_days(owner.account, 0, 365);
    }
    let all = || owners.iter().map(|owner| archives(&vault, owner)).collect::<Vec<_>>();
    vault.sweep();
    let mut done = all();
    done.sort_unstable();
    assert_eq!(done, [6, 7, 7]);
    for owner in &owners {
        let first = live(&vault, owner).1;
        let archived: i64 = vault
            .database()
            .query_row(
                "SELECT max(s.last) FROM archives r JOIN segments s USING (account, n) WHERE r.account = ?1",
                [owner.account.to_string()],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(first, archived + 1);
    }
    vault.sweep();
    vault.sweep();
    assert_eq!(all(), [15, 15, 15]);
}
