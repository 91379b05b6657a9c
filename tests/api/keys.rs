use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{How, KeyEntry, Page, RotateKey, Usage, Written},
};
use sealing::ApiKey;

fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    (owner, key)
}

/// The key that takes another's place, and the answer to its registration.
fn rotate(owner: &mut Owner, key: &Key, old_expires_at: u64) -> (ApiKey, kit::Answer) {
    let api_key = ApiKey::make().unwrap();
    let (next, body) = owner.new_key(&api_key, &[&key.environment], &[Permission::Read]);
    let body = RotateKey { id: api_key.id(), key: body, old_expires_at };
    let answer = owner.http.post(&format!("/v1/keys/{}/rotate", key.id), &body);
    if answer.status == 200 {
        owner.wrote(next);
    }
    (api_key, answer)
}

fn entry(owner: &Owner, id: protocol::KeyId) -> KeyEntry {
    let keys: Page<KeyEntry> = owner.http.get("/v1/keys").json();
    keys.items.into_iter().find(|entry| entry.id == id).unwrap()
}

#[test]
fn a_rotated_key_works_beside_its_successor_until_it_expires() {
    let vault = Vault::native();
    let (mut owner, old) = owner_with_key(&vault);
    old.put("A", b"1");
    let now = securecode_vault::native::system_clock();
    let (api_key, answer) = rotate(&mut owner, &old, now + 3600);
    let _: Written = answer.json();
    let new = vault.http().with(&api_key.derive_token(&vault.url().parse().unwrap()));
    let path = old.secret_path("A", How::Inject);
    old.http.get(&path).ok();
    new.get(&path).ok();
    assert!(entry(&owner, old.id).replaced && !entry(&owner, api_key.id()).replaced);

    assert_eq!(rotate(&mut owner, &old, now + 3600).1.refusal().code, Code::NotFound, "it has a successor");
    vault.pass(3601);
    assert_eq!(old.http.get(&path).refusal().code, Code::KeyExpired);
    new.get(&path).ok();
}

#[test]
fn rotation_is_possible_at_the_limit_of_keys_and_never_passes_it() {
    let (mut owner, key) = owner_with_key(Vault::shared());
    let keys: Vec<Key> = (0..9).map(|_| owner.key(&key.environment, &[Permission::Read])).collect();
    let until = securecode_vault::native::system_clock() + 60;
    let (successor, answer) = rotate(&mut owner, &keys[0], until);
    answer.ok();
    let used = |owner: &Owner| {
        let usage: Usage = owner.http.get("/v1/usage").json();
        usage.limits.iter().find(|limit| limit.resource == protocol::Resource::Keys).unwrap().used.unwrap()
    };
    assert_eq!(used(&owner), 10);
    let (_, body) = owner.new_key(&ApiKey::make().unwrap(), &[&key.environment], &[Permission::Read]);
    let id = body.token.id();
    assert_eq!(owner.http.put(&format!("/v1/keys/{id}"), &body).refusal().code, Code::QuotaExceeded);
    owner.revoke(keys[0].id);
    assert_eq!(used(&owner), 10, "a replaced key counted no more");
    owner.revoke(successor.id());
    assert_eq!(used(&owner), 9);
}

#[test]
fn an_overlap_is_at_most_30_days_and_never_outlives_the_old_key() {
    let (mut owner, key) = owner_with_key(Vault::shared());
    let now = securecode_vault::native::system_clock();
    let (_, answer) = rotate(&mut owner, &key, now + 31 * 86400);
    assert_eq!(answer.refusal().code, Code::InvalidRequest);
    rotate(&mut owner, &key, 0).1.ok();
    assert_eq!(key.http.get("/v1/usage").refusal().code, Code::KeyExpired, "no overlap was asked for");
}

#[test]
fn a_key_with_ranges_works_from_there_alone() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault);
    for (ranges, works) in [
        (vec!["203.0.113.0/24", "2001:db8::/32"], false),
        (vec!["203.0.113.0/24", "127.0.0.0/8", "::1"], true),
        (vec!["0.0.0.0/0", "::/0"], true),
    ] {
        let api_key = ApiKey::make().unwrap();
        let (next, mut body) = owner.new_key(&api_key, &[&key.environment], &[Permission::Read]);
        body.addresses = ranges.iter().map(|range| range.parse().unwrap()).collect();
        owner.http.put(&format!("/v1/keys/{}", api_key.id()), &body).ok();
        owner.wrote(next);
        let http = vault.http().with(&body.token).from("127.0.0.1");
        let answer = http.get(&key.secret_path("A", How::Inject));
        if works {
            answer.ok();
        } else {
            assert_eq!(answer.refusal().code, Code::AddressNotAllowed, "{ranges:?}");
        }
        assert_eq!(entry(&owner, api_key.id()).addresses, body.addresses);
    }
}

#[test]
fn the_time_of_last_use_is_the_keys_own() {
    let (mut owner, key) = owner_with_key(Vault::shared());
    let unused = owner.key(&key.environment, &[Permission::Read]);
    key.http.get("/v1/usage").ok();
    let now = securecode_vault::native::system_clock();
    let used_at = entry(&owner, key.id).used_at.unwrap();
    assert!(used_at <= now + 1 && used_at + 60 > now, "{used_at} {now}");
    assert_eq!(entry(&owner, unused.id).used_at, None);
}

#[test]
fn a_key_that_asks_too_fast_is_told_when_to_come_back() {
    let vault = Vault::native();
    let (owner, key) = owner_with_key(&vault);
    // 300 at once, and ten more for each second that passes meanwhile.
    let mut answers = (0..5000).map(|_| key.http.get("/v1/usage"));
    let allowed = answers.by_ref().take_while(|answer| answer.status == 200).count();
    assert!((300..5000).contains(&allowed), "{allowed}");
    let refused = answers.find(|answer| answer.status != 200).unwrap();
    let problem = refused.refusal();
    assert_eq!(problem.code, Code::TooManyRequests);
    let wait = problem.retry_after.unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(refused.headers.get("retry-after"), Some(&wait.to_string()));
    owner.http.get("/v1/usage").ok();
    vault.pass(wait);
    key.http.get("/v1/usage").ok();
    vault.pass(30);
    let again = (0..300).filter(|_| key.http.get("/v1/usage").status == 200).count();
    assert_eq!(again, 300, "the whole burst is there again");
}
