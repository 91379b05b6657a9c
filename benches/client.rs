//! The client beside what others do the same with (docs/benchmarks.md). `cargo xtask bench` builds and installs what it
//! starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use kit::{Person, Vault};
use measure::{
    hosts::{self, program, root},
    load::Load,
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn main() {
    let bounded = std::env::var_os("SECURECODE_BENCH_BOUNDED").is_some();
    let (runs, counts) = if bounded { (2, &[10][..]) } else { (50, &[10, 50, 1_000][..]) };
    let data = tempfile::tempdir().unwrap();
    let (_running, url) = hosts::native(data.path());
    let vault = Vault::at(url, data.path().into());
    let person = Person::set_up(program("securecode").to_str().unwrap(), vault.url());
    vault.database().execute("UPDATE usage SET plan = 'team'", []).unwrap();

    println!("\n## A command with secrets: the mean of {runs} runs (of 10 for more than 100 secrets), ms\n");
    println!(
        "| secrets | `securecode run` | `dotenvx run` | `secretspec run` | `node -e 0` | `true` |\n| --- | --- | --- | --- | --- | --- |"
    );
    for count in counts {
        // Some take seconds for many.
        let runs = if *count > 100 { runs.min(10) } else { runs };
        let cells = commands(&person, *count, runs).into_iter().map(|mean| format!("{mean:.1}"));
        println!("| {count} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }

    println!(
        "\n## An agent's server, from its start to the answer of tools/list: the median of {runs}, and its memory then\n"
    );
    println!("| server | ms | resident, MiB |\n| --- | --- | --- |");
    let mut ours = person.command();
    ours.arg("mcp").env_remove("SECURECODE_PASSPHRASE");
    let node = |name: &str, more: &str| {
        let mut command = Command::new("node");
        command.arg(
            root().join(format!("benches/node_modules/@modelcontextprotocol/server-{name}/dist/index.js")),
        );
        command.arg(more).current_dir(person.project());
        command
    };
    let servers = [
        ("`securecode mcp`", ours),
        ("`server-memory`, in Node", node("memory", "")),
        ("`server-filesystem`, in Node", node("filesystem", ".")),
        ("`server-everything`, in Node", node("everything", "stdio")),
    ];
    for (name, mut command) in servers {
        let (took, mut memory): (Vec<_>, Vec<_>) = (0..runs).map(|_| first_list(&mut command)).unzip();
        memory.sort_unstable();
        let ms = Load::new(took, Duration::ZERO).percentile(50);
        println!("| {name} | {ms:.1} | {:.1} |", memory[memory.len() / 2] as f64 / 1024.0);
    }
}

/// The mean milliseconds of each command, with so many secrets, as hyperfine has them.
fn commands(person: &Person, secrets: usize, runs: usize) -> Vec<f64> {
    let (mut env, mut spec) = (String::new(), String::new());
    spec.push_str("[project]\nname = \"shop\"\nrevision = \"1.0\"\n[profiles.default]\n");
    for number in 0..secrets {
        writeln!(env, "BENCH_SECRET_{number}=4eC39HqLyjWDarjtT1zdp7dc{number:08}").unwrap();
        writeln!(spec, "BENCH_SECRET_{number} = {{ description = \"a secret\", required = true }}").unwrap();
    }
    let plain = person.project().join("plain.env");
    fs::write(&plain, &env).unwrap();
    person.run(&["import", "plain.env"]).ok();
    fs::write(person.project().join("secretspec.toml"), spec).unwrap();
    // dotenvx keeps them encrypted, with the key beside them.
    let encrypted = person.project().join("encrypted.env");
    let _ = fs::remove_file(person.project().join(".env.keys"));
    fs::write(&encrypted, &env).unwrap();
    let dotenvx = root().join("benches/node_modules/.bin/dotenvx");
    let mut encrypt = Command::new(&dotenvx);
    encrypt.args(["encrypt", "-f", "encrypted.env"]).current_dir(person.project());
    assert!(encrypt.output().unwrap().status.success());

    let secretspec = root().join("target/tools/bin/secretspec");
    let compared = [
        "securecode run -- true".to_owned(),
        format!("{} run -q -f encrypted.env -- true", dotenvx.display()),
        format!("{} run --provider dotenv:{} -- true", secretspec.display(), plain.display()),
        "node -e 0".to_owned(),
        "true".to_owned(),
    ];
    let figures = person.folder().join("figures.json");
    let mut hyperfine = Command::new("hyperfine");
    // The environment is the person's, without the passphrase: the project's key is kept.
    let like = person.command();
    hyperfine.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    hyperfine.env_remove("SECURECODE_PASSPHRASE").current_dir(person.project());
    hyperfine
        .args(["-N", "--warmup", "1", "--runs", &runs.to_string(), "--export-json"])
        .arg(&figures)
        .args(compared);
    let output = hyperfine.output().expect("hyperfine");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&fs::read(figures).unwrap()).unwrap();
    let means = figures["results"].as_array().unwrap().iter();
    means.map(|result| result["mean"].as_f64().unwrap() * 1000.0).collect()
}

/// How long a server takes to list its tools, and its resident KiB when it has.
fn first_list(command: &mut Command) -> (Duration, u64) {
    let begun = Instant::now();
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = piped.spawn().expect("a server");
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" } });
    for message in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} }),
    ] {
        writeln!(input, "{message}").expect("a living server");
    }
    let answers =
        BufReader::new(output).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let list = answers.into_iter().find(|answer| answer["id"] == 2).expect("an answer");
    let took = begun.elapsed();
    assert!(!list["result"]["tools"].as_array().expect("tools").is_empty());
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident = resident.trim().trim_end_matches(" kB").parse().unwrap();
    drop(input);
    let _ = child.kill();
    child.wait().unwrap();
    (took, resident)
}
