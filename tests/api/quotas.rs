use kit::{Http, Owner, Vault, random_blob};
use protocol::{
    Code, NameIndex, Permission, Resource, SecretId,
    body::{Bucket, Change, SealedSecret, Usage, Versioned, Written},
};
use sealing::EnvironmentKey;
use std::sync::atomic::{AtomicBool, Ordering};

fn used(owner: &Owner, resource: Resource) -> u64 {
    let usage: Usage = owner.http.get("/v1/usage").json();
    usage.limits.iter().find(|limit| limit.resource == resource).unwrap().used.unwrap()
}

#[test]
fn the_51st_secret_is_refused_and_the_batch_it_came_in_stores_nothing() {
    let mut owner = Owner::sign_up(Vault::shared());
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    let names: Vec<String> = (0..51).map(|number| format!("S{number}")).collect();
    let put = |range: std::ops::Range<usize>| {
        let put: Vec<(&str, &[u8])> =
            names[range].iter().map(|name| (name.as_str(), b"v".as_slice())).collect();
        key.http.post(&key.path("/changes"), &key.change(&put, &[]))
    };
    let _: Written = put(0..45).json();
    let problem = put(45..51).refusal();
    assert_eq!((problem.code, problem.limit), (Code::QuotaExceeded, Some(Resource::Secrets)));
    assert_eq!(used(&owner, Resource::Secrets), 45);
    assert_eq!(key.list().items.len(), 45);
    let _: Written = put(45..50).json();
    assert_eq!(put(50..51).refusal().code, Code::QuotaExceeded);
    // At the limit, what is there can be changed and deleted; then there is room again.
    key.put("S0", b"changed");
    assert_eq!(key.get("S0").unwrap(), b"changed");
    let _: Written = key.http.post(&key.path("/changes"), &key.change(&[], &["S1"])).json();
    let _: Written = put(50..51).json();
    assert_eq!(used(&owner, Resource::Secrets), 50);
}

/// Somebody who writes to an environment of the account, and to no other: so nobody else's manifest is in the way. What is
/// written is sealed by nobody, for a vault that cannot tell.
struct Writer {
    path: String,
    version: u64,
    /// What is there: index, id and version.
    there: Vec<(NameIndex, SecretId, u64)>,
    /// What was deleted last.
    gone: Option<(NameIndex, SecretId, u64)>,
}

impl Writer {
    fn new(environment: &EnvironmentKey) -> Self {
        let path = format!("/v1/environments/{}/changes", environment.place().environment);
        Self { path, version: 1, there: vec![], gone: None }
    }

    fn change(&mut self, http: &Http, put: &[(NameIndex, SecretId, u64)], delete: &[NameIndex]) -> bool {
        let sealed = put.iter().map(|(index, id, version)| SealedSecret {
            id: *id,
            index: *index,
            version: *version,
            name: random_blob(),
            meta: random_blob(),
            value: random_blob(),
            policy: None,
        });
        let body = Change {
            put: sealed.collect(),
            delete: delete.to_vec(),
            root: Versioned { version: self.version + 1, blob: random_blob() },
            buckets: vec![Bucket { number: 0, blob: random_blob() }],
        };
        let answer = http.post(&self.path, &body);
        if answer.status != 200 {
            let problem = answer.refusal();
            assert_eq!((problem.code, problem.limit), (Code::QuotaExceeded, Some(Resource::Secrets)));
            return false;
        }
        self.version += 1;
        self.there.extend_from_slice(put);
        self.there.retain(|(index, ..)| !delete.contains(index));
        true
    }

    /// Puts so many new secrets at once, if there is room.
    fn put(&mut self, http: &Http, count: usize) -> bool {
        let id = || sealing::make_id().unwrap();
        let new: Vec<_> =
            (0..count).map(|_| (NameIndex::from_bytes(id()), SecretId::from_bytes(id()), 1)).collect();
        self.change(http, &new, &[])
    }

    /// Puts again what was deleted last, if there is room.
    fn restore(&mut self, http: &Http) {
        let Some((index, id, version)) = self.gone else { return };
        if self.change(http, &[(index, id, version + 1)], &[]) {
            self.gone = None;
        }
    }

    fn delete(&mut self, http: &Http, count: usize) {
        let doomed: Vec<_> = self.there.iter().rev().take(count).copied().collect();
        let Some(last) = doomed.last() else { return };
        let indexes: Vec<_> = doomed.iter().map(|(index, ..)| *index).collect();
        assert!(self.change(http, &[], &indexes));
        self.gone = Some(*last);
    }
}

/// An account with 40 secrets of 50, so many writers, and sessions enough that no pace is in the way.
fn at_forty(vault: &Vault, writers: usize) -> (Owner, Vec<Http>, Vec<Writer>) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let writers = (0..writers).map(|_| Writer::new(&owner.environment(project))).collect();
    let sessions: Vec<Http> = (0..50).map(|_| owner.log_in_again(vault)).collect();
    assert!(Writer::new(&owner.environment(project)).put(&owner.http, 40));
    (owner, sessions, writers)
}

/// Every writer puts one secret or three, all at once; how many were stored, and how many writers were refused.
fn race(sessions: &[Http], writers: &mut [Writer]) -> (usize, usize) {
    let stored: Vec<usize> = std::thread::scope(|scope| {
        let writing: Vec<_> = writers
            .iter_mut()
            .enumerate()
            .map(|(number, writer)| {
                let count = if number % 3 == 0 { 3 } else { 1 };
                let http = &sessions[number % sessions.len()];
                scope.spawn(move || if writer.put(http, count) { count } else { 0 })
            })
            .collect();
        writing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    (stored.iter().sum(), stored.iter().filter(|count| **count == 0).count())
}

/// How many of `all`, which `SECURECODE_TEST_FULL=1` asks for: without it a part of them, at the edge a smaller one.
pub fn part_of(all: usize) -> usize {
    match (std::env::var_os("SECURECODE_TEST_FULL").is_some(), Vault::is_at_the_edge()) {
        (true, _) => all,
        (false, false) => all / 5,
        (false, true) => all / 25,
    }
}

#[test]
fn writers_that_race_fill_the_account_and_never_pass_its_limit() {
    let (owner, sessions, mut writers) = at_forty(Vault::shared(), 200);
    for round in 0..part_of(50) {
        let (stored, refused) = race(&sessions, &mut writers);
        let took: usize = writers.iter().filter(|writer| !writer.there.is_empty()).count();
        assert_eq!((stored, refused), (10, 200 - took), "round {round}");
        assert_eq!(used(&owner, Resource::Secrets), 50, "round {round}");
        for (number, writer) in writers.iter_mut().enumerate() {
            writer.delete(&sessions[(number + round) % sessions.len()], 3);
        }
        assert_eq!(used(&owner, Resource::Secrets), 40, "round {round}");
    }
}

/// The control: without the trigger the same race passes the limit.
#[test]
fn without_its_trigger_the_limit_is_passed() {
    let vault = Vault::native();
    let (_, sessions, mut writers) = at_forty(&vault, 200);
    vault.database().execute_batch("DROP TRIGGER secrets_quota").unwrap();
    let (stored, refused) = race(&sessions, &mut writers);
    assert_eq!((stored, refused), (67 * 3 + 133, 0));
    assert_eq!(vault.count("secrets"), 40 + 67 * 3 + 133);
}

/// Eight writers put, restore and delete at the limit's edge: the counter is the count, at every moment.
#[test]
fn the_counter_never_drifts_from_the_count() {
    let own = (!Vault::is_at_the_edge()).then(Vault::native);
    let vault = own.as_ref().unwrap_or_else(|| Vault::shared());
    let (owner, sessions, mut writers) = at_forty(vault, 8);
    let each = part_of(10_000) / writers.len();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let churning: Vec<_> = writers
            .iter_mut()
            .enumerate()
            .map(|(number, writer)| {
                let sessions = &sessions;
                scope.spawn(move || {
                    for turn in 0..each {
                        let http = &sessions[(number * 7 + turn) % sessions.len()];
                        match (turn * 5 + number) % 7 {
                            0 | 3 => drop(writer.put(http, 1)),
                            1 => drop(writer.put(http, 3)),
                            2 | 5 => writer.delete(http, 1),
                            4 => writer.restore(http),
                            _ => writer.delete(http, 2),
                        }
                    }
                })
            })
            .collect();
        let watching = own.as_ref().map(|vault| {
            let database = vault.database();
            let done = &done;
            scope.spawn(move || {
                let (mut looked, mut most) = (0, 0);
                while !done.load(Ordering::Relaxed) {
                    let sql = "SELECT secrets, (SELECT count(*) FROM secrets) FROM usage";
                    let (counter, count): (i64, i64) =
                        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
                    assert_eq!(counter, count);
                    (looked, most) = (looked + 1, most.max(count));
                }
                (looked, most)
            })
        });
        for one in churning {
            one.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        if let Some(watching) = watching {
            let (looked, most) = watching.join().unwrap();
            assert!(looked > 100 && most == 50, "looked {looked} times, at most {most}");
        }
    });
    let there: usize = writers.iter().map(|writer| writer.there.len()).sum();
    assert_eq!(used(&owner, Resource::Secrets), 40 + there as u64);
}

#[test]
fn projects_and_keys_have_limits_and_a_revoked_key_makes_room() {
    let mut owner = Owner::sign_up(Vault::shared());
    let project = owner.project();
    owner.project();
    owner.project();
    let (_, manifest) = owner.next_manifest(|_| {});
    let fourth = owner
        .http
        .put(&format!("/v1/projects/{}", "ab".repeat(16)), &serde_json::json!({ "manifest": manifest }))
        .refusal();
    assert_eq!((fourth.code, fourth.limit), (Code::QuotaExceeded, Some(Resource::Projects)));

    let environment = owner.environment(project);
    let keys: Vec<_> = (0..10).map(|_| owner.key(&environment, &[Permission::Read])).collect();
    let api_key = sealing::ApiKey::make().unwrap();
    let (_, body) = owner.new_key(&api_key, &[&environment], &[Permission::Read]);
    let eleventh = owner.http.put(&format!("/v1/keys/{}", api_key.id()), &body).refusal();
    assert_eq!((eleventh.code, eleventh.limit), (Code::QuotaExceeded, Some(Resource::Keys)));
    owner.revoke(keys[0].id);
    owner.key(&environment, &[Permission::Read]);
    assert_eq!((used(&owner, Resource::Keys), used(&owner, Resource::Projects)), (10, 3));
}

#[test]
fn reads_are_counted_and_refused_past_the_days_limit_and_anew_the_next_day() {
    let vault = Vault::native();
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read]);
    let database = rusqlite::Connection::open(vault.storage().join("vault.db")).unwrap();
    database.execute("UPDATE plans SET reads = 3", []).unwrap();
    let read = || key.http.get("/v1/bundle?how=run");
    for _ in 0..3 {
        read().ok();
    }
    assert_eq!(read().refusal().code, Code::ReadsExhausted);
    assert_eq!(used(&owner, Resource::Reads), 3);
    // What is no read still works.
    key.http.get("/v1/environments").ok();
    vault.pass(86400);
    read().ok();
    assert_eq!(used(&Owner::sign_up(&vault), Resource::Reads), 0);
}
