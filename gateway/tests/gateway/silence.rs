use crate::{
    front::Does,
    people::{LINES, Shop, get},
};

/// What the gateway's host printed: in workerd the file that holds all of its output.
fn logged() -> String {
    match std::env::var("SECURECODE_TEST_LOG") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => LINES.lock().unwrap().join("\n"),
    }
}

#[test]
fn no_line_of_the_log_has_a_key_a_token_a_value_a_name_or_a_query() {
    let (name, value) = ("WITNESS_OF_THE_LOG", "witness-of-a-value");
    let mut shop = Shop::with(&[(name, value.as_bytes()), ("PATH", b"1")]);
    let pipeline = shop.pipeline();
    let ask = |path: &str| pipeline.get(path);
    for path in [
        format!("/v1/secrets/{name}"),
        format!("/v1/secrets/{name}?environment=witness-of-a-query"),
        format!("/v1/secrets/{name}/{name}"),
        format!("/v1/env?format=shell&only={name}"),
        "/v1/env?format=json".to_owned(),
        "/v1/env?format=json&witness-of-a-query=1".to_owned(),
    ] {
        ask(&path);
    }
    let key = pipeline.0.expose().to_string();
    get(&format!("/v1/env?format=json&key={key}"), Some(&key[..40]));
    for does in [
        Does::HangUp,
        Does::Answer(500, String::new(), format!("{name} {value}")),
        Does::Answer(200, String::new(), format!("{{\"{name}\":\"{value}\"}}")),
    ] {
        pipeline.front_does(does);
        ask(&format!("/v1/secrets/{name}"));
    }
    // It may be written a moment later.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let logged = logged();
    let own: Vec<&str> = logged.lines().filter(|line| line.contains("\"event\":\"request\"")).collect();
    assert!(own.len() >= 9, "{own:?}");
    assert!(own.iter().any(|line| line.contains("/v1/secrets/{name}") && line.contains("\"status\":200")));
    assert!(own.iter().any(|line| line.contains("\"cause\":\"the vault cannot be reached")));
    for secret in [&key[5..40], &pipeline.token().expose()[5..40], value] {
        assert!(!own.join("\n").contains(secret));
    }
    for private in [name, "witness-of-a-query"] {
        assert!(!own.join("\n").contains(private), "{private}");
    }
    // Whatever else the host prints (`wrangler dev` has a line of its own for each path).
    let printed = logged.lines().filter(|line| !line.contains("&key="));
    let printed = printed.collect::<Vec<_>>().join("\n");
    for secret in [&key[5..40], &pipeline.token().expose()[5..40], value] {
        assert!(!printed.contains(secret));
    }
}
