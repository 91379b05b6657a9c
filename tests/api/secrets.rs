use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{Bundle, How, Listing, Read, Written},
};
use sealing::Manifest;

fn key(vault: &Vault) -> Key {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    owner.key(&environment, &[Permission::Read, Permission::Write])
}

#[test]
fn what_is_put_is_read_listed_bundled_and_deleted() {
    let key = key(Vault::shared());
    key.put("A", b"one");
    key.put("B", b"two");
    key.put("A", b"three");
    assert_eq!(key.get("A").unwrap(), b"three");
    assert_eq!(key.get("C"), None);

    let listing = key.list();
    let manifest = Manifest::open(&key.environment, &listing.root, &listing.buckets).unwrap();
    manifest.admits_entries(&listing.items).unwrap();
    let mut names: Vec<(String, u64)> = listing
        .items
        .iter()
        .map(|entry| (key.environment.open_entry(entry).unwrap().0.to_string(), entry.version))
        .collect();
    names.sort();
    assert_eq!(names, [("A".into(), 2), ("B".into(), 1)]);

    let bundle: Bundle = key.http.get("/v1/bundle?how=run").json();
    let manifest = Manifest::open(&key.environment, &bundle.root, &bundle.buckets).unwrap();
    manifest.admits(&key.environment, &bundle.secrets, &bundle.canaries).unwrap();
    assert_eq!(bundle.secrets.len(), 2);

    let _: Written = key.http.post(&key.path("/changes"), &key.change(&[], &["A"])).json();
    assert_eq!(key.get("A"), None);
    assert_eq!(key.list().items.len(), 1);
    key.put("A", b"anew");
    assert_eq!(key.get("A").unwrap(), b"anew");
}

#[test]
fn a_value_of_64_kib_passes_and_a_longer_one_does_not() {
    let key = key(Vault::shared());
    let longest = vec![b'x'; 65536];
    key.put("BIG", &longest);
    assert_eq!(key.get("BIG").unwrap(), longest);

    // What the vault sees of 64 KiB and one byte: one step of padding more.
    let mut change = key.change(&[("BIG2", b"x")], &[]);
    change.put[0].value = protocol::Blob::from_sealed(vec![1; 65536 + 2 * 4096 + 81]);
    let problem = key.http.post(&key.path("/changes"), &change).refusal();
    assert_eq!((problem.code, problem.limit), (Code::QuotaExceeded, Some(protocol::Resource::ValueBytes)));
    assert_eq!(key.get("BIG2"), None);
}

#[test]
fn of_two_writers_on_one_state_one_wins_and_the_other_loses_nothing() {
    let key = key(Vault::shared());
    key.put("A", b"0");
    let (first, second) = (key.change(&[("A", b"1")], &[]), key.change(&[("A", b"2"), ("B", b"2")], &[]));
    let _: Written = key.http.post(&key.path("/changes"), &first).json();
    assert_eq!(key.http.post(&key.path("/changes"), &second).refusal().code, Code::ManifestOutdated);
    assert_eq!(key.get("A").unwrap(), b"1");
    assert_eq!(key.get("B"), None);
    let _: Written =
        key.http.post(&key.path("/changes"), &key.change(&[("A", b"2"), ("B", b"2")], &[])).json();
    assert_eq!(key.get("B").unwrap(), b"2");
}

#[test]
fn a_change_may_be_sent_again() {
    let key = key(Vault::shared());
    let change = key.change(&[("A", b"1")], &[]);
    let first: Written = key.http.post(&key.path("/changes"), &change).json();
    let second: Written = key.http.post(&key.path("/changes"), &change).json();
    assert!(first.receipt.is_some());
    assert_eq!(second.receipt, None);
    assert_eq!(key.list().items[0].version, 1);
}

#[test]
fn a_secret_keeps_its_id_and_its_versions_have_no_gaps() {
    let key = key(Vault::shared());
    key.put("A", b"1");
    for alter in [(|secret: &mut protocol::body::SealedSecret| secret.version = 3) as fn(&mut _), |secret| {
        secret.id = protocol::SecretId::from_bytes([7; 16])
    }] {
        let mut change = key.change(&[("A", b"2")], &[]);
        alter(&mut change.put[0]);
        assert_eq!(key.http.post(&key.path("/changes"), &change).refusal().code, Code::ManifestOutdated);
    }
    let mut change = key.change(&[("B", b"2")], &[]);
    change.put[0].version = 2;
    assert_eq!(key.http.post(&key.path("/changes"), &change).refusal().code, Code::ManifestOutdated);
    assert_eq!(key.get("A").unwrap(), b"1");
}

#[test]
fn a_change_names_each_secret_once() {
    let key = key(Vault::shared());
    key.put("A", b"1");
    let mut change = key.change(&[("A", b"2")], &[]);
    change.delete.push(key.index("A"));
    assert_eq!(key.http.post(&key.path("/changes"), &change).refusal().code, Code::InvalidRequest);
}

#[test]
fn a_read_proves_absence_and_carries_everything_to_check_it() {
    let key = key(Vault::shared());
    key.put("A", b"1");
    let read: Read = key.http.get(&key.secret_path("NOPE", How::Inject)).json();
    assert!(read.secret.is_none());
    assert_eq!(read.root.version, 2);
    let wrapped = key.api_key.derive_wrap();
    let place = sealing::Place { project: read.environment.project, ..*key.environment.place() };
    wrapped.unwrap_environment_key(&place, read.environment.generation, &read.environment.key).unwrap();
}

#[test]
fn a_key_of_several_environments_names_the_one_it_wants() {
    let vault = Vault::shared();
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let (dev, test) = (owner.environment(project), owner.environment(project));
    let api_key = sealing::ApiKey::make().unwrap();
    let (next, body) = owner.new_key(&api_key, &[&dev, &test], &[Permission::Read]);
    let _: Written = owner.http.put(&format!("/v1/keys/{}", api_key.id()), &body).json();
    owner.wrote(next);
    let http = vault.http().with(&api_key.derive_token(&vault.url().parse().unwrap()));
    assert_eq!(http.get("/v1/bundle?how=run").refusal().code, Code::EnvironmentAmbiguous);
    assert_eq!(owner.http.get("/v1/bundle?how=run").refusal().code, Code::EnvironmentAmbiguous);
    for environment in [&dev, &test] {
        let bundle: Bundle =
            http.get(&format!("/v1/bundle?how=run&environment={}", environment.place().environment)).json();
        assert_eq!(bundle.environment.id, environment.place().environment);
    }
}

#[test]
fn a_list_comes_in_pages_that_join_without_gaps() {
    let vault = Vault::native();
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    raise_quota(&vault);
    let names: Vec<String> = (0..450).map(|number| format!("S{number}")).collect();
    let put: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"v".as_slice())).collect();
    let _: Written = key.http.post(&key.path("/changes"), &key.change(&put, &[])).json();
    let first: Listing = key.http.get(&key.path("/secrets")).json();
    assert_eq!(first.items.len(), 200);
    assert!(first.buckets.len() > 1, "450 secrets do not share one bucket");
    let listing = key.list();
    let manifest = Manifest::open(&key.environment, &listing.root, &listing.buckets).unwrap();
    manifest.admits_entries(&listing.items).unwrap();
    assert_eq!(listing.items.len(), 450);
    assert_eq!(key.get("S449").unwrap(), b"v", "a read finds the right bucket of several");
    assert_eq!(key.get("S450"), None);
}

fn raise_quota(vault: &Vault) {
    let database = rusqlite::Connection::open(vault.storage().join("vault.db")).unwrap();
    database.execute("UPDATE plans SET secrets = 1000", []).unwrap();
}
