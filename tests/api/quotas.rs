use kit::{Owner, Vault};
use protocol::{
    Code, Permission, Resource,
    body::{Usage, Written},
};

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

#[test]
fn writers_that_race_never_pass_the_limit() {
    let mut owner = Owner::sign_up(Vault::shared());
    let project = owner.project();
    let environments: Vec<_> = (0..4).map(|_| owner.environment(project)).collect();
    let keys: Vec<_> =
        environments.iter().map(|one| owner.key(one, &[Permission::Read, Permission::Write])).collect();
    let names: Vec<String> = (0..40).map(|number| format!("S{number}")).collect();
    let put: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"v".as_slice())).collect();
    let _: Written = keys[0].http.post(&keys[0].path("/changes"), &keys[0].change(&put, &[])).json();
    // Four environments, so that no writer is stopped by another's manifest.
    let stored: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = keys
            .iter()
            .map(|key| {
                scope.spawn(move || {
                    let writes = (0..6).map(|number| {
                        let change = key.change(&[(&format!("R{number}"), b"v")], &[]);
                        key.http.post(&key.path("/changes"), &change)
                    });
                    writes
                        .filter(|answer| {
                            answer.status == 200 || {
                                assert_eq!(answer.refusal().code, Code::QuotaExceeded);
                                false
                            }
                        })
                        .count()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(stored, 10);
    assert_eq!(used(&owner, Resource::Secrets), 50);
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
