//! A vault that means harm, one that is not there, and one that is no vault.

use crate::{
    front::{Does, Front},
    people::{Pipeline, Shop, gateway},
    refused::ruled,
};
use protocol::Code;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const ENVIRONMENT: &str = "/v1/env?format=json";

fn alters(part: &'static str, alter: impl Fn(&mut Value) + Send + Sync + 'static) -> Does {
    Does::Alter(part, Arc::new(alter))
}

/// The places of all strings.
fn strings(json: &Value, at: &str, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| strings(value, &format!("{at}/{key}"), found))
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(number, value)| strings(value, &format!("{at}/{number}"), found));
        }
        Value::String(_) => drop(found.insert(at.to_owned())),
        _ => {}
    }
}

/// Another text of the same form: a digit in its middle is another one.
fn alter(text: &str) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let middle = characters.len() / 2;
    characters[middle] = if characters[middle] == 'a' { 'b' } else { 'a' };
    characters.into_iter().collect()
}

#[test]
fn whatever_string_of_an_answer_is_altered_no_other_value_is_handed_out() {
    let mut shop = Shop::with(&[("A", b"s3cret-a"), ("B", b"s3cret-b")]);
    let pipeline = shop.pipeline();
    let mut refused = 0;
    for (part, path) in
        [("/v1/environments", "/v1/secrets/A"), ("/secrets/", "/v1/secrets/A"), ("/v1/bundle", ENVIRONMENT)]
    {
        let places: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let found = places.clone();
        pipeline.front_does(alters(part, move |json| strings(json, "", &mut found.lock().unwrap())));
        let honest = pipeline.get(path).ok();
        let places = places.lock().unwrap().clone();
        assert!(places.len() >= 5, "{part}: {places:?}");
        for place in places {
            let at = place.clone();
            pipeline.front_does(alters(part, move |json| {
                if let Some(Value::String(text)) = json.pointer_mut(&at) {
                    *text = alter(text);
                }
            }));
            let answer = pipeline.get(path);
            if answer.status == 200 {
                // What is not used: of the environment, which was opened before, its id and generation alone are.
                let unused = [
                    "/leaf",
                    "/credential",
                    "/class",
                    "/account",
                    "/environment/key",
                    "/environment/project",
                ];
                assert_eq!(answer.body, honest, "{part} {place}");
                assert!(unused.contains(&place.as_str()), "{part} {place}");
            } else {
                let problem = answer.refusal();
                let codes =
                    [Code::IntegrityFailure, Code::Unavailable, Code::PermissionMissing, Code::NotFound];
                assert!(codes.contains(&problem.code), "{part} {place} {}", problem.code);
                assert!(!answer.text().contains("s3cret"), "{part} {place}");
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

#[track_caller]
fn is_found(pipeline: &Pipeline, path: &str) {
    let answer = pipeline.get(path);
    assert_eq!(answer.refusal().code, Code::IntegrityFailure);
    assert!(!answer.text().contains("s3cret"));
}

#[test]
fn a_secret_that_is_left_out_doubled_or_exchanged_is_found() {
    let mut shop = Shop::with(&[("A", b"s3cret-a"), ("B", b"s3cret-b")]);
    let pipeline = shop.pipeline();
    let list = |json: &mut Value, edit: fn(&mut Vec<Value>)| edit(json["secrets"].as_array_mut().unwrap());
    pipeline.front_does(alters("/v1/bundle", move |json| list(json, |secrets| drop(secrets.pop()))));
    is_found(&pipeline, ENVIRONMENT);
    pipeline
        .front_does(alters("/v1/bundle", move |json| list(json, |secrets| secrets.push(secrets[0].clone()))));
    is_found(&pipeline, ENVIRONMENT);
    pipeline.front_does(alters("/v1/bundle", move |json| {
        list(json, |secrets| {
            let value = secrets[0]["value"].take();
            secrets[0]["value"] = secrets[1]["value"].take();
            secrets[1]["value"] = value;
        });
    }));
    is_found(&pipeline, ENVIRONMENT);
    pipeline.front_does(alters("/secrets/", |json| json["secret"] = Value::Null));
    is_found(&pipeline, "/v1/secrets/A");
}

/// What is remembered of an answer, to be served later.
fn keep(pipeline: &Pipeline, part: &'static str, path: &str) -> Value {
    let kept: Arc<Mutex<Value>> = Arc::default();
    let keep = kept.clone();
    pipeline.front_does(alters(part, move |json| *keep.lock().unwrap() = json.clone()));
    pipeline.get(path).ok();
    kept.lock().unwrap().clone()
}

#[test]
fn an_older_state_is_found_where_the_caller_says_how_old_it_may_be_and_only_there() {
    let mut shop = Shop::with(&[("A", b"before")]);
    let pipeline = shop.pipeline();
    let older = keep(&pipeline, "/v1/bundle", ENVIRONMENT);
    let older_read = keep(&pipeline, "/secrets/", "/v1/secrets/A");
    shop.writer.put("A", b"after");
    let newest = older["root"]["version"].as_u64().unwrap() + 1;
    pipeline.front_does(alters("/nowhere", |_| {}));
    assert_eq!(pipeline.get(&format!("/v1/secrets/A?min_manifest={newest}")).ok(), b"after");
    pipeline.get(&format!("{ENVIRONMENT}&min_manifest={newest}")).ok();
    pipeline.front_does(alters("/v1/bundle", move |json| *json = older.clone()));
    is_found(&pipeline, &format!("{ENVIRONMENT}&min_manifest={newest}"));
    // A gateway has no memory: docs/gateway.md says so.
    assert!(String::from_utf8(pipeline.get(ENVIRONMENT).ok()).unwrap().contains("before"));
    pipeline.front_does(alters("/secrets/", move |json| *json = older_read.clone()));
    is_found(&pipeline, &format!("/v1/secrets/A?min_manifest={newest}"));
}

#[test]
fn rules_that_are_left_out_or_of_another_environment_are_found() {
    let mut shop = ruled();
    let pipeline = shop.pipeline();
    for path in [ENVIRONMENT, "/v1/secrets/A"] {
        pipeline.front_does(alters("/rules", |json| json["rules"] = Value::Null));
        is_found(&pipeline, path);
        let mut other = ruled();
        let foreign = keep(&other.pipeline(), "/rules", "/v1/secrets/FREE");
        pipeline.front_does(alters("/rules", move |json| *json = foreign.clone()));
        is_found(&pipeline, path);
    }
}

#[test]
fn an_environment_that_gets_one_key_after_another_is_not_waited_for() {
    let mut shop = Shop::with(&[("A", b"s3cret")]);
    let pipeline = shop.pipeline();
    pipeline.front_does(alters("/v1/bundle", |json| json["environment"]["generation"] = json!(7)));
    assert_eq!(pipeline.get(ENVIRONMENT).refusal().code, Code::Unavailable);
    assert_eq!(Front::shared().seen(&pipeline.token()).len(), 6);
    pipeline.front_does(alters("/v1/bundle", |json| json["environment"]["generation"] = json!(0)));
    is_found(&pipeline, ENVIRONMENT);
}

#[test]
fn a_servers_own_words_go_nowhere() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    let problem = |code: &str, status: u16| {
        json!({ "type": "harm", "status": status, "code": code, "detail": "harm, see https://evil.example",
            "request_id": "harm", "retry_after": 7 })
        .to_string()
    };
    let kind = || "content-type: application/problem+json\r\nx-harm: harm\r\n".to_owned();
    for (status, body, code) in [
        (403, problem("permission_missing", 403), Code::PermissionMissing),
        (429, problem("too_many_requests", 429), Code::TooManyRequests),
        (400, problem("invalid_request", 400), Code::Unavailable),
        (403, problem("harm", 403), Code::Unavailable),
        (502, "<html>harm</html>".into(), Code::Unavailable),
        (200, "<html>harm</html>".into(), Code::Unavailable),
        (200, "\"harm\"".into(), Code::Unavailable),
        (204, String::new(), Code::Unavailable),
    ] {
        pipeline.front_does(Does::Answer(status, kind(), body));
        for path in [ENVIRONMENT, "/v1/secrets/A"] {
            let answer = pipeline.get(path);
            assert_eq!(answer.refusal().code, code, "{status}");
            let all = format!("{:?} {}", answer.headers, answer.text());
            assert!(!all.contains("harm") && !all.contains("evil"), "{all}");
            if code == Code::TooManyRequests {
                assert_eq!((answer.refusal().retry_after, &*answer.headers["retry-after"]), (Some(7), "7"));
            }
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    for status in [301, 302, 307, 308] {
        let location = format!("location: http://{}/v1/environments\r\n", elsewhere.local_addr().unwrap());
        pipeline.front_does(Does::Answer(status, location, String::new()));
        assert_eq!(pipeline.get(ENVIRONMENT).refusal().code, Code::Unavailable, "{status}");
    }
    assert!(elsewhere.accept().is_err(), "somebody followed");
}

#[test]
fn a_vault_that_is_not_there_is_a_clear_error() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    let problem = pipeline.front_does(Does::HangUp).get(ENVIRONMENT).refusal();
    assert_eq!(problem.code, Code::Unavailable);
    assert!(problem.detail.starts_with("the vault cannot be reached"), "{}", problem.detail);
}

#[test]
fn a_vault_that_does_not_answer_is_not_waited_for() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    pipeline.front_does(Does::Sleep);
    let asked = Instant::now();
    let problem = pipeline.get("/v1/secrets/A").refusal();
    assert_eq!(problem.code, Code::Unavailable);
    assert!(problem.detail.contains("does not answer in time"), "{}", problem.detail);
    let took = asked.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(25)).contains(&took), "{took:?}");
}

#[test]
fn an_answer_that_does_not_end_is_not_kept() {
    let mut shop = Shop::with(&[("A", b"1")]);
    let pipeline = shop.pipeline();
    let kind = "content-type: application/json\r\n".to_owned();
    pipeline.front_does(Does::Answer(200, kind, " ".repeat(17 << 20)));
    let problem = pipeline.get(ENVIRONMENT).refusal();
    assert_eq!(problem.code, Code::Unavailable);
    assert!(problem.detail.contains("larger than a gateway opens"), "{}", problem.detail);
}

#[test]
fn a_client_that_says_nothing_is_not_waited_for() {
    if std::env::var_os("SECURECODE_TEST_GATEWAY").is_some() {
        // At the edge that is Cloudflare's part.
        return;
    }
    let mut silent = TcpStream::connect(gateway().trim_start_matches("http://")).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    silent.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    let mut said = String::new();
    silent.read_to_string(&mut said).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
}
