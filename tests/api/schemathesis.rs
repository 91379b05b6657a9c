//! Schemathesis (https://schemathesis.readthedocs.io) against the OpenAPI document: no answer that it does not
//! describe, no 5xx, whoever asks.

use kit::{Owner, Vault};
use protocol::{AccessToken, Permission};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Beside the Python that has what the tests need (`cargo xtask setup`).
fn program() -> PathBuf {
    let python = std::env::var("SECURECODE_TEST_PYTHON").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/python/bin/python").to_owned()
    });
    let program = Path::new(&python).with_file_name("st");
    assert!(program.exists(), "{} is not there; run `cargo xtask setup`", program.display());
    program
}

/// Runs every phase with this credential. What is told is the whole of the run's own report.
fn run(vault: &Vault, token: Option<&AccessToken>, examples: &str) {
    let folder = tempfile::tempdir().unwrap();
    // What a random blob is refused for is a state of the vault, which no schema has: 409 and 404 are no failures. At
    // the edge whoever asks often without a credential is told so before he is told that it is missing.
    let excluded = if Vault::is_at_the_edge() {
        "positive_data_acceptance,ignored_auth,missing_required_header"
    } else {
        "positive_data_acceptance"
    };
    let mut command = Command::new(program());
    command
        .current_dir(folder.path())
        .args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json"), "--url", vault.url()])
        .args([
            "--checks",
            "all",
            "--max-examples",
            examples,
            "--seed",
            "1",
            "--no-color",
            "--warnings",
            "off",
        ])
        .args(["--exclude-checks", excluded])
        .args(["--suppress-health-check", "all", "--continue-on-failure", "--request-timeout", "30"])
        .args(["--exclude-path-regex", "^/v1/account/delete$"]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {}", *token.expose())]);
    }
    let ran = command.output().unwrap();
    let report = String::from_utf8_lossy(&ran.stdout);
    let summary = report.split("SUMMARY").last().unwrap_or_default();
    println!("{summary}");
    assert!(ran.status.success(), "{report}{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn every_answer_is_one_that_the_document_describes() {
    let native = std::env::var_os("SECURECODE_TEST_VAULT").is_none();
    let own = native.then(Vault::native);
    let vault = own.as_ref().unwrap_or_else(|| Vault::shared());
    let mut owner = Owner::sign_up(vault);
    let project = owner.project();
    let environment = owner.environment(project);
    let key = owner.key(&environment, &[Permission::Read]);
    key.http.get("/v1/usage").ok();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if native {
            // Time runs fast, so that nobody asks too often.
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    vault.pass(1);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let examples = if native { "20" } else { "5" };
            run(vault, Some(&owner.session), examples);
            run(vault, Some(&key.api_key.derive_token(&vault.url().parse().unwrap())), examples);
            run(vault, None, "5");
        }));
        done.store(true, Ordering::SeqCst);
        ran.unwrap();
    });
}
