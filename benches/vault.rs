//! The vault, natively and in workerd, beside a Worker written by hand in JavaScript and one that does nothing
//! (docs/benchmarks.md). `cargo xtask bench` builds what it starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use kit::{Http, Key, Owner, Vault};
use measure::{hosts, load::Load};
use protocol::{
    Blob, Permission,
    body::{Change, How, Versioned},
};
use std::{path::Path, time::Instant};

const AT_ONCE: [usize; 3] = [1, 16, 64];
/// Secrets of the environment that is read.
const SECRETS: usize = 50;
/// What one writer's only key may write at once, within its pace, with what the other loads have it write.
const PUTS: usize = 240;
/// Each has a pace (300 at once, then ten a second), so there are enough for all.
const KEYS: usize = 150;

/// How much is asked.
struct Size {
    reads: usize,
    others: usize,
    starts: usize,
    secrets: u64,
    rows: u64,
}

fn main() {
    let bounded = std::env::var_os("SECURECODE_BENCH_BOUNDED").is_some();
    let size = if bounded {
        Size { reads: 64, others: 64, starts: 1, secrets: 100, rows: 1_000 }
    } else {
        Size { reads: 3_000, others: 600, starts: 10, secrets: 10_000, rows: 1_000_000 }
    };
    let storage = std::env::var_os("SECURECODE_BENCH_STORAGE").expect("cargo xtask bench");
    let storage = Path::new(&storage);
    let data = tempfile::tempdir().unwrap();

    let (_running, url) = hosts::native(data.path());
    let native = Vault::at(url, data.path().into());
    let (workerd, urls) = hosts::workers(storage, &["vault", "javascript", "trivial"]);
    let [edge, javascript, trivial] = urls.try_into().unwrap();
    let edge = Vault::at(edge, storage.into());
    let javascript = Vault::at(javascript, storage.into());
    let trivial = Vault::at(trivial, storage.into());

    println!("\n## The vault: an environment of {SECRETS} secrets\n");
    println!(
        "| request | host | at once | a second | p50, ms | p99, ms |\n| --- | --- | --- | --- | --- | --- |"
    );
    for (host, vault) in [("native", &native), ("workerd", &edge)] {
        let reader = Reader::of(vault);
        for at_once in AT_ONCE {
            show("get", host, at_once, &reader.get(vault, at_once, size.reads));
        }
        for (request, path) in
            [("list", reader.keys[0].path("/secrets")), ("bundle", "/v1/bundle?how=inject".into())]
        {
            for at_once in AT_ONCE {
                show(request, host, at_once, &reader.ask(vault, at_once, size.others, &path));
            }
        }
        let mut writers = Writer::all_of(vault);
        for at_once in AT_ONCE {
            show("put", host, at_once, &put(vault, &mut writers, at_once, size.others.min(PUTS)));
        }
    }

    println!("\n## The vault's Worker beside others, in one workerd, by turns\n");
    println!(
        "| at once | the vault, a second | JavaScript | nothing | the vault of JavaScript |\n| --- | --- | --- | --- | --- |"
    );
    let reader = Reader::of(&edge);
    // The very same rows: it must answer what opens.
    reader.check(&edge);
    reader.check(&javascript);
    for at_once in AT_ONCE {
        let turn = || [&edge, &javascript, &trivial].map(|vault| reader.get(vault, at_once, size.reads / 5));
        let loads = (1..5).fold(turn(), |sum, _| {
            let mut sum = sum.into_iter();
            turn().map(|more| sum.next().unwrap().join(more))
        });
        let [ours, theirs, floor] = loads.map(|load| load.rate());
        println!("| {at_once} | {ours:.0} | {theirs:.0} | {floor:.0} | {:.2} |", ours / theirs);
    }

    println!("\n## Processor time of a get in workerd (all of its processes), ms\n");
    println!("| the vault | JavaScript | nothing |\n| --- | --- | --- |");
    let used = [&edge, &javascript, &trivial].map(|vault| {
        let before = workerd.processor_time();
        reader.get(vault, 16, size.reads);
        (workerd.processor_time() - before) / size.reads as f64
    });
    println!("| {:.2} | {:.2} | {:.2} |", used[0], used[1], used[2]);

    println!("\n## Growth: a get, one at a time, p50 and p99 in ms\n");
    println!("| secrets | audit rows | native | workerd |\n| --- | --- | --- | --- |");
    for (secrets, rows) in [(10, 0), (size.secrets / 10, 0), (size.secrets, 0), (size.secrets, size.rows)] {
        let cells = [&native, &edge].map(|vault| {
            let reader = Reader::grown(vault, secrets, rows);
            let load = reader.get(vault, 1, size.reads / 3);
            format!("{:.2}, {:.2}", load.percentile(50), load.percentile(99))
        });
        println!("| {secrets} | {rows} | {} | {} |", cells[0], cells[1]);
    }
    drop(workerd);

    println!("\n## From start to the first answer, the median of {} starts, ms\n", size.starts);
    println!(
        "| native | workerd with the vault | with JavaScript | with nothing |\n| --- | --- | --- | --- |"
    );
    let mut cells = vec![format!(
        "{:.0}",
        first_answer(size.starts, || {
            let folder = tempfile::tempdir().unwrap();
            let (running, url) = hosts::native(folder.path());
            Vault::at(url, folder.path().into()).http().get("/healthz").ok();
            drop((running, folder));
        })
    )];
    for name in ["vault", "javascript", "trivial"] {
        cells.push(format!(
            "{:.0}",
            first_answer(size.starts, || {
                let (running, urls) = hosts::workers(storage, &[name]);
                // JavaScript's knows this path alone, and fails; that is an answer too.
                Vault::at(urls[0].clone(), storage.into()).http().get("/healthz");
                drop(running);
            })
        ));
    }
    println!("| {} |", cells.join(" | "));
}

fn show(request: &str, host: &str, at_once: usize, load: &Load) {
    let (rate, half, most) = (load.rate(), load.percentile(50), load.percentile(99));
    println!("| {request} | {host} | {at_once} | {rate:.0} | {half:.2} | {most:.2} |");
}

fn first_answer(times: usize, start: impl Fn()) -> f64 {
    let took = (0..times).map(|_| {
        let begun = Instant::now();
        start();
        begun.elapsed()
    });
    Load::new(took.collect(), Default::default()).percentile(50)
}

/// An account on the largest plan.
fn owner(vault: &Vault) -> Owner {
    let owner = Owner::sign_up(vault);
    vault.set_plan(owner.account, "team");
    owner
}

/// Keys of one environment, taken in turn.
struct Reader {
    keys: Vec<Key>,
}

impl Reader {
    fn of(vault: &Vault) -> Self {
        Self::with(vault, SECRETS).1
    }

    fn with(vault: &Vault, secrets: usize) -> (Owner, Self) {
        let mut owner = owner(vault);
        let project = owner.project();
        let environment = owner.environment(project);
        let permissions = [Permission::Read, Permission::Write];
        let keys: Vec<Key> = (0..KEYS).map(|_| owner.key(&environment, &permissions)).collect();
        let names: Vec<String> = (0..secrets).map(|number| format!("S{number}")).collect();
        let put: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), VALUE)).collect();
        keys[0].http.post(&keys[0].path("/changes"), &keys[0].change(&put, &[])).ok();
        (owner, Self { keys })
    }

    /// One of an environment with so many secrets, in an account whose log has so many rows more.
    fn grown(vault: &Vault, secrets: u64, rows: u64) -> Self {
        // Writing behind a vault: so often that no plan has room for it.
        vault.database().execute("UPDATE plans SET secrets = 20000 WHERE name = 'team'", []).unwrap();
        let (owner, reader) = Self::with(vault, 10);
        reader.check(vault);
        if secrets > 10 {
            vault.multiply_secrets(reader.keys[0].environment.place().environment, secrets);
        }
        if rows > 0 {
            vault.multiply_audit(owner.account, rows);
        }
        reader
    }

    /// What that vault answers opens to the value.
    fn check(&self, vault: &Vault) {
        let key = &self.keys[1];
        let token = key.http.token().expect("a token").to_owned();
        let asked = vault.http().with_text(&token).get(&key.secret_path("S3", How::Inject));
        assert_eq!(key.open("S3", asked.json()).as_deref(), Some(VALUE));
    }

    fn get(&self, vault: &Vault, at_once: usize, times: usize) -> Load {
        self.ask(vault, at_once, times, &self.keys[0].secret_path("S3", How::Inject))
    }

    fn ask(&self, vault: &Vault, at_once: usize, times: usize, path: &str) -> Load {
        let tokens: Vec<&str> = self.keys.iter().map(|key| key.http.token().expect("a token")).collect();
        let connected = |_| {
            // Its own connection, and an answer over it.
            let http = vault.http();
            http.get("/healthz");
            tokens.iter().map(|token| http.with_text(token)).collect::<Vec<Http>>()
        };
        Load::of(at_once, times.div_ceil(at_once), connected, |by_key, number| {
            by_key[number % KEYS].get(path).ok()
        })
    }
}

const VALUE: &[u8] = b"sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/// Who puts secrets into an environment of its own, and knows what is there.
struct Writer {
    key: Key,
    root: Versioned,
    buckets: Vec<Blob>,
}

impl Writer {
    fn all_of(vault: &Vault) -> Vec<Self> {
        let mut owner = owner(vault);
        let project = owner.project();
        let made = (0..AT_ONCE[AT_ONCE.len() - 1]).map(|_| {
            let environment = owner.environment(project);
            let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
            let listing = key.list();
            Self { key, root: listing.root, buckets: listing.buckets }
        });
        made.collect()
    }

    /// The next so many changes, each on the one before it.
    fn changes(&mut self, times: usize) -> Vec<Change> {
        let changes = (0..times).map(|number| {
            let change =
                self.key.change_of(&self.root, &self.buckets, &[(&format!("S{}", number % 10), VALUE)], &[]);
            self.root = change.root.clone();
            for bucket in &change.buckets {
                self.buckets[bucket.number as usize] = bucket.blob.clone();
            }
            change
        });
        changes.collect()
    }
}

/// Each at once has an environment of its own, for whoever writes to one waits for the other.
fn put(vault: &Vault, writers: &mut [Writer], at_once: usize, times: usize) -> Load {
    let each = times.div_ceil(at_once);
    let prepared = |number: usize| {
        let writer = &mut writers[number];
        let http = vault.http();
        http.get("/healthz");
        let http = http.with_text(writer.key.http.token().expect("a token"));
        (http, writer.key.path("/changes"), writer.changes(each).into_iter())
    };
    Load::of(at_once, each, prepared, |(http, path, changes), _| {
        http.post(path, &changes.next().expect("one for each time")).ok();
    })
}
