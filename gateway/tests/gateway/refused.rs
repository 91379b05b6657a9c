use crate::{
    front::{Does, Front},
    people::{GATEWAY, Pipeline, Shop, get, send},
};
use protocol::{Code, Permission, body::AuditRows};
use sealing::{ApiKey, Consent, Policy, Rules};
use std::time::Duration;

const BOTH: [&str; 2] = ["/v1/env?format=json", "/v1/secrets/A"];

#[track_caller]
fn refuses(pipeline: &Pipeline, code: Code) {
    for path in BOTH {
        let answer = pipeline.get(path);
        assert_eq!(answer.refusal().code, code, "{path}");
        assert!(!answer.text().contains("s3cret"), "{path}");
    }
}

#[test]
fn a_key_without_the_permission_is_refused_by_the_vault_and_that_is_written_down() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let others = [Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit];
    let pipeline = shop.pipeline_with(&others, None);
    refuses(&pipeline, Code::PermissionMissing);
    refuses(&shop.pipeline_with(&[Permission::Gateway], None), Code::PermissionMissing);
    let audit: AuditRows = shop.owner.http.get("/v1/audit").json();
    let refused = audit.items.iter().filter(|row| {
        row.entry.credential == Some(pipeline.0.id()) && row.entry.result == "permission_missing"
    });
    assert_eq!(refused.count(), 2);
}

#[test]
fn a_key_without_the_permission_is_refused_even_where_the_vault_answers() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let pipeline = shop.pipeline_with(&[Permission::Read], None);
    refuses(pipeline.front_does(Does::Ask("how=gateway", "how=run")), Code::PermissionMissing);
    // So it was answered, and one that may be used here has it.
    let pipeline = shop.pipeline();
    pipeline.front_does(Does::Ask("how=gateway", "how=run")).get("/v1/secrets/A").ok();
}

#[test]
fn a_revoked_key_is_refused_from_the_next_request_on() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let pipeline = shop.pipeline();
    pipeline.get("/v1/secrets/A").ok();
    shop.owner.revoke(pipeline.0.id());
    refuses(&pipeline, Code::KeyRevoked);
}

#[test]
fn an_expired_key_is_refused() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let soon = securecode_vault::native::system_clock() + 2;
    let pipeline = shop.pipeline_with(&GATEWAY, Some(soon));
    std::thread::sleep(Duration::from_secs(3));
    refuses(&pipeline, Code::KeyExpired);
}

#[test]
fn a_key_that_the_vault_does_not_know_is_refused() {
    let audience = Front::shared().url.parse().unwrap();
    refuses(&Pipeline(ApiKey::make().unwrap(), audience), Code::Unauthenticated);
}

#[test]
fn what_is_no_whole_api_key_is_refused_and_not_quoted() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let pipeline = shop.pipeline();
    let key = pipeline.0.expose().to_string();
    let token = pipeline.token().expose().to_string();
    let mut mistyped = key.clone();
    let last = if mistyped.ends_with('0') { "1" } else { "0" };
    mistyped.replace_range(key.len() - 1.., last);
    for sent in [
        String::new(),
        key.clone(),
        format!("bearer {key}"),
        format!("Basic {key}"),
        format!("Bearer  {key}"),
        format!("Bearer {token}"),
        format!("Bearer {mistyped}"),
        format!("Bearer {}", &key[..60]),
        format!("Bearer {key}{key}"),
        format!("Bearer {}", key.replacen("sc_", "sct_", 1)),
        "Bearer sc_".into(),
        "Bearer".into(),
    ] {
        for path in BOTH {
            let answer = get(path, Some(&sent));
            assert_eq!(answer.refusal().code, Code::Unauthenticated, "{path}");
            assert!(!answer.text().contains(&key[5..40]) && !answer.text().contains(&token[5..40]));
        }
    }
    assert_eq!(get(BOTH[0], None).refusal().code, Code::Unauthenticated);
    assert_eq!(Front::shared().seen(&pipeline.token()), [""; 0], "the vault was not asked");
}

#[test]
fn a_request_of_another_form_is_refused_and_not_quoted() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let pipeline = shop.pipeline();
    for path in [
        "/v1/env",
        "/v1/env?format=yaml-zzz",
        "/v1/env?format=json&format=json",
        "/v1/env?format=json&zzz=1",
        "/v1/env?format=json&min_manifest=zzz",
        "/v1/env?format=json&environment=zzz%20zzz",
        "/v1/env?format=json&only=A,,B",
        "/v1/env?format=json&only=zzz-zzz",
        "/v1/env?format=json&vault=https://zzz.example",
        "/v1/secrets/zzz-zzz",
        "/v1/secrets/zzz%0A",
        "/v1/secrets/A?format=json",
        "/v1/secrets/%ff",
    ] {
        let problem = pipeline.get(path).refusal();
        assert_eq!(problem.code, Code::InvalidRequest, "{path}");
        assert!(!problem.detail.contains("zzz"), "{}", problem.detail);
    }
    for path in ["/", "/v1/secrets", "/v1/secrets/", "/v1/secrets/A/B", "/v1/bundle?how=gateway", "/v1/keys"]
    {
        assert_eq!(pipeline.get(path).refusal().code, Code::NotFound, "{path}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(send(method, "/v1/env?format=json", None).refusal().code, Code::MethodNotAllowed);
    }
}

#[test]
fn a_name_that_is_in_no_manifest_is_said_to_be_absent_and_not_quoted() {
    let mut shop = Shop::with(&[("A", b"s3cret"), ("OTHER", b"1")]);
    let pipeline = shop.pipeline();
    for path in ["/v1/secrets/ABSENT", "/v1/env?format=json&only=A,ABSENT"] {
        let problem = pipeline.get(path).refusal();
        assert_eq!(problem.code, Code::NotFound);
        assert!(
            !problem.detail.contains("ABSENT") && !problem.detail.contains("OTHER"),
            "{}",
            problem.detail
        );
    }
}

#[test]
fn what_an_owner_laid_down_holds() {
    let mut shop = Shop::with(&[("A", b"s3cret"), ("FREE", b"1")]);
    let pipeline = shop.pipeline();
    let of = |usage, reveal, commands: &[&str]| Policy {
        usage,
        reveal,
        commands: commands.iter().map(|one| (*one).to_owned()).collect(),
        ..Policy::default()
    };
    let policies = [
        of(Consent::Block, Consent::Allow, &[]),
        of(Consent::Ask, Consent::Allow, &[]),
        of(Consent::Allow, Consent::Block, &[]),
        of(Consent::Allow, Consent::Ask, &[]),
        of(Consent::Allow, Consent::Allow, &["psql"]),
    ];
    for (version, policy) in (1..).zip(&policies) {
        shop.owner.lay_down(&shop.writer, "A", version, policy).ok();
        refuses(&pipeline, Code::PermissionMissing);
        assert_eq!(pipeline.get("/v1/env?format=json&only=FREE").ok(), b"{\n  \"FREE\": \"1\"\n}\n");
    }
    shop.owner.lay_down(&shop.writer, "A", 6, &Policy::default()).ok();
    assert_eq!(pipeline.get("/v1/secrets/A").ok(), b"s3cret");
}

/// A shop whose rules block what is tagged `pay`; `A` is.
pub(crate) fn ruled() -> Shop {
    let shop = Shop::with(&[("FREE", b"1")]);
    let key = &shop.writer;
    let mut change = key.change(&[("A", b"s3cret")], &[]);
    let listing = key.list();
    let (name, value) = ("A".parse().unwrap(), b"s3cret".to_vec());
    let meta = sealing::Meta::new(vec!["pay".parse().unwrap()], String::new()).unwrap();
    let value = sealing::SecretValue::new(zeroize::Zeroizing::new(value)).unwrap();
    let secret = key.environment.seal_secret(change.put[0].id, 1, &name, &meta, &value).unwrap();
    let mut manifest = sealing::Manifest::open(&key.environment, &listing.root, &listing.buckets).unwrap();
    manifest.put(sealing::EnvironmentKey::entry(&secret));
    (change.root, change.buckets) = manifest.seal_next(&key.environment, &listing.buckets).unwrap();
    change.put = vec![secret];
    key.http.post(&key.path("/changes"), &change).ok();
    let mut rules = Rules::default();
    rules.edit(&"pay".parse().unwrap(), |policy| policy.usage = Consent::Block);
    shop.owner.http.put(&key.path("/rules"), &key.new_rules(1, &rules)).ok();
    shop
}

#[test]
fn rules_of_the_environment_hold_by_tag() {
    let mut shop = ruled();
    let pipeline = shop.pipeline();
    refuses(&pipeline, Code::PermissionMissing);
    assert_eq!(pipeline.get("/v1/secrets/FREE").ok(), b"1");
    assert_eq!(pipeline.get("/v1/env?format=dotenv&only=FREE").ok(), b"FREE='1'\n");
}

#[test]
fn a_variable_that_could_take_over_a_shell_is_not_written_into_one() {
    let mut shop = Shop::with(&[("A", b"1"), ("LD_PRELOAD", b"s3cret"), ("PATH", b"s3cret")]);
    let pipeline = shop.pipeline();
    for format in ["shell", "dotenv", "json"] {
        let problem = pipeline.get(&format!("/v1/env?format={format}")).refusal();
        assert_eq!(problem.code, Code::PermissionMissing);
        assert!(!problem.detail.contains("s3cret"));
        pipeline.get(&format!("/v1/env?format={format}&only=A")).ok();
    }
    assert_eq!(pipeline.get("/v1/secrets/PATH").ok(), b"s3cret");
}

#[test]
fn a_key_that_asks_for_a_canary_is_revoked() {
    let mut shop = Shop::with(&[("A", b"1"), ("TRAP", b"s3cret")]);
    shop.owner.lay_down(&shop.writer, "TRAP", 1, &Policy { canary: true, ..Policy::default() }).ok();
    let pipeline = shop.pipeline();
    // A whole environment has it not.
    assert_eq!(pipeline.get("/v1/env?format=shell").ok(), b"export A='1'\n");
    assert_eq!(pipeline.get("/v1/secrets/TRAP").refusal().code, Code::CanaryRead);
    refuses(&pipeline, Code::KeyRevoked);
}
