use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission, SecretId,
    body::{Binned, Bundle, How, NewPolicy, Page, Read, ReadEarlier, Version, Versioned, Written},
};
use sealing::{Consent, Manifest, Policy};

fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write, Permission::Reveal]);
    (owner, key)
}

fn versions(key: &Key, name: &str) -> Vec<u64> {
    let page: Page<Version> =
        key.http.get(&key.path(&format!("/secrets/{}/versions", key.index(name)))).json();
    page.items.iter().map(|version| version.version).collect()
}

fn read_version(key: &Key, name: &str, version: u64) -> Vec<u8> {
    let path = key.path(&format!("/secrets/{}/versions/{version}?how=reveal", key.index(name)));
    let read: ReadEarlier = key.http.get(&path).json();
    key.environment.open_secret(&read.secret).unwrap().value.expose().to_vec()
}

fn delete(key: &Key, name: &str) {
    let _: Written = key.http.post(&key.path("/changes"), &key.change(&[], &[name])).json();
}

fn bin(key: &Key) -> Vec<Binned> {
    let page: Page<Binned> = key.http.get(&key.path("/bin")).json();
    page.items
}

/// Puts a deleted secret again: its next version, under its id.
fn restore(key: &Key, binned: &Binned) -> kit::Answer {
    let path = key.path(&format!("/bin/{}?how=write", binned.id));
    let read: ReadEarlier = key.http.get(&path).json();
    let opened = key.environment.open_secret(&read.secret).unwrap();
    let mut change = key.change(&[(opened.name.as_str(), b"")], &[]);
    let listing = key.list();
    let mut manifest = Manifest::open(&key.environment, &listing.root, &listing.buckets).unwrap();
    let sealed = key
        .environment
        .seal_secret(opened.id, opened.version + 1, &opened.name, &opened.meta, &opened.value)
        .unwrap();
    manifest.put(sealing::EnvironmentKey::entry(&sealed));
    let (root, buckets) = manifest.seal_next(&key.environment, &listing.buckets).unwrap();
    (change.put, change.root, change.buckets) = (vec![sealed], root, buckets);
    key.http.post(&key.path("/changes"), &change)
}

#[test]
fn earlier_versions_are_kept_listed_and_read() {
    let (_, key) = owner_with_key(Vault::shared());
    for value in [b"one".as_slice(), b"two", b"three"] {
        key.put("A", value);
    }
    key.put("B", b"other");
    assert_eq!(versions(&key, "A"), [3, 2, 1]);
    assert_eq!(versions(&key, "B"), [1]);
    assert_eq!(read_version(&key, "A", 1), b"one");
    assert_eq!(read_version(&key, "A", 2), b"two");
    for absent in ["A", "B"] {
        let path = key.path(&format!("/secrets/{}/versions/9?how=reveal", key.index(absent)));
        assert_eq!(key.http.get(&path).refusal().code, Code::NotFound);
    }
    let path = key.path(&format!("/secrets/{}/versions", key.index("C")));
    assert_eq!(key.http.get(&path).refusal().code, Code::NotFound);
}

#[test]
fn the_free_plan_keeps_20_earlier_versions() {
    let (_, key) = owner_with_key(Vault::shared());
    for number in 1..=24 {
        key.put("A", format!("{number}").as_bytes());
    }
    assert_eq!(versions(&key, "A"), (4..=24).rev().collect::<Vec<u64>>());
}

#[test]
fn a_deleted_secret_is_restored_with_its_history_or_is_gone_after_30_days() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    key.put("A", b"one");
    key.put("A", b"two");
    key.put("B", b"kept");
    delete(&key, "A");
    assert_eq!(key.get("A"), None);
    let binned = bin(&key);
    assert_eq!((binned.len(), binned[0].version), (1, 2));
    let now = securecode_vault::native::system_clock();
    assert!(binned[0].deleted_at <= now + 1 && binned[0].deleted_at + 60 > now);

    restore(&key, &binned[0]).ok();
    assert_eq!(key.get("A").unwrap(), b"two");
    assert_eq!(versions(&key, "A"), [3, 2, 1]);
    assert_eq!(read_version(&key, "A", 1), b"one");
    assert!(bin(&key).is_empty());

    delete(&key, "A");
    vault.pass(29 * 86400);
    vault.sweep();
    assert_eq!(bin(&key).len(), 1);
    vault.pass(2 * 86400);
    vault.sweep();
    assert!(bin(&key).is_empty());
    assert_eq!(vault.count("versions"), 0, "its history went with it");
    assert_eq!(key.get("B").unwrap(), b"kept");
    drop(owner);
}

#[test]
fn what_is_deleted_makes_room_and_comes_back_only_where_there_is_some() {
    let (_, key) = owner_with_key(Vault::shared());
    let names: Vec<String> = (0..50).map(|number| format!("S{number}")).collect();
    let put: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"v".as_slice())).collect();
    let _: Written = key.http.post(&key.path("/changes"), &key.change(&put, &[])).json();
    delete(&key, "S0");
    let binned = bin(&key);
    key.put("NEW", b"v");
    assert_eq!(restore(&key, &binned[0]).refusal().code, Code::QuotaExceeded);
    assert_eq!(bin(&key).len(), 1, "nothing is lost by trying");
    delete(&key, "NEW");
    restore(&key, &binned[0]).ok();
    assert_eq!(bin(&key).len(), 1);
}

#[test]
fn a_deleted_secret_can_be_deleted_for_good() {
    let (_, key) = owner_with_key(Vault::shared());
    key.put("A", b"one");
    delete(&key, "A");
    let id: SecretId = bin(&key)[0].id;
    let path = key.path(&format!("/bin/{id}"));
    key.http.delete(&path).ok();
    assert!(bin(&key).is_empty());
    assert_eq!(key.http.get(&format!("{path}?how=reveal")).refusal().code, Code::NotFound);
}

#[test]
fn what_an_owner_laid_down_a_policy_for_only_an_owner_deletes() {
    let (owner, key) = owner_with_key(Vault::shared());
    key.put("HELD", b"one");
    key.put("FREE", b"two");
    let policy = Policy { usage: Consent::Ask, ..Policy::default() };
    owner.lay_down(&key, "HELD", 1, &policy).ok();
    // Deleted and put back it would be without: a policy is not kept in the bin.
    let both = key.change(&[], &["FREE", "HELD"]);
    assert_eq!(key.http.post(&key.path("/changes"), &both).refusal().code, Code::OwnerRequired);
    assert_eq!(key.list().items.len(), 2);
    delete(&key, "FREE");
    let held = key.change(&[], &["HELD"]);
    owner.http.post(&key.path("/changes"), &held).ok();
    assert!(key.list().items.is_empty());
}

#[test]
fn a_policy_is_the_owners_to_write_and_outlives_new_values() {
    let (owner, key) = owner_with_key(Vault::shared());
    key.put("A", b"one");
    let policy =
        Policy { reveal: Consent::Block, hosts: vec!["api.example.com".into()], ..Policy::default() };
    owner.lay_down(&key, "A", 1, &policy).ok();
    key.put("A", b"two");
    let read: Read = key.http.get(&key.secret_path("A", How::Inject)).json();
    let proof =
        sealing::Proof::open(&key.environment, &"A".parse().unwrap(), &read.root, &read.bucket).unwrap();
    proof.admits(read.secret.as_ref()).unwrap();
    let secret = read.secret.unwrap();
    assert_eq!(key.environment.open_secret(&secret).unwrap().policy, policy);
    // A vault that leaves the policy out is found out.
    let bare = protocol::body::SealedSecret { policy: None, ..secret.clone() };
    assert_eq!(proof.admits(Some(&bare)), Err(sealing::TrustError::NotCurrent));

    assert_eq!(owner.lay_down(&key, "A", 3, &policy).refusal().code, Code::ManifestOutdated);
    assert_eq!(owner.lay_down(&key, "ABSENT", 1, &policy).refusal().code, Code::NotFound);
    let mut change = key.change(&[("A", b"three")], &[]);
    change.put[0].policy = secret.policy;
    assert_eq!(key.http.post(&key.path("/changes"), &change).refusal().code, Code::InvalidRequest);
    let as_key = NewPolicy {
        policy: Versioned { version: 2, blob: kit::random_blob() },
        canary: false,
        root: change.root,
        buckets: change.buckets,
    };
    let path = key.path(&format!("/secrets/{}/policy", key.index("A")));
    assert_eq!(key.http.put(&path, &as_key).refusal().code, Code::OwnerRequired);
}

#[test]
fn a_key_that_reads_a_canary_is_revoked_and_gets_nothing() {
    let (mut owner, key) = owner_with_key(Vault::shared());
    key.put("A", b"one");
    key.put("TRAP", b"trap-value");
    owner.lay_down(&key, "TRAP", 1, &Policy { canary: true, ..Policy::default() }).ok();
    // A whole environment is read every day: the canary is not in it, and says so.
    let bundle: Bundle = key.http.get("/v1/bundle?how=run").json();
    let manifest = Manifest::open(&key.environment, &bundle.root, &bundle.buckets).unwrap();
    manifest.admits(&key.environment, &bundle.secrets, &bundle.canaries).unwrap();
    assert_eq!((bundle.secrets.len(), bundle.canaries.len()), (1, 1));
    // A vault cannot withhold an ordinary secret by calling it a canary.
    let ordinary = key.list().items.into_iter().find(|entry| entry.policy.is_none()).unwrap();
    let withheld = manifest.admits(&key.environment, &[], &[ordinary, bundle.canaries[0].clone()]);
    assert_eq!(withheld, Err(sealing::TrustError::Missing));

    let thief = owner.key(&key.environment, &[Permission::Read]);
    let answer = thief.http.get(&key.secret_path("TRAP", How::Inject));
    assert!(!answer.text.contains("value"), "{}", answer.text);
    assert_eq!(answer.refusal().code, Code::CanaryRead);
    assert_eq!(thief.http.get(&key.secret_path("A", How::Inject)).refusal().code, Code::KeyRevoked);
    assert_eq!(key.get("A").unwrap(), b"one", "another key is not touched");
    let audit: protocol::body::AuditRows = owner.http.get("/v1/audit").json();
    let sprung = audit.items.iter().find(|row| row.entry.action == "canary").unwrap();
    assert_eq!((sprung.entry.credential, sprung.entry.result.as_str()), (Some(thief.id), "canary_read"));
    // The owner may look at it.
    let read: Read = owner.http.get(&key.secret_path("TRAP", How::Reveal)).json();
    assert!(read.secret.is_some());
}

#[test]
fn large_values_of_a_paid_plan_are_stored_read_and_kept_as_versions() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault);
    let large = vec![b'x'; 500 * 1024];
    let change = key.change(&[("BIG", &large)], &[]);
    let problem = key.http.post(&key.path("/changes"), &change).refusal();
    assert_eq!((problem.code, problem.limit), (Code::QuotaExceeded, Some(protocol::Resource::ValueBytes)));
    vault.set_plan(owner.account, "team");
    key.put("BIG", &large);
    assert_eq!(key.get("BIG").unwrap(), large);
    let bundle: Bundle = key.http.get("/v1/bundle?how=run").json();
    assert_eq!(key.environment.open_secret(&bundle.secrets[0]).unwrap().value.expose(), large);
    key.put("BIG", &vec![b'y'; 200 * 1024]);
    assert_eq!(key.get("BIG").unwrap().len(), 200 * 1024);
    assert_eq!(read_version(&key, "BIG", 1), large);
    delete(&key, "BIG");
    restore(&key, &bin(&key)[0]).ok();
    assert_eq!(key.get("BIG").unwrap().len(), 200 * 1024);
}

#[test]
fn no_large_value_is_stored_for_nobody_or_left_behind() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    let large = vec![b'x'; 300 * 1024];
    let change = key.change(&[("BIG", &large)], &[]);
    assert_eq!(key.http.post(&key.path("/changes"), &change).refusal().code, Code::QuotaExceeded);
    assert_eq!(vault.count("blobs"), 0, "refused before it was stored");
    let stranger = vault.http().with(&kit::make_token());
    assert_eq!(stranger.post(&key.path("/changes"), &change).refusal().code, Code::Unauthenticated);
    assert_eq!(vault.count("blobs"), 0);

    vault.set_plan(owner.account, "team");
    key.put("BIG", &large);
    key.put("BIG", &vec![b'y'; 200 * 1024]);
    assert_eq!(vault.count("blobs"), 2);
    // A write that loses a race has stored its blob by then.
    let outdated = key.change(&[("BIG", &large)], &[]);
    key.put("SMALL", b"1");
    assert_eq!(key.http.post(&key.path("/changes"), &outdated).refusal().code, Code::ManifestOutdated);
    assert_eq!(vault.count("blobs"), 3);
    vault.sweep();
    assert_eq!(vault.count("blobs"), 3, "it might be about to be named");
    vault.pass(2 * 3600);
    vault.sweep();
    assert_eq!(vault.count("blobs"), 2);
    assert_eq!(key.get("BIG").unwrap().len(), 200 * 1024);
    delete(&key, "BIG");
    vault.pass(31 * 86400);
    vault.sweep();
    vault.sweep();
    assert_eq!(vault.count("blobs"), 0);
}
