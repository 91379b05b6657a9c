//! Every endpoint asked at least once, as a client would: what tests of cost and of query plans look at.

use kit::{Asked, Key, Owner, Vault, make_token, random_blob};
use protocol::{
    Permission,
    body::{
        Approval, Binned, Bucket, DeleteAccount, FinishRotation, How, Kdf, KeyGrant, NewApproval,
        NewPassphrase, NewPolicy, NewRotation, NewRules, OwnerProof, Page, Pairing, Pending, PreLogin,
        Recover, Removal, Resealed, RotateKey, Session, Versioned,
    },
};
use std::collections::BTreeMap;

/// An owner, and a key with every permission for an environment.
pub fn owner_with_key(vault: &Vault) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let all = [Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit];
    let key = owner.key(&environment, &all);
    (owner, key)
}

/// Makes the journey; what was asked, by endpoint.
pub fn journey(vault: &Vault, owner: &mut Owner, key: &Key) -> BTreeMap<String, Vec<Asked>> {
    let asked = kit::heard(|| {
        account(vault, owner);
        secrets(owner, key);
        keys(owner, key);
        pairings(vault, owner);
        approvals(vault, owner, key);
        audit(key);
        environments(owner);
        end(vault);
    });
    let document = securecode_vault::openapi::document();
    let mut endpoints: BTreeMap<String, Vec<Asked>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .map(|endpoint| (endpoint, vec![]))
        .collect();
    for one in asked {
        let endpoint = endpoints.keys().find(|endpoint| is_of(&one, endpoint)).unwrap().clone();
        endpoints.get_mut(&endpoint).unwrap().push(one);
    }
    for (endpoint, asked) in &endpoints {
        let done = asked.iter().any(|one| (200..300).contains(&one.answer.status));
        assert!(done, "the journey never did {endpoint}");
    }
    endpoints
}

fn is_of(asked: &Asked, endpoint: &str) -> bool {
    let (method, template) = endpoint.split_once(' ').unwrap();
    let path = asked.path.split('?').next().unwrap();
    let (parts, wanted): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
    method == asked.method
        && parts.len() == wanted.len()
        && parts.iter().zip(wanted).all(|(part, wanted)| {
            *part == wanted || (wanted.starts_with('{') && part.starts_with(|c: char| c.is_ascii_hexdigit()))
        })
}

fn account(vault: &Vault, owner: &Owner) {
    vault.http().get("/healthz").ok();
    vault.http().get("/openapi.json").ok();
    let email: protocol::Email = owner.email.parse().unwrap();
    vault.http().post("/v1/prelogin", &PreLogin { email: email.clone() }).ok();
    owner.log_in_again(vault);
    let recover = Recover { email, recovery: owner.recovery.clone(), session: make_token(), device: None };
    vault.http().post("/v1/recoveries", &recover).ok();
    owner.http.get("/v1/account").ok();
    let sessions: Page<Session> = owner.http.get("/v1/sessions").json();
    let other = sessions.items.iter().find(|one| one.id != owner.session.id()).unwrap();
    owner.http.delete(&format!("/v1/sessions/{}", other.id)).ok();
    let body = NewPassphrase {
        proof: OwnerProof::Login(owner.login.clone()),
        kdf: Kdf { salt: protocol::Salt([7; 16]), memory_kib: 65536, passes: 3, lanes: 1 },
        login: owner.login.clone(),
        account_key: random_blob(),
        recovery: None,
    };
    owner.http.put("/v1/account/passphrase", &body).ok();
}

fn secrets(owner: &Owner, key: &Key) {
    key.http.get("/v1/environments").ok();
    key.http.get("/v1/usage").ok();
    key.put("JOURNEY", b"1");
    key.http.get(&key.secret_path("JOURNEY", How::Inject)).ok();
    key.put("JOURNEY", b"2");
    let index = key.index("JOURNEY");
    key.http.get(&key.path(&format!("/secrets/{index}/versions"))).ok();
    key.http.get(&key.path(&format!("/secrets/{index}/versions/1?how=inject"))).ok();
    let change = key.change(&[], &[]);
    let policy = NewPolicy {
        policy: Versioned { version: 1, blob: random_blob() },
        canary: false,
        root: change.root,
        buckets: vec![Bucket { number: 0, blob: key.list().buckets[0].clone() }],
    };
    owner.http.put(&key.path(&format!("/secrets/{index}/policy")), &policy).ok();
    let rules =
        NewRules { rules: Versioned { version: 1, blob: random_blob() }, root: key.change(&[], &[]).root };
    owner.http.put(&key.path("/rules"), &rules).ok();
    key.http.get(&key.path("/rules")).ok();
    let environment = key.environment.place().environment;
    key.http.get(&format!("/v1/bundle?how=run&environment={environment}")).ok();
    // Of one with a policy, an owner.
    owner.http.post(&key.path("/changes"), &key.change(&[], &["JOURNEY"])).ok();
    let bin: Page<Binned> = key.http.get(&key.path("/bin")).json();
    let gone = &bin.items[0].id;
    key.http.get(&key.path(&format!("/bin/{gone}?how=inject"))).ok();
    key.http.delete(&key.path(&format!("/bin/{gone}"))).ok();
}

fn keys(owner: &mut Owner, key: &Key) {
    let first = owner.key(&key.environment, &[Permission::Read]);
    owner.http.get("/v1/keys").ok();
    let successor = sealing::ApiKey::make().unwrap();
    let (next, new) = owner.new_key(&successor, &[&key.environment], &[Permission::Read]);
    let body = RotateKey { id: successor.id(), key: new, old_expires_at: 0 };
    owner.http.post(&format!("/v1/keys/{}/rotate", first.id), &body).ok();
    owner.wrote(next);
    owner.revoke(successor.id());
}

fn approvals(vault: &Vault, owner: &Owner, key: &Key) {
    let id = make_token().id();
    let new = NewApproval { question: random_blob() };
    key.http.put(&key.path(&format!("/approvals/{id}")), &new).ok();
    owner.http.get("/v1/approvals").ok();
    let path = format!("/v1/approvals/{id}/answer");
    owner.http.put(&path, &Approval { answer: random_blob() }).ok();
    vault.http().get(&path).ok();
}

fn pairings(vault: &Vault, owner: &Owner) {
    let path = format!("/v1/pairings/{}", make_token().id());
    owner.http.put(&path, &Pairing { sealed: random_blob() }).ok();
    vault.http().get(&path).ok();
    vault.http().delete(&path).ok();
}

fn audit(key: &Key) {
    key.http.get("/v1/audit").ok();
    key.http.get("/v1/audit/rows").ok();
    key.http.send("POST", "/v1/audit/segments", None).ok();
    key.http.get("/v1/audit/segments").ok();
    key.http.get("/v1/audit/export").ok();
}

/// Another environment with one secret gets another key, and goes.
fn environments(owner: &mut Owner) {
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read, Permission::Write]);
    key.put("A", b"1");
    let rotation = NewRotation { generation: 2, key: random_blob() };
    owner.http.put(&key.path("/rotation"), &rotation).ok();
    let pending: Pending = owner.http.get(&key.path("/rotation/pending")).json();
    owner.http.post(&key.path("/rotation/resealed"), &Resealed { items: pending.items }).ok();
    owner.http.get(&key.path("/rotation/resealed")).ok();
    let (next, manifest) = owner.next_manifest(|_| {});
    let finish = FinishRotation {
        root: Versioned { version: key.list().root.version + 1, blob: random_blob() },
        buckets: vec![Bucket { number: 0, blob: random_blob() }],
        grants: vec![KeyGrant { credential: key.id, key: random_blob() }],
        rules: None,
        manifest,
    };
    owner.http.post(&key.path("/rotation/finish"), &finish).ok();
    owner.wrote(next);
    let (next, manifest) = owner.next_manifest(|_| {});
    owner.http.post(&key.path("/delete"), &Removal { manifest }).ok();
    owner.wrote(next);
    let (next, manifest) = owner.next_manifest(|_| {});
    owner.http.post(&format!("/v1/projects/{project}/delete"), &Removal { manifest }).ok();
    owner.wrote(next);
}

/// Another account is made, and ends.
fn end(vault: &Vault) {
    let other = Owner::sign_up(vault);
    let body = DeleteAccount { proof: OwnerProof::Login(other.login.clone()) };
    other.http.post("/v1/account/delete", &body).ok();
}
