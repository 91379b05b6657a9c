//! Rules of an environment: the owner writes them, keys of the environment read them, the root names them.

use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{FinishRotation, KeyGrant, NewRotation, Pending, ReadRules, Versioned, Written},
};
use sealing::{Consent, EnvironmentKey, Manifest, Rules, TrustError};

fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let all = [Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit];
    let key = owner.key(&environment, &all);
    (owner, key)
}

fn blocked() -> Rules {
    let mut rules = Rules::default();
    rules.edit(&"production".parse().unwrap(), |policy| policy.reveal = Consent::Block);
    rules
}

fn open(key: &Key, read: &ReadRules) -> Result<Option<Rules>, TrustError> {
    key.environment.open_current_rules(&read.root, read.rules.as_ref())
}

#[test]
fn rules_are_the_owners_to_write_and_every_keys_to_read() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault);
    key.put("A", b"1");
    let none: ReadRules = key.http.get(&key.path("/rules")).json();
    assert_eq!((none.rules.is_none(), open(&key, &none)), (true, Ok(None)));
    // No key may, whatever its permissions.
    let first = key.new_rules(1, &blocked());
    assert_eq!(key.http.put(&key.path("/rules"), &first).refusal().code, Code::OwnerRequired);
    let beside = owner.environment(key.environment.place().project);
    let other = owner.key(&beside, &[Permission::Read]);
    for http in [&other.http, &owner_with_key(vault).0.http] {
        assert_eq!(http.get(&key.path("/rules")).refusal().code, Code::EnvironmentOutOfScope);
    }
    // Of another version than the next, or of an outdated root: nothing is stored.
    let second = key.new_rules(2, &blocked());
    assert_eq!(owner.http.put(&key.path("/rules"), &second).refusal().code, Code::ManifestOutdated);
    key.put("B", b"2");
    assert_eq!(owner.http.put(&key.path("/rules"), &first).refusal().code, Code::ManifestOutdated);
    let read: ReadRules = key.http.get(&key.path("/rules")).json();
    assert_eq!(open(&key, &read), Ok(None));

    let first = key.new_rules(1, &blocked());
    let written: Written = owner.http.put(&key.path("/rules"), &first).json();
    assert!(written.receipt.is_some());
    // The very same again answers well.
    let again: Written = owner.http.put(&key.path("/rules"), &first).json();
    assert!(again.receipt.is_none());
    for http in [&key.http, &owner.http] {
        let read: ReadRules = http.get(&key.path("/rules")).json();
        assert_eq!(open(&key, &read), Ok(Some(blocked())));
    }
    // They outlive writes, of which a key makes the root, and every read is proven beside them.
    key.put("A", b"3");
    assert_eq!(key.get("A").unwrap(), b"3");
    let read: ReadRules = key.http.get(&key.path("/rules")).json();
    assert_eq!(open(&key, &read), Ok(Some(blocked())));
    assert!(read.root.version > first.root.version);
}

#[test]
fn rules_that_are_changed_older_or_left_out_are_found() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    let older = key.new_rules(1, &blocked());
    owner.http.put(&key.path("/rules"), &older).ok();
    owner.http.put(&key.path("/rules"), &key.new_rules(2, &Rules::default())).ok();
    let database = vault.database();
    let served = |sql: &str| {
        database
            .execute_batch(&format!(
                "DROP TRIGGER IF EXISTS environments_rules; UPDATE environments SET {sql}"
            ))
            .unwrap();
        open(&key, &key.http.get(&key.path("/rules")).json())
    };
    let current: String = database.query_row("SELECT rules FROM environments", [], |row| row.get(0)).unwrap();
    let older = format!("rules = '{}', rules_version = 1", older.rules.blob);
    assert_eq!(served("rules = NULL"), Err(TrustError::RulesMissing));
    assert_eq!(served(&older), Err(TrustError::RulesNotCurrent));
    assert_eq!(
        served(&format!("rules = '{}', rules_version = 2", kit::random_blob())),
        Err(TrustError::RulesNotCurrent)
    );
    assert_eq!(served(&format!("rules = '{current}', rules_version = 3")), Err(TrustError::DoesNotOpen));
    assert_eq!(served(&format!("rules = '{current}', rules_version = 2")), Ok(Some(Rules::default())));
}

#[test]
fn a_new_environment_key_takes_the_rules_along_or_is_refused() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault);
    owner.http.put(&key.path("/rules"), &key.new_rules(1, &blocked())).ok();
    let fresh = EnvironmentKey::make(*key.environment.place()).unwrap();
    owner.http.put(&key.path("/rotation"), &NewRotation { generation: 2, key: kit::random_blob() }).ok();
    let pending: Pending = owner.http.get(&key.path("/rotation/pending")).json();
    assert!(pending.items.is_empty());
    let finish = |rules: Option<Versioned>| {
        let mut manifest = Manifest::following(key.list().root.version);
        rules.iter().for_each(|rules| manifest.set_rules(&rules.blob));
        let (root, buckets) = manifest.seal_next(&fresh, &[]).unwrap();
        let grants = vec![KeyGrant { credential: key.id, key: kit::random_blob() }];
        let (_, manifest) = owner.next_manifest(|_| {});
        let body = FinishRotation { root, buckets, grants, rules, manifest };
        owner.http.post(&key.path("/rotation/finish"), &body)
    };
    let resealed = |version| Versioned { version, blob: fresh.seal_rules(version, &blocked()).unwrap() };
    assert_eq!(finish(None).refusal().code, Code::ManifestOutdated);
    assert_eq!(finish(Some(resealed(2))).refusal().code, Code::ManifestOutdated);
    finish(Some(resealed(1))).ok();
    let read: ReadRules = key.http.get(&key.path("/rules")).json();
    assert_eq!(read.environment.generation, 2);
    assert_eq!(fresh.open_current_rules(&read.root, read.rules.as_ref()), Ok(Some(blocked())));
}
