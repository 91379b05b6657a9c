use kit::{Owner, Vault, make_email, make_token};
use protocol::{
    Code,
    body::{Account, Kdf, LogIn, Page, PreLogin, Session, Written},
};

#[test]
fn an_unknown_address_gets_stable_parameters_like_a_known_one() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let ask = |email: &str| -> Kdf {
        vault.http().post("/v1/prelogin", &PreLogin { email: email.parse().unwrap() }).json()
    };
    let stranger = make_email();
    assert_eq!(ask(&stranger), ask(&stranger));
    assert_ne!(ask(&stranger).salt, ask(&make_email()).salt);
    let (known, unknown) = (ask(&owner.email), ask(&stranger));
    assert_eq!(
        (known.memory_kib, known.passes, known.lanes),
        (unknown.memory_kib, unknown.passes, unknown.lanes)
    );
}

#[test]
fn a_wrong_passphrase_and_an_unknown_address_are_refused_alike() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let wrong = |email: &str| {
        let other = Owner::sign_up(vault);
        let login =
            LogIn { email: email.parse().unwrap(), login: other.login, session: make_token(), device: None };
        let mut problem = vault.http().post("/v1/sessions", &login).refusal();
        problem.request_id.clear();
        serde_json::to_string(&problem).unwrap()
    };
    assert_eq!(wrong(&owner.email), wrong(&make_email()));
    assert!(wrong(&owner.email).contains("login_failed"));
}

#[test]
fn every_spelling_of_an_address_finds_its_account() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    for spelling in
        [owner.email.to_uppercase(), format!("  {}\n", owner.email), owner.email.replace('e', "ｅ")]
    {
        let body = serde_json::json!({ "email": spelling, "login": owner.login, "session": make_token() });
        let account: Account = vault.http().post("/v1/sessions", &body).json();
        assert_eq!(account.account, owner.account);
    }
}

/// The made-up salt is a function of the normalised address, so it shows how this host normalised it.
#[test]
fn every_host_normalises_addresses_as_the_vectors_say() {
    let ask = |text: &str| Vault::shared().http().post("/v1/prelogin", &serde_json::json!({ "email": text }));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let (mut normalised, mut refused) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        let vector: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        if vector["op"] != "email" {
            continue;
        }
        let text = vector["text"].as_str().unwrap();
        if let Some(normal) = vector["result"]["email"].as_str() {
            assert_eq!(ask(text).json::<Kdf>().salt, ask(normal).json::<Kdf>().salt, "{}", file.display());
            normalised += 1;
        } else {
            assert_eq!(ask(text).refusal().code, Code::InvalidRequest, "{}", file.display());
            refused += 1;
        }
    }
    assert!(normalised >= 10 && refused >= 6, "{normalised} normalised, {refused} refused");
}

#[test]
fn an_address_has_one_account() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let other = Owner::sign_up(vault);
    let body = serde_json::json!({
        "account": "00112233445566778899aabbccddeeff", "email": owner.email,
        "kdf": { "salt": "AAAAAAAAAAAAAAAAAAAAAA", "memory_kib": 65536, "passes": 3, "lanes": 1 },
        "login": other.login, "account_key": kit::random_blob(), "recovery": other.login,
        "account_key_by_recovery": kit::random_blob(), "manifest": { "version": 1, "blob": kit::random_blob() },
    });
    assert_eq!(vault.http().post("/v1/accounts", &body).refusal().code, Code::EmailTaken);
}

#[test]
fn a_session_works_until_it_is_ended() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    let sessions: Page<Session> = owner.http.get("/v1/sessions").json();
    assert_eq!(sessions.items.len(), 1);
    assert_eq!(sessions.items[0].id, owner.session.id());
    let _: Account = owner.http.get("/v1/account").json();
    let _: Written = owner.http.delete(&format!("/v1/sessions/{}", owner.session.id())).json();
    assert_eq!(owner.http.get("/v1/account").refusal().code, Code::Unauthenticated);
}

#[test]
fn a_session_of_another_account_cannot_be_ended() {
    let vault = Vault::shared();
    let (owner, other) = (Owner::sign_up(vault), Owner::sign_up(vault));
    other.http.delete(&format!("/v1/sessions/{}", owner.session.id())).ok();
    owner.http.get("/v1/account").ok();
}

#[test]
fn a_session_ends_by_itself_after_half_a_day() {
    let vault = Vault::native();
    let owner = Owner::sign_up(&vault);
    vault.pass(12 * 3600 - 30);
    owner.http.get("/v1/account").ok();
    vault.pass(60);
    assert_eq!(owner.http.get("/v1/account").refusal().code, Code::KeyExpired);
}

#[test]
fn an_account_manifest_is_written_once_for_each_version() {
    let vault = Vault::shared();
    let mut owner = Owner::sign_up(vault);
    let (_, stale) = owner.next_manifest(|_| {});
    let project = owner.project();
    let answer = owner
        .http
        .put(&format!("/v1/projects/{}", "0".repeat(32)), &serde_json::json!({ "manifest": stale }));
    assert_eq!(answer.refusal().code, Code::ManifestOutdated);
    let account: Account = owner.http.get("/v1/account").json();
    assert_eq!(account.manifest.version, 2);
    // The very same write again is no conflict.
    let repeated = serde_json::json!({ "manifest": account.manifest });
    let written: Written = owner.http.put(&format!("/v1/projects/{project}"), &repeated).json();
    assert_eq!(written.receipt, None);
}
