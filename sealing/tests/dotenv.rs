//! `.env` reading against npm's `dotenv`, on a corpus of awkward files and on random ones.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use sealing::{
    SecretValue,
    assignments::Assignments,
    dotenv::{self, parse},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

type Variables = BTreeMap<String, String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What npm's dotenv reads from each file.
fn theirs(files: &[PathBuf]) -> Vec<Variables> {
    let script = root().join("tests/tools/dotenv.cjs");
    assert!(
        root().join("tests/tools/node_modules/dotenv").exists(),
        "dotenv is missing; run `cargo xtask setup`"
    );
    let mut all = Vec::new();
    for files in files.chunks(200) {
        let output = Command::new("node").arg(&script).args(files).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        all.extend(serde_json::from_slice::<Vec<Variables>>(&output.stdout).unwrap());
    }
    all
}

fn variables(read: &Assignments) -> Variables {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    read.assignments.iter().map(|one| (one.name.to_string(), hex(one.value.expose()))).collect()
}

#[test]
fn awkward_files_are_read_as_dotenv_reads_them() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join("tests/dotenv")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 30);
    for (path, theirs) in files.iter().zip(theirs(&files)) {
        let read = parse(&fs::read(path).unwrap());
        let name = path.file_name().unwrap().to_string_lossy();
        if name.starts_with("bad-") {
            continue;
        }
        assert_eq!(read.bad_lines, [], "{name}");
        assert_eq!(variables(&read), theirs, "{name}");
    }
}

#[test]
fn what_dotenv_would_lose_or_alter_is_refused_by_line() {
    let refused = |name: &str| -> Vec<(usize, String)> {
        let read = parse(&fs::read(root().join("tests/dotenv").join(name)).unwrap());
        read.bad_lines.iter().map(|bad| (bad.line, bad.cause.to_string())).collect()
    };
    let no_assignment = "it is neither `NAME=value`, nor a comment, nor blank";
    let open_quote = "a quote is never closed, or text follows the closing quote";
    let lines =
        |lines: &[usize], cause: &str| lines.iter().map(|line| (*line, cause.to_owned())).collect::<Vec<_>>();
    assert_eq!(refused("bad-lines.env"), lines(&[2, 4], no_assignment));
    assert_eq!(refused("bad-quote.env"), lines(&[1, 3], open_quote));
    assert_eq!(refused("bad-trailing-text.env"), lines(&[1, 2], open_quote));
    assert_eq!(refused("bad-lone-quote.env"), lines(&[1], open_quote));
    assert_eq!(refused("bad-names.env").iter().map(|bad| bad.0).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn random_files_agree_or_are_refused() {
    let piece = prop::sample::select(vec![
        "A", "B1", "_c", "=", "=", " ", "\t", "\n", "\n", "\r\n", "\r", "\"", "'", "`", "#", "\\", "\\n",
        "\\\"", "export ", ":", ": ", "value", "x y", "-", ".", "$A", "ü", "\u{a0}", "\u{feff}", "1",
    ]);
    let file = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dotenv");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut files = Vec::new();
    for number in 0..3000 {
        let path = folder.join(format!("{number}.env"));
        fs::write(&path, file.new_tree(&mut runner).unwrap().current()).unwrap();
        files.push(path);
    }
    let (mut agreed, mut refused) = (0, 0);
    for (path, theirs) in files.iter().zip(theirs(&files)) {
        let text = fs::read(path).unwrap();
        let read = parse(&text);
        let shown = String::from_utf8_lossy(&text);
        if read.bad_lines.is_empty() {
            assert_eq!(variables(&read), theirs, "{shown:?}");
            agreed += 1;
        } else {
            // What is not refused is what dotenv reads, unless a refused line would have replaced it.
            for (name, value) in variables(&read) {
                assert!(theirs.contains_key(&name), "{shown:?}");
                let replaced = shown.matches(&name).count() > 1;
                assert!(replaced || theirs[&name] == value, "{name} in {shown:?}");
            }
            refused += 1;
        }
    }
    assert!(agreed > 200 && refused > 200, "{agreed} agreed, {refused} refused");
}

#[test]
fn what_is_written_is_read_back_by_both() {
    let piece = prop::sample::select(vec![
        "a", " ", "\n", "\r", "\r\n", "'", "\"", "`", "\\", "\\n", "\\'", "#", "$X", "=", "ü", "A=1",
        "\u{feff}",
    ]);
    let value = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::deterministic();
    let folder = tempfile::tempdir().unwrap();
    let name: protocol::SecretName = "NAME".parse().unwrap();
    let (mut files, mut written, mut unwritable) = (vec![], vec![], 0);
    for number in 0..400 {
        let text = value.new_tree(&mut runner).unwrap().current();
        let secret = SecretValue::new(text.as_bytes().to_vec().into()).unwrap();
        let Some(line) = dotenv::write(&name, &secret) else {
            unwritable += 1;
            continue;
        };
        let path = folder.path().join(format!("{number}.env"));
        // Among others: what it is beside changes nothing.
        fs::write(&path, format!("BEFORE='1'\n{}AFTER='2'\n", *line)).unwrap();
        files.push(path);
        written.push(text);
    }
    assert!(written.len() > 300 && unwritable > 0, "{} and {unwritable}", written.len());
    for ((path, theirs), text) in files.iter().zip(theirs(&files)).zip(&written) {
        let expected: Variables = [("BEFORE", "1"), ("AFTER", "2"), ("NAME", text)]
            .map(|(name, value)| (name.to_owned(), data_encoding::HEXLOWER.encode(value.as_bytes())))
            .into();
        assert_eq!(variables(&parse(&fs::read(path).unwrap())), expected);
        assert_eq!(theirs, expected);
    }
}
