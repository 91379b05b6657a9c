use crate::{
    front::Front,
    people::{GATEWAY, Shop, get, send},
};
use protocol::{
    Code, HEADERS,
    body::{AuditRows, How},
};
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};

/// Values that quotes, shells and parsers trip over.
const AWKWARD: [(&str, &str); 9] = [
    ("PLAIN", "sk_live_4242"),
    ("EMPTY", ""),
    ("QUOTES", "it's \"quoted\""),
    ("BACKQUOTE", "a `touch /tmp/x` b"),
    ("DOLLAR", "$HOME $(id) ${PATH} \\$X"),
    ("SEVERAL_LINES", "one\ntwo\r\n\n  three # no comment\n"),
    ("UNICODE", "schlüssel 🔑 \u{2028}"),
    ("BACKSLASHES", "\\n \\\\ \\'"),
    ("SPACES", "  a = b ; rm -rf / & \t"),
];

fn awkward() -> (Shop, BTreeMap<String, String>) {
    let secrets: Vec<(&str, &[u8])> = AWKWARD.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    (Shop::with(&secrets), AWKWARD.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn a_shell_that_evaluates_an_environment_has_every_value_byte_for_byte() {
    let (mut shop, values) = awkward();
    // No text, which a shell can hold all the same.
    shop.writer.put("BYTES", b"\xff\xfe'\x01");
    let answer = shop.pipeline().get("/v1/env?format=shell");
    assert_eq!(answer.headers["content-type"], "application/x-sh");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), answer.ok()).unwrap();
    for shell in ["dash", "bash", "zsh", "ksh"] {
        let read = "secrets=\"$(cat \"$1\")\" && eval \"$secrets\" && exec cat /proc/self/environ";
        let output = Command::new(shell)
            .args(["-c", read, "sh"])
            .arg(file.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .output()
            .unwrap_or_else(|error| panic!("{shell}: {error}; run `cargo xtask setup`"));
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        let pairs: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        for (name, value) in &values {
            assert!(pairs.contains(&format!("{name}={value}").as_bytes()), "{shell} {name}");
        }
        assert!(pairs.contains(&b"BYTES=\xff\xfe'\x01".as_slice()), "{shell}");
    }
}

#[test]
fn npms_dotenv_reads_an_environment_byte_for_byte() {
    let (mut shop, values) = awkward();
    let answer = shop.pipeline().get("/v1/env?format=dotenv");
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), answer.ok()).unwrap();
    let output = Command::new("node")
        .arg(root().join("tests/tools/dotenv.cjs"))
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()
        .expect("node");
    let read: Vec<BTreeMap<String, String>> =
        serde_json::from_slice(&output.stdout).expect("run `cargo xtask setup`");
    let hex = |text: &String| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(read[0], values.iter().map(|(name, value)| (name.clone(), hex(value))).collect());
}

#[test]
fn a_value_that_a_format_cannot_spell_is_refused_by_name_and_the_others_are_had_without_it() {
    let mut shop = Shop::with(&[("A", b"1"), ("EVERY_QUOTE", b"'\"`# s3cret"), ("BYTES", b"\xff s3cret")]);
    let pipeline = shop.pipeline();
    for (format, bad) in [("dotenv", "BYTES"), ("dotenv", "EVERY_QUOTE"), ("json", "BYTES")] {
        let answer = pipeline.get(&format!("/v1/env?format={format}&only=A,{bad}"));
        let problem = answer.refusal();
        assert_eq!(problem.code, Code::InvalidRequest);
        assert!(problem.detail.contains(bad) && !problem.detail.contains("s3cret"), "{}", problem.detail);
        assert_eq!(pipeline.get(&format!("/v1/env?format={format}")).refusal().code, Code::InvalidRequest);
    }
    assert_eq!(pipeline.get("/v1/env?format=dotenv&only=A").ok(), b"A='1'\n");
    assert_eq!(pipeline.get("/v1/secrets/BYTES").ok(), b"\xff s3cret");
}

#[test]
fn json_is_an_object_of_texts_by_name() {
    let (mut shop, values) = awkward();
    let answer = shop.pipeline().get("/v1/env?format=json");
    assert_eq!(answer.headers["content-type"], "application/json");
    let read: BTreeMap<String, String> = serde_json::from_slice(&answer.ok()).unwrap();
    assert_eq!(read, values);
    let mut empty = Shop::with(&[]);
    let empty = empty.pipeline();
    assert_eq!(empty.get("/v1/env?format=json").ok(), b"{}\n");
    assert_eq!(empty.get("/v1/env?format=shell").ok(), b"");
}

#[test]
fn one_secret_is_its_bytes_and_nothing_else() {
    let mut shop = Shop::with(&[("A", b"one\n"), ("B", b"two")]);
    let pipeline = shop.pipeline();
    let answer = pipeline.get("/v1/secrets/A");
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    assert_eq!(answer.ok(), b"one\n");
    assert_eq!(pipeline.get("/v1/secrets/B?environment=dev&project=shop").ok(), b"two");
}

#[test]
fn of_several_environments_one_is_named_and_none_is_listed() {
    let mut shop = Shop::with(&[("A", b"of dev")]);
    let project = shop.environment().place().project;
    let other = shop.owner.environment(project);
    let dev = shop.environment();
    let permissions = [protocol::Permission::Read, protocol::Permission::Write];
    shop.owner.key(&other, &permissions).put("A", b"of stage");
    let several = [(&dev, "shop", "dev"), (&other, "shop", "stage-of-a-secret-name")];
    let pipeline = shop.pipeline_of(&several, &GATEWAY, None);
    for path in ["/v1/env?format=json", "/v1/secrets/A", "/v1/secrets/A?project=shop"] {
        let problem = pipeline.get(path).refusal();
        assert_eq!(problem.code, Code::EnvironmentAmbiguous, "{path}");
        assert!(!problem.detail.contains("stage") && !problem.detail.contains("dev"), "{}", problem.detail);
    }
    assert_eq!(pipeline.get("/v1/secrets/A?environment=dev").ok(), b"of dev");
    assert_eq!(pipeline.get("/v1/secrets/A?environment=stage-of-a-secret-name").ok(), b"of stage");
    assert_eq!(
        pipeline.get("/v1/env?format=shell&environment=stage-of-a-secret-name&project=shop").ok(),
        b"export A='of stage'\n"
    );
    for path in ["/v1/secrets/A?environment=prod", "/v1/secrets/A?environment=dev&project=other"] {
        assert_eq!(pipeline.get(path).refusal().code, Code::EnvironmentOutOfScope, "{path}");
    }
}

#[test]
fn the_owner_sees_that_it_was_a_gateway() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    pipeline.get("/v1/env?format=json").ok();
    pipeline.get("/v1/secrets/A").ok();
    let audit: AuditRows = shop.owner.http.get("/v1/audit").json();
    let rows: Vec<_> =
        audit.items.iter().filter(|row| row.entry.credential == Some(pipeline.0.id())).collect();
    let told: Vec<_> = rows.iter().map(|row| (row.entry.action.as_str(), row.entry.how)).collect();
    let gateway = Some(How::Gateway);
    assert_eq!(
        told,
        [("read", gateway), ("environments", None), ("bundle", gateway), ("environments", None)]
    );
    let program = concat!("securecode-gateway/", env!("CARGO_PKG_VERSION"));
    assert!(rows.iter().all(|row| row.entry.user_agent.as_deref() == Some(program)));
    // The token that the vault saw is of the gateway's vault, and the key itself went no further.
    let seen = Front::shared().seen(&pipeline.token());
    assert!(seen.iter().all(|path| !path.contains("sc_") && !path.contains("/A")), "{seen:?}");
}

#[test]
fn every_answer_stays_out_of_caches_and_frames() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    for answer in [
        pipeline.get("/v1/env?format=json"),
        pipeline.get("/v1/secrets/A"),
        pipeline.get("/v1/secrets/B"),
        get("/v1/env?format=json", None),
        get("/healthz", None),
        get("/nothing", None),
        send("POST", "/v1/env", None),
    ] {
        for (name, value) in HEADERS {
            assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{name} {}", answer.text());
        }
        assert_eq!(answer.headers["x-request-id"].len(), 32);
    }
}

#[test]
fn health_is_the_gateways_own() {
    let health: serde_json::Value = serde_json::from_slice(&get("/healthz", None).ok()).unwrap();
    assert_eq!(health["status"], "ok");
}
