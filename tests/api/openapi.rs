//! The OpenAPI document, and what it says of who may do what.

use kit::{Key, Owner, Vault};
use protocol::{Permission, Problem};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, path::Path};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

/// `SECURECODE_WRITE_OPENAPI=1` (`cargo xtask openapi`) writes the file anew.
#[test]
fn the_document_that_is_served_is_that_of_the_code() {
    let made = format!("{:#}\n", securecode_vault::openapi::document());
    if std::env::var_os("SECURECODE_WRITE_OPENAPI").is_some() {
        fs::write(DOCUMENT, &made).unwrap();
    }
    let kept = fs::read_to_string(DOCUMENT).unwrap();
    assert!(kept == made, "docs/openapi.json is not what the code says; run `cargo xtask openapi`");
    let served = Vault::shared().http().get("/openapi.json");
    assert_eq!(served.headers.get("content-type").map(String::as_str), Some("application/json"));
    assert!(served.text == kept, "a document of another build is served");
}

/// A value of a schema: the least that the type takes.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return match name {
            "Blob" => json!(kit::random_blob()),
            "Bytes32" => json!("A".repeat(43)),
            "Salt" => json!("A".repeat(22)),
            "AccessToken" => json!(kit::make_token()),
            "Email" => json!(kit::make_email()),
            "Permissions" => json!(["read"]),
            "Id" => json!(kit::make_token().id()),
            _ => sample(document, &document["components"]["schemas"][name]),
        };
    }
    if let Some(first) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()).and_then(|all| all.first())
    {
        return sample(document, first);
    }
    if let Some(first) = schema.get("const").or(schema["enum"].as_array().and_then(|all| all.first())) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let fields = required.iter().map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), sample(document, &schema["properties"][name]))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        // Lists that must not be empty: buckets, and the grants of a key.
        Some("array") => json!([sample(document, &schema["items"])]),
        Some("integer") => json!(1),
        Some("boolean") => json!(false),
        _ => panic!("no sample of {schema}"),
    }
}

struct Callers {
    columns: Vec<(&'static str, kit::Http)>,
    environment: String,
    // Kept, because their sessions are used.
    _owners: Vec<Owner>,
}

fn callers(vault: &Vault) -> Callers {
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let (environment, beside) = (owner.environment(project), owner.environment(project));
    let all = [Permission::Read, Permission::Write, Permission::Reveal, Permission::Audit];
    let full: Key = owner.key(&environment, &all);
    let read_only = owner.key(&environment, &[Permission::Read]);
    let other_environment = owner.key(&beside, &all);
    let revoked = owner.key(&environment, &all);
    owner.revoke(revoked.id);
    let expired = owner.key(&environment, &all);
    let mut stranger = Owner::sign_up(vault);
    let elsewhere = stranger.project();
    let elsewhere = stranger.environment(elsewhere);
    let other_account = stranger.key(&elsewhere, &all);
    // Ends at once: another key takes its place with no overlap.
    let successor = sealing::ApiKey::make().unwrap();
    let (next, key) = owner.new_key(&successor, &[&environment], &all);
    let body = protocol::body::RotateKey { id: successor.id(), key, old_expires_at: 0 };
    owner.http.post(&format!("/v1/keys/{}/rotate", expired.id), &body).ok();
    owner.wrote(next);
    let wrong = vault.http().with(&protocol::AccessToken::new(full.id, kit::make_token_auth()));
    let columns = vec![
        ("none", vault.http()),
        ("wrong", wrong),
        ("revoked", revoked.http.clone()),
        ("expired", expired.http.clone()),
        ("other account", other_account.http.clone()),
        ("other environment", other_environment.http.clone()),
        ("read-only", read_only.http.clone()),
        ("key", full.http.clone()),
        ("session", owner.http.clone()),
    ];
    let environment = environment.place().environment.to_string();
    Callers { columns, environment, _owners: vec![owner, stranger] }
}

/// What the caller was told, as far as it is about who he is; `passes` where the request was looked at.
fn verdict(answer: &kit::Answer) -> String {
    let problem: Option<Problem> = serde_json::from_str(&answer.text).ok();
    let code =
        problem.map(|problem| serde_json::to_value(problem.code).unwrap().as_str().unwrap().to_owned());
    match code.as_deref() {
        Some(
            code @ ("unauthenticated"
            | "key_revoked"
            | "key_expired"
            | "owner_required"
            | "permission_missing"
            | "environment_out_of_scope"),
        ) => code.to_owned(),
        Some("internal" | "unavailable") => panic!("{}", answer.text),
        _ => "passes".to_owned(),
    }
}

/// Every endpoint by every kind of caller, as `tests/api/authorization.md` has it. A new endpoint needs a row there.
#[test]
fn who_may_do_what_is_what_the_table_says() {
    let document = securecode_vault::openapi::document();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/authorization.md");
    let kept = fs::read_to_string(kept).unwrap();
    let mut expected: BTreeMap<String, Vec<String>> = kept
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells =
                line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
            (cells.next().unwrap(), cells.collect())
        })
        .collect();
    let mut differences = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            let row = expected.remove(&name).unwrap_or_default();
            // For each its own: what one of them does must not be in another's way.
            let callers = callers(Vault::shared());
            let place = path
                .replace("/environments/{id}", &format!("/environments/{}", callers.environment))
                .replace("{version}", "1");
            let place = ["{id}", "{index}", "{secret}", "{approval}"]
                .into_iter()
                .fold(place, |place, name| place.replace(name, &kit::make_token().id().to_string()));
            let query = match path.as_str() {
                "/v1/bundle" => format!("?how=run&environment={}", callers.environment),
                _ if operation["x-access"] == "how" => "?how=inject".to_owned(),
                _ => String::new(),
            };
            let mut cells = Vec::new();
            for (_, http) in &callers.columns {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let body = (!schema.is_null()).then(|| sample(&document, schema).to_string());
                cells.push(verdict(&http.send(&method.to_uppercase(), &format!("{place}{query}"), body)));
            }
            if cells != row {
                differences.push(format!("| `{name}` | {} |", cells.join(" | ")));
            }
        }
    }
    assert!(
        differences.is_empty() && expected.is_empty(),
        "rows that tests/api/authorization.md has not, or has otherwise:\n{}\nrows of no endpoint: {:?}",
        differences.join("\n"),
        expected.keys()
    );
}

#[test]
fn a_query_that_an_endpoint_does_not_know_is_refused() {
    let vault = Vault::shared();
    let callers = callers(vault);
    let (_, owner) = callers.columns.iter().find(|(who, _)| *who == "session").unwrap();
    let document = securecode_vault::openapi::document();
    let before: protocol::body::AuditRows = owner.get("/v1/audit").json();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = ["{id}", "{index}", "{secret}"]
                .into_iter()
                .fold(path.replace("{version}", "1"), |place, name| {
                    place.replace(name, &callers.environment)
                });
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = (!schema.is_null()).then(|| sample(&document, schema).to_string());
            for query in ["no_such_parameter=1", "how=inject&no_such_parameter=1", "no_such_parameter"] {
                let answer = owner.send(&method.to_uppercase(), &format!("{place}?{query}"), body.clone());
                let problem = answer.refusal();
                assert_eq!(problem.code, protocol::Code::InvalidRequest, "{method} {path}?{query}");
                assert!(
                    problem.detail.contains("a query parameter is"),
                    "{method} {path}: {}",
                    problem.detail
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 120, "{asked}");
    // Nothing was looked at, and a query of nothing is none.
    let after: protocol::body::AuditRows = owner.get("/v1/audit").json();
    assert_eq!(after.items[0].seq, before.items[0].seq + 1);
    owner.get("/v1/usage?").ok();
}
