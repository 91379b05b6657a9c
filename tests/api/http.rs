use kit::{Owner, Vault};
use protocol::Code;

#[test]
fn every_answer_keeps_itself_out_of_caches_and_frames() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    for answer in [
        vault.http().get("/healthz"),
        owner.http.get("/v1/usage"),
        owner.http.get("/v1/nothing"),
        vault.http().get("/v1/usage"),
    ] {
        let header = |name: &str| answer.headers.get(name).cloned().unwrap_or_default();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("default-src 'none'"));
        assert!(header("strict-transport-security").contains("max-age"));
        assert_eq!(header("x-request-id").len(), 32);
    }
}

#[test]
fn paths_and_methods_that_are_none_are_problems() {
    let http = Vault::shared().http();
    assert_eq!(http.get("/v2").refusal().code, Code::NotFound);
    assert_eq!(http.delete("/v1/usage").refusal().code, Code::MethodNotAllowed);
    let owner = Owner::sign_up(Vault::shared());
    for path in
        ["/v1/environments/nonsense/secrets", "/v1/environments/ABCDEF00000000000000000000000000/secrets"]
    {
        assert_eq!(owner.http.get(path).refusal().code, Code::NotFound, "{path}");
    }
    assert_eq!(owner.http.get("/v1/bundle").refusal().code, Code::InvalidRequest);
    assert_eq!(owner.http.get("/v1/bundle?how=run&more=1").refusal().code, Code::InvalidRequest);
    assert_eq!(owner.http.get("/v1/audit?cursor=-1").refusal().code, Code::InvalidRequest);
}

#[test]
fn malformed_bodies_are_refused_and_never_quoted() {
    let vault = Vault::shared();
    let owner = Owner::sign_up(vault);
    const CANARY: &str = "cAnArY-9f8e7d6c5b4a";
    let bodies = [
        CANARY.to_owned(),
        format!("{{\"email\": \"{CANARY}\"}}"),
        format!("{{\"email\": \"a@b.c\", \"{CANARY}\": 1}}"),
        format!("{{\"email\": {{\"{CANARY}\": []}}}}"),
        format!("[\"{CANARY}\""),
        format!("{{\"put\": [{{\"id\": \"{CANARY}\"}}]}}"),
        "[".repeat(20_000),
        "\u{0}".into(),
        String::new(),
    ];
    let mut refused = 0;
    for body in bodies {
        for (method, path) in [
            ("POST", "/v1/prelogin"),
            ("POST", "/v1/sessions"),
            ("POST", "/v1/accounts"),
            ("PUT", "/v1/projects/00112233445566778899aabbccddeeff"),
        ] {
            let answer = owner.http.send(method, path, Some(body.clone()));
            assert_eq!(answer.refusal().code, Code::InvalidRequest, "{method} {path} {body:.40}");
            assert!(!answer.text.contains(CANARY), "{}", answer.text);
            refused += 1;
        }
    }
    assert_eq!(refused, 36);
}

#[test]
fn bodies_have_a_limit() {
    let owner = Owner::sign_up(Vault::shared());
    let body = |bytes: usize| Some(format!("\"{}\"", "x".repeat(bytes)));
    assert_eq!(
        owner.http.send("POST", "/v1/prelogin", body(120 * 1024)).refusal().code,
        Code::InvalidRequest
    );
    assert_eq!(owner.http.send("POST", "/v1/prelogin", body(130 * 1024)).refusal().code, Code::BodyTooLarge);
    let changes = format!("/v1/environments/{}/changes", "0".repeat(32));
    assert_eq!(owner.http.send("POST", &changes, body(1000 * 1024)).refusal().code, Code::InvalidRequest);
    assert_eq!(owner.http.send("POST", &changes, body(1100 * 1024)).refusal().code, Code::BodyTooLarge);
}
