//! Lines that no client should send, to a server that holds an injected secret.

use crate::BINARY;
use kit::{Person, Vault, count};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc,
    time::Duration,
};

const CANARY: &str = "cAnArY-among-the-lines-93ab";
const LINES: usize = 100_000;
/// The server may take this much, whatever it is sent: in KiB.
const MOST_MEMORY: u64 = 64 * 1024;
const SEED: u64 = 0x5ec0_de00_c0de_5ec0;

/// Xorshift (Marsaglia 2003): the same lines in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// What a client may say without asking the vault for anything.
const SENTENCES: [&str; 8] = [
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"status","arguments":{}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get-secret","arguments":{"names":[]}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"wake-session","arguments":{"minutes":0}}}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"2.0","id":7,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#,
];
const ODD: [&str; 12] = [
    "null",
    "true",
    "-1",
    "1e308",
    "0.5",
    "\"\"",
    "\"\\u0000\\ud800\"",
    "[]",
    "{}",
    "[[]]",
    "18446744073709551616",
    "\"TOKEN\"",
];
const METHODS: [&str; 9] = [
    "resources/read",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "../../etc/passwd",
];

fn line(dice: &mut Dice, at: usize) -> Vec<u8> {
    let sentence = dice.pick(&SENTENCES);
    let odd = dice.pick(&ODD);
    match dice.roll(16) {
        0 => sentence.as_bytes()[..dice.roll(sentence.len())].to_vec(),
        1 => {
            // A piece of one, and then of another.
            let other = dice.pick(&SENTENCES);
            [&sentence.as_bytes()[..dice.roll(sentence.len())], &other.as_bytes()[dice.roll(other.len())..]].concat()
        }
        2 => sentence.replace("7", odd).into_bytes(),
        3 => sentence.replace("{}", odd).into_bytes(),
        4 => {
            let digits = "9".repeat(1 + dice.roll(2000));
            let id = if dice.roll(2) == 0 { digits } else { format!("\"{digits}\"") };
            sentence.replace("7", &id).into_bytes()
        }
        5 => {
            let deep = 1 + dice.roll(3000);
            let (open, close) = if dice.roll(2) == 0 { ("[", "]") } else { ("{\"a\":", "}") };
            let nested = format!("{}0{}", open.repeat(deep), close.repeat(dice.roll(deep + 1)));
            if dice.roll(2) == 0 { nested.into_bytes() } else { sentence.replace("{}", &nested).into_bytes() }
        }
        6 => format!("[{}]", vec![sentence; dice.roll(20)].join(",")).into_bytes(),
        7 => {
            let mut bytes = sentence.as_bytes().to_vec();
            for _ in 0..=dice.roll(8) {
                let at = dice.roll(bytes.len());
                bytes[at] = u8::try_from(dice.roll(256)).unwrap();
            }
            bytes
        }
        8 => (0..dice.roll(300)).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect(),
        9 => format!(r#"{{"jsonrpc":"2.0","id":{odd},"result":{{"action":"accept","content":{odd}}}}}"#).into_bytes(),
        10 => format!(r#"{{"jsonrpc":"2.0","id":{at},"error":{{"code":{odd},"message":{odd}}}}}"#).into_bytes(),
        11 => {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{odd}}}}}"#).into_bytes()
        }
        12 => format!(r#"{{"jsonrpc":"2.0","id":{at},"method":"{}","params":{odd}}}"#, dice.pick(&METHODS)).into_bytes(),
        13 => format!(r#"{{"jsonrpc":"2.0","id":{at},"method":"tools/call","params":{{"name":{odd},"arguments":{{"name":"TOKEN","reveal":{odd},"more":{odd}}}}}}}"#)
            .into_bytes(),
        14 if dice.roll(500) == 0 => {
            let long = (1 << 16) << dice.roll(9);
            let body = if dice.roll(2) == 0 { "x".repeat(long) } else { "[],".repeat(long / 3) };
            sentence.replace("{}", &format!("[{body}0]")).into_bytes()
        }
        _ => sentence.as_bytes().to_vec(),
    }
}

/// The process, what it says line by line, and what it says beside.
fn start(person: &Person) -> (Child, ChildStdin, mpsc::Receiver<Vec<u8>>, std::thread::JoinHandle<Vec<u8>>) {
    let mut command = person.command();
    command.arg("mcp").env_remove("SECURECODE_PASSPHRASE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (told, says) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        stdout.split(b'\n').map_while(Result::ok).try_for_each(|line| told.send(line))
    });
    let mut stderr = child.stderr.take().unwrap();
    let aside = std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = stderr.read_to_end(&mut all);
        all
    });
    let input = child.stdin.take().unwrap();
    (child, input, says, aside)
}

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(12).any(|window| window == &CANARY.as_bytes()[..12])
}

/// Reads until the answer with this id: how many lines that took, if the server had a place for the request.
fn until_answer(says: &mpsc::Receiver<Vec<u8>>, id: &str) -> Option<usize> {
    for read in 1.. {
        let line = says.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no answer to {id}"));
        assert!(!holds_canary(&line));
        let answer: serde_json::Value = serde_json::from_slice(&line).unwrap();
        if answer["id"] == id {
            let is_refused =
                answer["error"]["message"].as_str().is_some_and(|told| told.contains("too many"));
            assert!(answer["result"].is_object() || is_refused, "{answer}");
            return (!is_refused).then_some(read);
        }
    }
    unreachable!()
}

fn memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn person() -> Person {
    let person = Person::set_up(BINARY, Vault::shared().url());
    person.run_with(&["set", "TOKEN"], CANARY.as_bytes(), &[]).ok();
    person.run(&["policy", "TOKEN", "--reveal", "block"]).ok();
    person
}

const SHAKE: [&str; 2] = [SENTENCES[5], SENTENCES[6]];
const ASK: &str =
    r#"{"jsonrpc":"2.0","id":"ID","method":"tools/call","params":{"name":"NAME","arguments":ARGUMENTS}}"#;

fn call(input: &mut ChildStdin, id: &str, name: &str, arguments: &str) {
    let line = ASK.replace("ID", id).replace("NAME", name).replace("ARGUMENTS", arguments);
    writeln!(input, "{line}").unwrap();
}

#[test]
fn a_hundred_thousand_lines_of_nonsense_crash_nothing_and_draw_nothing_out() {
    let person = person();
    let (mut child, mut input, says, aside) = start(&person);
    for line in SHAKE {
        writeln!(input, "{line}").unwrap();
    }
    for id in ["tip", "injected"] {
        call(&mut input, id, "get-secret", r#"{"name":"TOKEN"}"#);
        until_answer(&says, id).unwrap();
    }
    let before = memory(&child);
    let mut dice = Dice(SEED);
    let mut answers = 0;
    for at in 0..LINES {
        let mut line = line(&mut dice, at);
        line.retain(|byte| *byte != b'\n');
        line.push(b'\n');
        input.write_all(&line).unwrap_or_else(|error| panic!("after {at} lines: {error}"));
        // The first half as fast as it is answered, the other as fast as it is taken.
        if at % 50 == 0 && at < LINES / 2 || at == LINES - 1 {
            // Refused, it is asked again.
            answers += (0_usize..)
                .find_map(|again| {
                    let id = format!("after {at}, {again}");
                    call(&mut input, &id, "status", "{}");
                    until_answer(&says, &id)
                })
                .unwrap();
        }
    }
    call(&mut input, "after", "get-secret", r#"{"name":"TOKEN"}"#);
    until_answer(&says, "after").unwrap();
    let most = memory(&child);
    assert!(most < MOST_MEMORY, "{most} KiB, {before} before");
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(!holds_canary(&aside.join().unwrap()));
    count(&[
        ("malformed lines thrown at a server", &LINES),
        ("  answers of it", &answers),
        ("  its peak memory in KiB", &most),
        ("  values seen in what it said", &0),
    ]);
}

/// Before a hand was shaken, too.
#[test]
fn whatever_comes_first_the_handshake_is_answered_after_it() {
    let person = person();
    let mut dice = Dice(SEED);
    for at in 0..100 {
        let (mut child, mut input, says, aside) = start(&person);
        let mut first = line(&mut dice, at);
        first.retain(|byte| *byte != b'\n');
        first.push(b'\n');
        input.write_all(&first).unwrap();
        writeln!(input, "{}\n{}", SHAKE[0].replace("7", "\"shake\""), SHAKE[1]).unwrap();
        call(&mut input, "status", "status", "{}");
        until_answer(&says, "status").unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
        let aside = String::from_utf8(aside.join().unwrap()).unwrap();
        assert!(aside.is_empty(), "{aside}");
    }
}
