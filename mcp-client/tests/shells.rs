//! A session file, sourced by real shells: every value comes back byte for byte in a child of the shell.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use protocol::SecretName;
use sealing::{SecretValue, export::for_shell};
use std::{fs, os::unix::fs::PermissionsExt, process::Command};
use zeroize::Zeroizing;

const SHELLS: &[&[&str]] = &[
    &["sh"],
    &["dash"],
    &["bash"],
    &["bash", "--posix"],
    &["zsh"],
    &["zsh", "--emulate", "sh"],
    &["ksh"],
    &["busybox", "sh"],
];

fn awkward() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        "'",
        "''",
        "'\\''",
        "\\",
        "\\'",
        "\\\\",
        "\"",
        "$()",
        "$(id)",
        "${HOME}",
        "`id`",
        "!",
        "!!",
        "!-1",
        "a\nb",
        "\n",
        "a\n",
        "a\n\n",
        "\r",
        "a\rb",
        "a\r\n",
        "\t",
        " ",
        " lead and trail ",
        "*",
        "~",
        "#",
        "# no comment",
        ";",
        "&",
        "|",
        "a;rm -rf /",
        "'; id; '",
        "EOF",
        "-n",
        "-e",
        "--",
        "=",
        "a=b",
        "%s",
        "%n",
        "\u{1b}[31m",
        "🔐",
        "日本語",
        "e\u{301}",
        "\u{feff}",
        "\u{2028}",
        "((",
        "[[",
        "{a,b}",
        "<(id)",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    values.extend((1..=255_u8).map(|byte| vec![byte]));
    values.extend((1..=255_u8).map(|byte| vec![b'a', byte, b'\'', byte, b'\n']));
    values.push((1..=255).collect());
    values.push(vec![0xff, 0xfe, 0xc3, 0x28]);
    values.push(vec![b'\''; 20_000]);
    values.push(vec![b'x'; 65_536]);
    values.push([b"'\n".repeat(32_768)].concat());
    let mut runner = TestRunner::deterministic();
    let random = prop::collection::vec(1..=255_u8, 0..200);
    values.extend((0..500).map(|_| random.new_tree(&mut runner).unwrap().current()));
    values
}

#[test]
fn every_shell_reads_the_exact_bytes_back() {
    let values = awkward();
    assert!(values.len() >= 1000, "{}", values.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.env");
    let mut checked = 0;
    // So many at a time that the environment stays below the system's limit.
    for batch in values.chunks(150) {
        let named: Vec<(SecretName, SecretValue)> = batch
            .iter()
            .enumerate()
            .map(|(number, bytes)| {
                (
                    format!("V{number}").parse().unwrap(),
                    SecretValue::new(Zeroizing::new(bytes.clone())).unwrap(),
                )
            })
            .collect();
        fs::write(&path, &*for_shell(named.iter().map(|(name, value)| (name, value)))).unwrap();
        for shell in SHELLS {
            for locale in ["C", "C.UTF-8"] {
                let (program, arguments) = shell.split_first().unwrap();
                let output = Command::new(program)
                    .args(arguments)
                    .args(["-c", ". \"$1\" && exec cat /proc/self/environ", "sh"])
                    .arg(&path)
                    .env_clear()
                    .env("PATH", "/usr/bin:/bin")
                    .env("LC_ALL", locale)
                    .output()
                    .unwrap_or_else(|error| panic!("{program}: {error}; run `cargo xtask setup`"));
                assert!(output.status.success(), "{shell:?} {}", String::from_utf8_lossy(&output.stderr));
                let seen: std::collections::HashMap<&[u8], &[u8]> = output
                    .stdout
                    .split(|byte| *byte == 0)
                    .filter_map(|pair| {
                        let equals = pair.iter().position(|byte| *byte == b'=')?;
                        Some((&pair[..equals], &pair[equals + 1..]))
                    })
                    .collect();
                for (name, value) in &named {
                    assert_eq!(
                        seen.get(name.as_str().as_bytes()),
                        Some(&value.expose()),
                        "{shell:?} {locale} {name}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, values.len() * SHELLS.len() * 2);
}

#[test]
fn a_value_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("witness");
    let touch = format!("touch {}", witness.display());
    let path = folder.path().join("session.env");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for attack in [
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("'; {touch}; '"),
        format!("'\n{touch}\n'"),
        format!("\\'; {touch}; \\'"),
        format!("'\"'; {touch} #"),
        format!("x' {touch} '"),
    ] {
        let value = SecretValue::new(Zeroizing::new(attack.clone().into_bytes())).unwrap();
        let name: SecretName = "A".parse().unwrap();
        fs::write(&path, &*for_shell([(&name, &value)])).unwrap();
        for shell in SHELLS {
            let (program, arguments) = shell.split_first().unwrap();
            Command::new(program).args(arguments).args(["-c", ". \"$1\"", "sh"]).arg(&path).output().unwrap();
            assert!(!witness.exists(), "{shell:?} ran {attack}");
        }
    }
}
