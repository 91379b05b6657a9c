//! Bodies that are wrong, with a canary wherever they can hold one: no answer, no line of the log and nothing stored has
//! it. Made of the OpenAPI document, so each endpoint that takes a body is among them.

use kit::{Owner, Vault};
use securecode_vault::{host::Surroundings, log::Event, strangers::PacedStrangers};
use serde_json::{Map, Value, json};
use std::{fs, num::NonZeroU32, sync::Mutex};

const CANARY: &str = "cAnArY-9f8e7d6c5b4a";

static LOG: Mutex<Vec<String>> = Mutex::new(vec![]);

fn keep(event: &Event<'_>) {
    LOG.lock().unwrap().push(event.line());
}

/// Something of that schema's form, every text of it the canary.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return example(document, document.pointer(name.trim_start_matches('#')).unwrap());
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(one) = schema[several].get(0) {
            return example(document, one);
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            properties
                .map(|(name, schema)| (name.clone(), example(document, schema)))
                .collect::<Map<_, _>>()
                .into()
        }
        Some("array") => json!([example(document, &schema["items"])]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => json!(CANARY),
    }
}

/// Every place in a value, as JSON pointers.
fn places(value: &Value, here: String, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, format!("{here}/{name}"), all))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, format!("{here}/{n}"), all))
        }
        _ => {}
    }
    all.push(here);
}

/// What is wrong in one place, or as a whole.
fn bodies(example: &Value) -> Vec<String> {
    let mut bodies = vec![];
    let mut all = vec![];
    places(example, String::new(), &mut all);
    for place in &all {
        for wrong in [
            json!(CANARY),
            json!([CANARY]),
            json!({ CANARY: CANARY }),
            json!(null),
            json!(-1),
            json!(1.5e300),
            json!(true),
            json!(format!("{CANARY}\u{0}\u{1b}[31m")),
            json!(CANARY.repeat(100)),
        ] {
            let mut body = example.clone();
            *body.pointer_mut(place).unwrap() = wrong;
            bodies.push(body.to_string());
        }
        let mut more = example.clone();
        if let Some(fields) = more.pointer_mut(place).unwrap().as_object_mut() {
            fields.insert(CANARY.into(), json!(CANARY));
            bodies.push(more.to_string());
        }
    }
    let whole = example.to_string();
    let cuts = (0..whole.len()).step_by(whole.len().div_ceil(200));
    for cut in cuts.filter_map(|cut| whole.get(..cut)) {
        bodies.extend([cut.to_owned(), format!("{cut}{CANARY}")]);
    }
    bodies.push(format!("{whole}{CANARY}"));
    bodies.push(format!("{}{CANARY}", "[".repeat(20_000)));
    bodies.push(format!("{}\"{CANARY}\"", "{\"a\":".repeat(10_000)));
    bodies.push(format!("\"{}\"", CANARY.repeat(7 * 1024)));
    bodies
}

#[test]
fn no_malformed_body_is_quoted_by_an_answer_the_log_or_what_is_stored() {
    let vault = Vault::native_as(|surroundings| Surroundings {
        strangers: Box::new(PacedStrangers::new(NonZeroU32::MAX)),
        log: keep,
        ..surroundings
    });
    let owner = Owner::sign_up(&vault);
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let (mut endpoints, mut sent) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let asked: Vec<String> = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "00112233445566778899aabbccddeeff".into()
                } else {
                    part.to_owned()
                }
            })
            .collect();
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() {
                continue;
            }
            endpoints += 1;
            for body in bodies(&example(&document, schema)) {
                // Nobody asks too often.
                vault.pass(1);
                let answer = owner.http.send(&method.to_uppercase(), &asked.join("/"), Some(body.clone()));
                assert!(
                    (400..500).contains(&answer.status),
                    "{method} {path} {}: {body:.300}",
                    answer.status
                );
                assert!(!answer.text.contains(CANARY), "{method} {path}: {}", answer.text);
                let headers = answer.headers.values().any(|value| value.contains(CANARY));
                assert!(!headers, "{method} {path}");
                sent += 1;
            }
        }
    }
    println!("{sent} bodies at {endpoints} endpoints");
    assert!(endpoints >= 22 && sent >= 5_000, "{sent} bodies at {endpoints} endpoints");

    // Taken out, for what is asked below is written, too.
    let log = std::mem::take(&mut *LOG.lock().unwrap());
    assert!(log.len() >= sent, "the control: each request has its line, and there are {}", log.len());
    assert!(!log.iter().any(|line| line.contains(CANARY)));
    for file in fs::read_dir(vault.storage()).unwrap() {
        let stored = fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!stored.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()));
    }
    let rows = owner.http.get("/v1/audit");
    rows.ok();
    assert!(!rows.text.contains(CANARY));
}
