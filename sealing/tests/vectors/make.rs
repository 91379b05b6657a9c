//! Vectors of this implementation's own making. Those in `tests/vectors/rust-*.json` are pinned for ever: they
//! were made by this once, and must keep their outcomes.

use crate::judge::judge;
use protocol::{AccountId, Blob, EnvironmentId, Permission, ProjectId, SecretId, SecretName, Tag};
use seal::{Context, Key, Kind};
use sealing::{
    AccountKey, AccountManifest, ApiKey, Consent, EnvironmentKey, EnvironmentNames, EnvironmentRecord,
    KeyRecord, KeyStatus, Manifest, ManifestKey, Meta, Passphrase, Place, Policy, ProjectRecord,
    RecoveryCode, Rules, SecretValue, make_id,
};
use serde_json::{Value, json};
use std::path::Path;
use zeroize::Zeroizing;

/// Writes every vector into the folder.
pub(crate) fn all(folder: &Path) {
    let mut made = Vec::new();
    opens(&mut made);
    tokens(&mut made);
    texts(&mut made);
    secrets(&mut made);
    accounts(&mut made);
    logs(&mut made);
    for (name, vector) in made {
        let mut text = serde_json::to_string_pretty(&vector).unwrap();
        text.push('\n');
        std::fs::write(folder.join(format!("rust-{name}.json")), text).unwrap();
    }
}

type Made = Vec<(String, Value)>;

/// A vector that must succeed, with the result that this implementation gives.
fn good(made: &mut Made, name: &str, vector: Value) {
    let result = judge(&vector).unwrap_or_else(|outcome| panic!("{name}: {outcome}"));
    made.push((name.into(), with(&vector, &[("outcome", json!("ok")), ("result", result)])));
}

fn bad(made: &mut Made, name: &str, vector: &Value, outcome: &str) {
    made.push((name.into(), with(vector, &[("outcome", json!(outcome))])));
}

fn with(vector: &Value, fields: &[(&str, Value)]) -> Value {
    let mut vector = vector.clone();
    for (path, value) in fields {
        let pointer = format!("/{}", path.replace('.', "/"));
        match vector.pointer_mut(&pointer) {
            Some(slot) => *slot = value.clone(),
            None => vector[*path] = value.clone(),
        }
    }
    vector
}

fn opens(made: &mut Made) {
    let [account, project, environment, subject, index] = [1_u8, 2, 3, 4, 5].map(|byte| [byte; 16]);
    let place = Context {
        account: &account,
        project: &project,
        environment: &environment,
        subject: &subject,
        index: &index,
        version: 9,
        ..Context::new(Kind::VALUE)
    };
    let key = Key::from_bytes([7; 32]);
    let blob = seal::seal(&key, &place, b"a value").unwrap();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let encode = |blob: &[u8]| json!(data_encoding::BASE64URL_NOPAD.encode(blob));
    let vector = json!({
        "op": "open", "key": hex(key.expose()), "blob": encode(&blob),
        "context": {
            "kind": 1, "account": hex(&account), "project": hex(&project), "environment": hex(&environment),
            "subject": hex(&subject), "index": hex(&index), "version": 9,
        },
    });
    good(made, "open", vector.clone());
    for (field, value) in [
        ("kind", json!(2)),
        ("account", json!(hex(&project))),
        ("project", json!("")),
        ("environment", json!(hex(&[3; 15]))),
        ("subject", json!(hex(&index))),
        ("index", json!(hex(&subject))),
        ("version", json!(8)),
    ] {
        bad(
            made,
            &format!("open-other-{field}"),
            &with(&vector, &[(&format!("context.{field}"), value)]),
            "open",
        );
    }
    bad(made, "open-other-key", &with(&vector, &[("key", json!(hex(&[8; 32])))]), "open");
    let moved =
        [("context.account", json!(hex(&[[1; 16], [2; 16]].concat()))), ("context.project", json!(""))];
    bad(made, "open-fields-cut-elsewhere", &with(&vector, &moved), "open");
    for (name, position) in
        [("scheme", 0), ("salt", 1), ("commitment", 33), ("ciphertext", 65), ("tag", blob.len() - 1)]
    {
        let mut altered = blob.clone();
        altered[position] ^= 1;
        bad(made, &format!("open-altered-{name}"), &with(&vector, &[("blob", encode(&altered))]), "open");
    }
    for (name, altered) in [
        ("empty", vec![]),
        ("head-only", blob[..65].to_vec()),
        ("shortened", blob[..blob.len() - 1].to_vec()),
        ("lengthened", [blob.clone(), vec![0]].concat()),
        ("doubled", [blob.clone(), blob.clone()].concat()),
    ] {
        bad(made, &format!("open-{name}"), &with(&vector, &[("blob", encode(&altered))]), "open");
    }
    let text = data_encoding::BASE64URL_NOPAD.encode(&blob);
    for (name, text) in [
        ("padded", format!("{text}=")),
        ("standard-alphabet", format!("+/{}", &text[2..])),
        ("loose-bits", format!("{}B", &data_encoding::BASE64URL_NOPAD.encode(&blob[..64])[..85])),
        ("white-space", format!("{text}\n")),
    ] {
        bad(made, &format!("open-base64-{name}"), &with(&vector, &[("blob", json!(text))]), "parse");
    }
}

fn logs(made: &mut Made) {
    let account = AccountId::from_bytes(make_id().unwrap());
    let rows: Vec<Value> = (0..7_u64)
        .map(|number| {
            let id = data_encoding::HEXLOWER.encode(&make_id().unwrap());
            let entry = format!("{{\"salt\":\"{id}\",\"action\":\"read\",\"result\":\"allowed\"}}");
            json!({ "request_id": id, "at": 1_764_000_000 + number, "cost": number % 2, "entry": entry })
        })
        .collect();
    let leaves: Vec<protocol::Digest> = rows
        .iter()
        .map(|row| {
            let text = |field: &str| row[field].as_str().unwrap();
            let number = |field: &str| row[field].as_u64().unwrap();
            audit_log::leaf(text("request_id"), number("at"), number("cost"), text("entry").as_bytes())
        })
        .collect();
    let first = audit_log::close(account, None, &leaves[..3], 1_764_000_100).unwrap();
    let second = audit_log::close(account, Some(&first), &leaves[3..], 1_764_000_200).unwrap();
    let vector = |previous: Value, rows: &[Value], segment| json!({ "op": "audit", "account": account, "previous": previous, "rows": rows, "segment": segment });
    good(made, "audit-first-segment", vector(Value::Null, &rows[..3], json!(first)));
    let next = vector(json!(first), &rows[3..], json!(second));
    good(made, "audit-next-segment", next.clone());
    for (name, path, value) in [
        ("time", "rows.1.at", json!(1_764_000_999)),
        ("cost", "rows.1.cost", json!(7)),
        ("request", "rows.1.request_id", rows[5]["request_id"].clone()),
        ("entry", "rows.1.entry", rows[5]["entry"].clone()),
        ("account", "account", json!(AccountId::from_bytes(make_id().unwrap()))),
        ("number", "segment.n", json!(3)),
        ("first", "segment.first", json!(3)),
        ("last", "segment.last", json!(8)),
        ("root", "segment.root", json!(first.root)),
        ("previous", "segment.previous", json!(second.root)),
        ("closing-time", "segment.closed_at", json!(1_764_000_201)),
        ("segment-before", "previous", Value::Null),
    ] {
        bad(made, &format!("audit-other-{name}"), &with(&next, &[(path, value)]), "audit");
    }
    let swapped: Vec<Value> = [3, 5, 4, 6].iter().map(|number| rows[*number].clone()).collect();
    bad(made, "audit-rows-swapped", &with(&next, &[("rows", json!(swapped))]), "audit");
    bad(made, "audit-row-missing", &with(&next, &[("rows", json!(rows[3..6]))]), "audit");
}

fn tokens(made: &mut Made) {
    let key = ApiKey::make().unwrap();
    let text = key.expose().to_string();
    let vector =
        |text: &str| json!({ "op": "api_key", "text": text, "audience": "https://vault.example.com" });
    good(made, "api-key", vector(&text));
    good(
        made,
        "api-key-other-audience",
        with(&vector(&text), &[("audience", json!("http://127.0.0.1:8787"))]),
    );
    let token = key.derive_token(&"https://vault.example.com".parse().unwrap()).expose().to_string();
    for (name, text) in [
        ("empty", String::new()),
        ("other-prefix", text.replacen("sc_", "sk_", 1)),
        ("upper-case-prefix", text.replacen("sc_", "SC_", 1)),
        ("shortened", text[..73].to_owned()),
        ("lengthened", format!("{text}0")),
        ("white-space", format!("{text} ")),
        ("swapped", [&text[..10], &text[11..12], &text[10..11], &text[12..]].concat()),
        ("checksum", format!("{}{}", &text[..73], if text.ends_with('0') { '1' } else { '0' })),
        ("other-alphabet", text.replacen(&text[20..21], "-", 1)),
        ("access-token", token.clone()),
        ("zeros", format!("sc_{}", "0".repeat(71))),
        ("overflow", {
            let head = format!("sc_{}", "z".repeat(65));
            head + "000000"
        }),
    ] {
        let changed = text != key.expose().as_str();
        assert!(changed, "{name} alters nothing");
        bad(made, &format!("api-key-{name}"), &vector(&text), "token");
    }
    good(made, "access-token", json!({ "op": "access_token", "text": token }));
    bad(made, "access-token-api-key", &json!({ "op": "access_token", "text": text }), "token");

    let code = RecoveryCode::make().unwrap().expose().to_string();
    let vector = |text: &str| json!({ "op": "recovery_code", "text": text });
    good(made, "recovery-code", vector(&code));
    good(made, "recovery-code-typed", vector(&format!(" {} ", code.to_lowercase().replace('-', " "))));
    let other = if code.ends_with('A') { "B" } else { "A" };
    for (name, text) in [
        ("typing-error", format!("{}{other}", &code[..code.len() - 1])),
        ("group-missing", code[..code.len() - 5].to_owned()),
        ("prefix-missing", code[4..].to_owned()),
        ("digit-of-none", format!("{}1", &code[..code.len() - 1])),
    ] {
        bad(made, &format!("recovery-code-{name}"), &vector(&text), "token");
    }
}

fn texts(made: &mut Made) {
    for (name, url) in [
        ("plain", "https://vault.example.com"),
        ("case-port-path", "HTTPS://Vault.Example.com:443/x?y#z"),
        ("other-port", "https://vault.example.com:8443"),
        ("loopback", "http://127.0.0.1:8787/"),
        ("loopback-v6", "http://[::1]:80"),
    ] {
        good(made, &format!("audience-{name}"), json!({ "op": "audience", "text": url }));
    }
    for (name, url) in [
        ("http", "http://vault.example.com"),
        ("none", "vault.example.com"),
        ("user", "https://a@vault.example.com"),
        ("port", "https://vault.example.com:65536"),
        ("dots", "https://vault..example.com"),
        ("loopback-look-alike", "http://127.0.0.1.example.com"),
        ("unicode", "https://väult.example.com"),
    ] {
        bad(made, &format!("audience-{name}"), &json!({ "op": "audience", "text": url }), "parse");
    }
    for (name, text) in [
        ("plain", "ada@example.com"),
        ("spelling", "\t ＡＤＡ@Example.COM \n"),
        ("at-of-full-width", "ada＠example.com"),
        ("astral", "𝒜\u{1d15e}\u{2f800}@example.com"),
        ("capitals", "ΣΑΣ.İẞ\u{10400}.ΟΔΟΣ@example.com"),
        ("compatibility", "ﬁnn.℡.①@example.com"),
        ("composed", "e\u{301}lodie@example.com"),
        ("excluded-from-composition", "\u{958}@example.com"),
        ("hangul", "\u{1112}\u{1161}\u{11ab}@example.com"),
        ("marks-in-order", "q\u{307}\u{323}.\u{1e9b}\u{323}@example.com"),
        ("singleton", "\u{212b}.\u{2126}@example.com"),
    ] {
        good(made, &format!("email-{name}"), json!({ "op": "email", "text": text }));
    }
    for (name, text) in [
        ("no-at", "ada"),
        ("two-at", "a@b@c"),
        ("space", "a b@c"),
        ("no-host", "ada@"),
        ("spaces-of-a-ligature", "\u{fdfa}@example.com"),
        ("two-at-of-full-width", "a＠b@c"),
    ] {
        bad(made, &format!("email-{name}"), &json!({ "op": "email", "text": text }), "parse");
    }
}

fn secrets(made: &mut Made) {
    let api_key = ApiKey::make().unwrap();
    let place = Place {
        account: AccountId::from_bytes(make_id().unwrap()),
        project: ProjectId::from_bytes(make_id().unwrap()),
        environment: EnvironmentId::from_bytes(make_id().unwrap()),
    };
    let key = EnvironmentKey::make(place).unwrap();
    let names = EnvironmentNames {
        project: "shop".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        production: false,
    };
    let wrapped = api_key.derive_wrap().wrap_environment_key(&place, 2, &key, &names).unwrap();
    let base = json!({
        "key": *api_key.expose(), "account": place.account, "project": place.project, "environment": place.environment,
        "generation": 2, "environment_key": wrapped,
    });
    let meta = Meta::new(vec!["b".parse::<Tag>().unwrap(), "a".parse().unwrap()], "a note".into()).unwrap();
    let seal = |name: &str, value: &[u8], version| {
        let value = SecretValue::new(Zeroizing::new(value.to_vec())).unwrap();
        let id = SecretId::from_bytes(make_id().unwrap());
        key.seal_secret(id, version, &name.parse::<SecretName>().unwrap(), &meta, &value).unwrap()
    };
    let sealed = seal("API_KEY", b"it's \xff \n a value", 3);
    let other = seal("OTHER", b"", 3);
    let vector = with(&base, &[("op", json!("secret")), ("secret", json!(sealed))]);
    good(made, "secret", vector.clone());
    good(made, "secret-longest", with(&vector, &[("secret", json!(seal("BIG", &[b'x'; 65536], 1)))]));
    for field in ["id", "index", "name", "meta", "value"] {
        let swapped = with(&vector, &[(&format!("secret.{field}"), json!(other)[field].clone())]);
        bad(made, &format!("secret-{field}-of-another"), &swapped, "open");
    }
    let twice = [("secret.name", json!(sealed.meta)), ("secret.meta", json!(sealed.name))];
    bad(made, "secret-name-and-meta-swapped", &with(&vector, &twice), "open");
    for (field, value) in [
        ("account", json!("00".repeat(16))),
        ("project", json!("00".repeat(16))),
        ("environment", json!("00".repeat(16))),
        ("generation", json!(1)),
        ("secret.version", json!(2)),
    ] {
        bad(
            made,
            &format!("secret-other-{}", field.replace('.', "-")),
            &with(&vector, &[(field, value)]),
            "open",
        );
    }
    let stranger = json!(*ApiKey::make().unwrap().expose());
    bad(made, "secret-other-api-key", &with(&vector, &[("key", stranger)]), "open");

    let mut manifest = Manifest::empty();
    for secret in [&sealed, &other] {
        manifest.put(EnvironmentKey::entry(secret));
    }
    let (root, buckets) = manifest.seal_next(&key, &[]).unwrap();
    let read = with(
        &base,
        &[
            ("op", json!("read")),
            ("root", json!(root)),
            ("bucket", json!(buckets[0].blob)),
            ("name", json!("API_KEY")),
        ],
    );
    good(made, "read", with(&read, &[("secret", json!(sealed))]));
    good(made, "read-absent", with(&read, &[("name", json!("ABSENT")), ("secret", Value::Null)]));
    bad(made, "read-withheld", &with(&read, &[("secret", Value::Null)]), "missing");
    bad(made, "read-of-another", &with(&read, &[("secret", json!(other))]), "not_current");
    let (_, foreign) = Manifest::empty().seal_next(&key, &[]).unwrap();
    let swapped = with(&read, &[("bucket", json!(foreign[0].blob)), ("secret", Value::Null)]);
    bad(made, "read-older-bucket", &swapped, "wrong_bucket");

    let policy = Policy {
        usage: Consent::Ask,
        reveal: Consent::Block,
        production: true,
        canary: true,
        hosts: vec!["api.example.com".into()],
        commands: vec![],
    };
    let blob = key.seal_policy(sealed.id, sealed.index, 4, &policy).unwrap();
    let part = json!({ "id": sealed.id, "index": sealed.index, "version": 4, "blob": blob });
    let vector = with(&base, &[("op", json!("policy")), ("policy", part)]);
    good(made, "policy", vector.clone());
    bad(made, "policy-of-yesterday", &with(&vector, &[("policy.version", json!(5))]), "open");
    bad(made, "policy-of-another", &with(&vector, &[("policy.id", json!(other.id))]), "open");
    let rules = Rules(vec![("production".parse().unwrap(), policy)]);
    let part = json!({ "version": 1, "blob": key.seal_rules(1, &rules).unwrap() });
    good(made, "rules", with(&base, &[("op", json!("rules")), ("rules", part.clone())]));

    let mut manifest = Manifest::empty();
    manifest.put(EnvironmentKey::entry(&sealed));
    manifest.set_rules(&serde_json::from_value(part["blob"].clone()).unwrap());
    let (ruled, buckets) = manifest.seal_next(&key, &[]).unwrap();
    let named = [("root", json!(ruled)), ("bucket", json!(buckets[0].blob)), ("secret", json!(sealed))];
    good(made, "read-beside-rules", with(&read, &named));
    let current =
        with(&base, &[("op", json!("current_rules")), ("root", json!(ruled)), ("rules", part.clone())]);
    good(made, "current-rules", current.clone());
    good(made, "current-rules-absent", with(&current, &[("root", json!(root)), ("rules", Value::Null)]));
    bad(made, "current-rules-withheld", &with(&current, &[("rules", Value::Null)]), "missing");
    bad(made, "current-rules-made-up", &with(&current, &[("root", json!(root))]), "not_current");
    let older = json!({ "version": 1, "blob": key.seal_rules(1, &Rules::default()).unwrap() });
    bad(made, "current-rules-older", &with(&current, &[("rules", older)]), "not_current");
    bad(made, "current-rules-other-version", &with(&current, &[("rules.version", json!(2))]), "open");
}

fn accounts(made: &mut Made) {
    let id = AccountId::from_bytes(make_id().unwrap());
    let key = AccountKey::make(id).unwrap();
    let api_key = ApiKey::make().unwrap();
    let (project, environment) =
        (ProjectId::from_bytes(make_id().unwrap()), EnvironmentId::from_bytes(make_id().unwrap()));
    let permissions = [Permission::Read, Permission::Write].into_iter().collect();
    let manifest = AccountManifest {
        version: 6,
        projects: vec![ProjectRecord { id: project, name: "shop".parse().unwrap() }],
        environments: vec![EnvironmentRecord {
            id: environment,
            project,
            name: "prod".parse().unwrap(),
            production: true,
            generation: 2,
        }],
        keys: vec![ManifestKey {
            id: api_key.id(),
            name: "ci".parse().unwrap(),
            permissions,
            expires_at: 1_900_000_000,
            status: KeyStatus::Revoked,
            environments: vec![environment],
        }],
    };
    let record = KeyRecord {
        wrap: api_key.derive_wrap(),
        name: "ci".parse().unwrap(),
        permissions,
        expires_at: 1_900_000_000,
        environments: vec![environment],
    };
    let record = json!({ "id": api_key.id(), "blob": key.seal_key_record(&record).unwrap() });
    let sealed = json!(key.seal_manifest(&manifest).unwrap());
    let code = RecoveryCode::make().unwrap();
    let vector = json!({
        "op": "recovery", "code": *code.expose(), "account": id, "account_key": key.wrap_by_recovery(&code).unwrap(),
        "manifest": sealed, "record": record,
    });
    good(made, "recovery", vector.clone());
    bad(
        made,
        "recovery-other-code",
        &with(&vector, &[("code", json!(*RecoveryCode::make().unwrap().expose()))]),
        "open",
    );
    bad(made, "recovery-record-of-another", &with(&vector, &[("record.id", json!("00".repeat(16)))]), "open");
    let older = [("manifest.version", json!(5))];
    bad(made, "recovery-manifest-of-another-version", &with(&vector, &older), "open");

    let email = "ada@example.com".parse().unwrap();
    let kdf = Passphrase::make_kdf().unwrap();
    let stretched = Passphrase::new("correct horse battery").unwrap().stretch(&kdf).unwrap();
    let wrapped: Blob = key.wrap_by_passphrase(&email, &stretched).unwrap();
    let vector = json!({
        "op": "passphrase", "passphrase": "correct horse battery", "email": "Ada@Example.com", "kdf": kdf, "account": id,
        "account_key": wrapped, "manifest": sealed,
    });
    good(made, "passphrase", vector.clone());
    bad(made, "passphrase-wrong", &with(&vector, &[("passphrase", json!("correct horse batterz"))]), "open");
    bad(made, "passphrase-other-account", &with(&vector, &[("account", json!("00".repeat(16)))]), "open");
    bad(made, "passphrase-weak-kdf", &with(&vector, &[("kdf.memory_kib", json!(8))]), "kdf");
}
