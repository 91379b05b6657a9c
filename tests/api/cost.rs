//! What a request costs at the edge, by D1's and KV's own counts, and that it does not grow. It writes to the database's
//! file behind the vault, so it runs after the suite; `cargo xtask cost` runs the whole of it, in a workerd of its own.

use crate::journey::{journey, owner_with_key};
use kit::{Answer, Key, Owner, Vault};
use protocol::{
    Permission,
    body::{How, Written},
};
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

/// Rows read, rows written, operations of KV.
type Cost = (u64, u64, u64);

fn cost(answer: &Answer) -> Cost {
    let counts = answer.headers.get("x-meter").expect("a vault with METER set");
    let counts: Vec<u64> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
    (counts[0], counts[1], counts[2])
}

/// An account whose environment has so many secrets, and whose log so many rows more.
fn account(vault: &Vault, secrets: u64, rows: u64) -> (Owner, Key) {
    let (owner, key) = owner_with_key(vault);
    let names: Vec<String> = (0..10).map(|number| format!("S{number}")).collect();
    let put: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"v".as_slice())).collect();
    let _: Written = key.http.post(&key.path("/changes"), &key.change(&put, &[])).json();
    // The newest row is that of a read, as most are.
    key.http.get(&key.secret_path("S0", How::Inject)).ok();
    vault.set_plan(owner.account, "team");
    if secrets > 10 {
        vault.multiply_secrets(key.environment.place().environment, secrets);
    }
    if rows > 0 {
        vault.multiply_audit(owner.account, rows);
    }
    (owner, key)
}

#[test]
#[ignore = "writes to the database's file behind the vault: cargo xtask edge, cargo xtask cost"]
fn what_a_request_costs_does_not_grow() {
    let vault = Vault::shared();
    assert!(Vault::is_at_the_edge(), "run it by `cargo xtask cost`");
    // No plan has room for the largest of these accounts.
    vault.database().execute("UPDATE plans SET secrets = 20000 WHERE name = 'team'", []).unwrap();

    let (most, rows) = if std::env::var_os("SECURECODE_TEST_FULL").is_some() {
        (10_000, 1_000_000)
    } else {
        (1_000, 10_000)
    };
    let mut table = String::from(
        "| secrets | audit rows | a secret: read | written | KV | no such name: read | written | KV |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut journeys = vec![];
    for (secrets, rows) in [(10, 0), (most, 0), (10, rows), (most, rows)] {
        let (mut owner, key) = account(vault, secrets, rows);
        let there = cost(&key.http.get(&key.secret_path("S3", How::Inject)));
        assert_eq!(key.get("S3").unwrap(), b"v");
        let absent = cost(&key.http.get(&key.secret_path("ABSENT", How::Inject)));
        writeln!(table, "| {secrets} | {rows} | {} | {} |", cells(there), cells(absent)).unwrap();
        for one in [there, absent] {
            let (read, written, blobs) = one;
            let small = (1..=12).contains(&read) && (1..=3).contains(&written) && blobs == 0;
            assert!(small, "{one:?} with {secrets} secrets and {rows} audit rows");
        }
        if (secrets == 10) == (rows == 0) {
            journeys.push(costs_of_journey(vault, &mut owner, &key));
        }
    }
    println!("{table}");

    let [small, large] = journeys.try_into().unwrap();
    let mut table = format!(
        "| request | read | written | KV | at {most} secrets and {rows} audit rows: read | written | KV |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (endpoint, cost) in &small {
        writeln!(table, "| `{endpoint}` | {} | {} |", cells(*cost), cells(large[endpoint])).unwrap();
    }
    println!("{table}");
    let (_, key) = account(vault, 10, 0);
    let change = key.change(&[("LARGE", &[7; 200 * 1024])], &[]);
    let put = cost(&key.http.post(&key.path("/changes"), &change));
    let read = cost(&key.http.get(&key.secret_path("LARGE", How::Inject)));
    println!("| a value of 200 KiB | read | written | KV |\n| --- | --- | --- | --- |");
    println!("| put | {} |\n| read | {} |\n", cells(put), cells(read));
    assert!(put.2 == 1 && read.2 == 1 && read.0 <= 12 && read.1 <= 3, "{put:?} {read:?}");
    println!("{}", processor_time(vault));
    for (endpoint, cost) in &small {
        let more = large[endpoint];
        let grows = GROWS.iter().find(|(name, _)| name == endpoint).map_or(0, |(_, most)| *most);
        let same = more.0 <= cost.0 + NEIGHBOURS + grows && more.1 <= cost.1 && more.2 <= cost.2;
        assert!(same, "{endpoint}: {cost:?}, then {more:?}");
    }
}

fn cells((read, written, blobs): Cost) -> String {
    format!("{read} | {written} | {blobs}")
}

/// Of each endpoint the first request that was done: the one that was asked for itself.
fn costs_of_journey(vault: &Vault, owner: &mut Owner, key: &Key) -> BTreeMap<String, Cost> {
    let first = |all: Vec<kit::Asked>| all.into_iter().find(|one| one.answer.status < 300).unwrap();
    let asked = journey(vault, owner, key);
    asked.into_iter().map(|(endpoint, all)| (endpoint, cost(&first(all).answer))).collect()
}

/// A look-up that finds nothing reads the row beside it, where there is one: in the first account there often is none.
const NEIGHBOURS: u64 = 8;

/// Requests whose cost is that of what they answer or close over: how many more rows they may read.
const GROWS: [(&str, u64); 6] = [
    ("GET /v1/audit", 100),
    ("GET /v1/audit/export", 200),
    ("GET /v1/audit/rows", 200),
    ("GET /v1/bundle", 2 * 10_000),
    ("GET /v1/environments/{id}/secrets", 200),
    ("POST /v1/audit/segments", 1_000),
];

/// Processor time of every process of workerd, in milliseconds for each of 2,000 reads of one secret.
fn processor_time(vault: &Vault) -> String {
    let (mut owner, key) = account(vault, 10, 0);
    let mut keys = vec![key];
    let environment = keys[0].environment.clone();
    // A key has a pace; ten have ten.
    keys.extend((0..8).map(|_| owner.key(&environment, &[Permission::Read])));
    let read = |times: usize| {
        for key in &keys {
            for _ in 0..times {
                key.http.get(&key.secret_path("S3", How::Inject)).ok();
            }
        }
    };
    read(20);
    let before = workerd_milliseconds();
    read(200);
    let each = (workerd_milliseconds() - before) / (200 * keys.len()) as f64;
    format!("{} reads of one secret: {each:.2} ms of workerd's processor time each", 200 * keys.len())
}

/// User and system time of the processes named workerd, from /proc: 100 ticks a second.
fn workerd_milliseconds() -> f64 {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let ticks = processes.filter_map(|path: std::path::PathBuf| ticks_of_workerd(&path));
    ticks.sum::<u64>() as f64 * 10.0
}

fn ticks_of_workerd(process: &Path) -> Option<u64> {
    let command = fs::read_to_string(process.join("cmdline")).ok()?;
    if !command.split('\0').next()?.ends_with("workerd") {
        return None;
    }
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}
