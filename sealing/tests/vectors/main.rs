//! Scheme 1 against its vectors and against a second implementation (`tests/independent/scheme1.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod judge;
mod make;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn python() -> PathBuf {
    let named = std::env::var_os("SECURECODE_TEST_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| root().join("target/tools/python/bin/python"));
    assert!(python.exists(), "no Python with the library it needs; run `cargo xtask setup`");
    python
}

fn vectors(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// Judges each file; how many there were, and how many of them must fail.
fn judge_all(folder: &Path) -> (usize, usize) {
    let files = vectors(folder);
    let mut failures = 0;
    for path in &files {
        let vector: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let expected = vector["outcome"].as_str().unwrap();
        match judge::judge(&vector) {
            Ok(result) => {
                assert_eq!(expected, "ok", "{} must fail", path.display());
                assert_eq!(vector["result"], result, "{}", path.display());
            }
            Err(outcome) => {
                assert_eq!(expected, outcome, "{}", path.display());
                failures += 1;
            }
        }
    }
    (files.len(), failures)
}

#[test]
fn every_vector_has_the_outcome_it_names() {
    let (all, failures) = judge_all(&root().join("tests/vectors"));
    assert!(all >= 120 && failures >= 80, "{all} vectors, {failures} of them failures");
}

#[test]
fn the_independent_implementation_agrees_with_every_vector() {
    run_python("verify", &vectors(&root().join("tests/vectors")));
}

#[test]
fn what_is_sealed_here_opens_there() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vectors-of-rust");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    make::all(&folder);
    judge_all(&folder);
    run_python("verify", &vectors(&folder));
}

#[test]
fn what_is_sealed_there_opens_here() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vectors-of-python");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    run_python("make", std::slice::from_ref(&folder));
    let (all, _) = judge_all(&folder);
    assert!(all > 80);
}

fn run_python(what: &str, paths: &[PathBuf]) {
    let script = root().join("tests/independent/scheme1.py");
    let output = Command::new(python()).arg(script).arg(what).args(paths).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
