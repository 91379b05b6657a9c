use kit::{Key, Owner, Vault};
use protocol::{
    Code, Permission,
    body::{AuditRow, AuditRows, How, KeyEntry, Page, Read, Written},
};

fn owner_with_key(vault: &Vault, permissions: &[Permission]) -> (Owner, Key) {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, permissions);
    (owner, key)
}

fn audit(owner: &Owner) -> Vec<AuditRow> {
    let mut page: AuditRows = owner.http.get("/v1/audit").json();
    let mut rows = page.items;
    while let Some(cursor) = page.next {
        page = owner.http.get(&format!("/v1/audit?cursor={cursor}")).json();
        rows.extend(page.items);
    }
    rows
}

#[test]
fn a_token_that_is_missing_wrong_or_malformed_is_refused_alike() {
    let vault = Vault::shared();
    let (_, key) = owner_with_key(vault, &[Permission::Read]);
    let path = key.secret_path("A", How::Inject);
    let wrong = vault.http().with(&protocol::AccessToken::new(key.id, kit::make_token_auth()));
    let strangers =
        [vault.http(), vault.http().with_text("sct_nonsense"), vault.http().with(&kit::make_token()), wrong];
    let answers: std::collections::BTreeSet<String> = strangers
        .iter()
        .map(|http| {
            let mut problem = http.get(&path).refusal();
            problem.request_id.clear();
            serde_json::to_string(&problem).unwrap()
        })
        .collect();
    assert_eq!(answers.len(), 1);
    assert!(answers.first().unwrap().contains("unauthenticated"));
}

#[test]
fn a_stranger_who_knows_a_keys_id_writes_nothing() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read]);
    let before = audit(&owner)[0].seq;
    for _ in 0..3 {
        let wrong = vault.http().with(&protocol::AccessToken::new(key.id, kit::make_token_auth()));
        assert_eq!(wrong.get(&key.secret_path("A", How::Inject)).refusal().code, Code::Unauthenticated);
    }
    assert_eq!(audit(&owner)[0].seq, before + 1, "only the reading of the log itself was written");
}

#[test]
fn a_revoked_key_is_refused_from_the_next_request_on() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    key.put("A", b"1");
    assert_eq!(key.get("A").unwrap(), b"1");
    owner.revoke(key.id);
    for path in [
        key.secret_path("A", How::Inject),
        key.path("/secrets"),
        "/v1/bundle?how=run".into(),
        "/v1/environments".into(),
        "/v1/usage".into(),
    ] {
        assert_eq!(key.http.get(&path).refusal().code, Code::KeyRevoked, "{path}");
    }
    let keys: Page<KeyEntry> = owner.http.get("/v1/keys").json();
    assert!(keys.items[0].revoked_at.is_some());
    let (_, manifest) = owner.next_manifest(|_| {});
    let again =
        owner.http.post(&format!("/v1/keys/{}/revoke", key.id), &serde_json::json!({ "manifest": manifest }));
    assert_eq!(again.refusal().code, Code::NotFound);
}

#[test]
fn an_expired_key_is_refused() {
    let vault = Vault::native();
    let mut owner = Owner::sign_up(&vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let api_key = sealing::ApiKey::make().unwrap();
    let (_, mut body) = owner.new_key(&api_key, &[&environment], &[Permission::Read]);
    let now = securecode_vault::native::system_clock();
    body.expires_at = Some(now);
    let path = format!("/v1/keys/{}", api_key.id());
    assert_eq!(owner.http.put(&path, &body).refusal().code, Code::InvalidRequest);
    body.expires_at = Some(now + 100);
    let _: Written = owner.http.put(&path, &body).json();
    let http = vault.http().with(&api_key.derive_token(&vault.url().parse().unwrap()));
    http.get("/v1/bundle?how=run").ok();
    vault.pass(200);
    assert_eq!(http.get("/v1/bundle?how=run").refusal().code, Code::KeyExpired);
}

#[test]
fn a_key_reaches_its_environment_and_no_other() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    let project = owner.project();
    let sibling_environment = owner.environment(project);
    let sibling = owner.key(&sibling_environment, &[Permission::Read]);
    let (_, foreign) = owner_with_key(vault, &[Permission::Read]);
    for other in [&sibling, &foreign] {
        for path in [
            other.secret_path("A", How::Inject),
            other.path("/secrets"),
            format!("/v1/bundle?how=run&environment={}", other.environment.place().environment),
        ] {
            assert_eq!(key.http.get(&path).refusal().code, Code::EnvironmentOutOfScope, "{path}");
        }
        let change = other.change(&[("A", b"1")], &[]);
        assert_eq!(
            key.http.post(&other.path("/changes"), &change).refusal().code,
            Code::EnvironmentOutOfScope
        );
    }
    // An owner does not reach another account either.
    assert_eq!(owner.http.get(&foreign.path("/secrets")).refusal().code, Code::EnvironmentOutOfScope);
    owner.http.get(&sibling.path("/secrets")).ok();
    assert_eq!(key.environments().environments.len(), 1);
}

#[test]
fn a_key_cannot_be_granted_an_environment_of_another_account() {
    let vault = Vault::shared();
    let (_, foreign) = owner_with_key(vault, &[Permission::Read]);
    let owner = Owner::sign_up(vault);
    let api_key = sealing::ApiKey::make().unwrap();
    let (_, body) = owner.new_key(&api_key, &[&foreign.environment], &[Permission::Read]);
    let path = format!("/v1/keys/{}", api_key.id());
    assert_eq!(owner.http.put(&path, &body).refusal().code, Code::NotFound);
    let keys: Page<KeyEntry> = owner.http.get("/v1/keys").json();
    assert_eq!(keys.items.len(), 0, "nothing of a refused write is stored");
}

#[test]
fn each_permission_opens_what_it_says_and_nothing_else() {
    let vault = Vault::shared();
    let (mut owner, writer) =
        owner_with_key(vault, &[Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit]);
    writer.put("A", b"1");
    let change = || writer.change(&[("B", b"2")], &[]);
    for (permission, reads, reveals, writes, audits) in [
        (Permission::Read, true, false, false, false),
        (Permission::Write, false, false, true, false),
        (Permission::Reveal, false, false, false, false),
        (Permission::Audit, false, false, false, true),
        // Of use with `read` alone: what a gateway may have is in a test of its own.
        (Permission::Gateway, false, false, false, false),
    ] {
        let key = owner.key(&writer.environment, &[permission]);
        let allowed = |answer: kit::Answer| match answer.status {
            200 => true,
            _ => {
                assert_eq!(answer.refusal().code, Code::PermissionMissing, "{permission}");
                false
            }
        };
        assert_eq!(allowed(key.http.get(&key.secret_path("A", How::Inject))), reads, "{permission} inject");
        assert_eq!(allowed(key.http.get(&key.secret_path("A", How::Reveal))), reveals, "{permission} reveal");
        assert_eq!(allowed(key.http.get("/v1/bundle?how=run")), reads, "{permission} bundle");
        assert_eq!(allowed(key.http.get("/v1/audit")), audits, "{permission} audit");
        assert_eq!(allowed(key.http.post(&key.path("/changes"), &change())), writes, "{permission} change");
        for path in ["/v1/account", "/v1/keys", "/v1/sessions"] {
            assert_eq!(key.http.get(path).refusal().code, Code::OwnerRequired, "{permission} {path}");
        }
    }
    let _: Read = writer.http.get(&writer.secret_path("A", How::Reveal)).json();
}

/// The second table of `tests/api/authorization.md`.
#[test]
fn a_secret_is_read_with_the_permissions_that_its_how_needs_and_with_none_of_them_missing() {
    let vault = Vault::shared();
    let (mut owner, writer) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    writer.put("A", b"1");
    let (_, table) = include_str!("authorization.md").split_once("## What a secret is read for").unwrap();
    let mut tried = Vec::new();
    for row in table.lines().filter(|row| row.starts_with("| ")).skip(2) {
        let (how, needs) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        let needs: Vec<Permission> = needs.split(", ").map(|one| one.parse().unwrap()).collect();
        let path = writer.path(&format!("/secrets/{}?how={how}", writer.index("A")));
        let bundle = format!("/v1/bundle?how={how}");
        let key = owner.key(&writer.environment, &needs);
        key.http.get(&path).ok();
        key.http.get(&bundle).ok();
        for missing in needs {
            let others: Vec<_> = Permission::ALL.into_iter().filter(|one| *one != missing).collect();
            let key = owner.key(&writer.environment, &others);
            for path in [&path, &bundle] {
                assert_eq!(key.http.get(path).refusal().code, Code::PermissionMissing, "{how} {missing}");
            }
            owner.revoke(key.id);
        }
        owner.revoke(key.id);
        tried.push(how);
    }
    assert_eq!(tried, ["inject", "run", "sdk", "reveal", "write", "gateway"]);
}

#[test]
fn what_a_gateway_reads_and_is_refused_is_in_the_log_as_such() {
    let vault = Vault::shared();
    let (mut owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write]);
    let permitted = owner.key(&key.environment, &[Permission::Read, Permission::Gateway]);
    for key in [&permitted, &key] {
        key.http.get("/v1/bundle?how=gateway");
        key.http.get(&key.secret_path("A", How::Gateway));
    }
    let rows = audit(&owner);
    let of = |id| {
        let its = rows.iter().rev().filter(move |row| row.entry.credential == Some(id));
        let told = its.map(|row| (row.entry.action.as_str(), row.entry.how, row.entry.result.as_str()));
        told.collect::<Vec<_>>()
    };
    let gateway = Some(How::Gateway);
    assert_eq!(of(permitted.id), [("bundle", gateway, "allowed"), ("read", gateway, "allowed")]);
    let refused = "permission_missing";
    assert_eq!(of(key.id), [("bundle", gateway, refused), ("read", gateway, refused)]);
}

#[test]
fn every_access_and_every_refusal_of_a_known_key_is_in_the_log() {
    let vault = Vault::shared();
    let (owner, key) = owner_with_key(vault, &[Permission::Read, Permission::Write, Permission::Audit]);
    key.put("A", b"1");
    key.get("A");
    key.get("ABSENT");
    key.http.get(&key.secret_path("A", How::Reveal)).refusal();
    key.http.get("/v1/bundle?how=sdk").ok();
    key.http.get("/v1/keys").refusal();
    let rows = audit(&owner);
    let told: Vec<(String, Option<How>, String)> = rows
        .iter()
        .rev()
        .map(|row| (row.entry.action.clone(), row.entry.how, row.entry.result.clone()))
        .collect();
    let expected = [
        ("sign_up", None, "allowed"),
        ("log_in", None, "allowed"),
        ("create_project", None, "allowed"),
        ("create_environment", None, "allowed"),
        ("create_key", None, "allowed"),
        ("list", None, "allowed"),
        ("change", None, "allowed"),
        ("read", Some(How::Inject), "allowed"),
        ("read", Some(How::Inject), "allowed"),
        ("read", Some(How::Reveal), "permission_missing"),
        ("bundle", Some(How::Sdk), "allowed"),
        ("keys", None, "owner_required"),
        ("audit", None, "allowed"),
    ];
    let expected: Vec<_> =
        expected.map(|(action, how, result)| (action.to_owned(), how, result.to_owned())).into();
    assert_eq!(told, expected);
    assert_eq!(
        rows.iter().rev().map(|row| row.seq).collect::<Vec<_>>(),
        (1..=13).collect::<Vec<_>>(),
        "dense"
    );
    let read = &rows[5].entry;
    assert_eq!((read.credential, read.secrets.clone()), (Some(key.id), vec![key.index("A")]));
    assert!(read.address.is_some());
    // The key sees its own rows, not the owner's.
    let page: AuditRows = key.http.get("/v1/audit").json();
    assert!(page.items.iter().all(|row| row.entry.credential == Some(key.id)));
    assert_eq!(page.items.len(), 8);
}
