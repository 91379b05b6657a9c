//! The main job, end to end and on real input: a secret goes from a `.env` file to a command, and never through
//! the conversation. Prints the transcript, and searches it and everything stored for the values.

use crate::{
    native::{Native, Running, binary},
    step::{command, root},
};
use anyhow::{Context, Result, anyhow, bail};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

/// Against a native vault that is started for it, in a temporary folder.
pub(crate) fn run() -> Result<()> {
    let folder = TemporaryFolder::make()?;
    let vault = Native::start(&folder.0, &[])?;
    main_job(&folder.0, &vault.url)?;
    drop(vault);
    search(&[&folder.0])?;
    println!("\nThe value reached the command. It is in no message, no log and nothing stored.");
    Ok(())
}

/// Against a vault that runs already, whose storage and logs are in that folder.
pub(crate) fn run_against(url: &str, storage: &Path) -> Result<()> {
    let folder = TemporaryFolder::make()?;
    main_job(&folder.0, url)?;
    search(&[&folder.0, storage])
}

fn main_job(folder: &Path, url: &str) -> Result<()> {
    let project = folder.join("shop");
    fs::create_dir(&project)?;
    let person =
        Person { home: folder.join("home"), project: project.clone(), transcript: folder.join("transcript") };
    let email = format!("demo-{}@example.com", SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos());
    let recovery = folder.join("recovery-code");
    person.securecode(&[
        "signup",
        "--vault-url",
        url,
        "--email",
        &email,
        "--recovery-file",
        &recovery.to_string_lossy(),
    ])?;
    person.securecode(&["init"])?;
    person.securecode(&["import", &root().join("examples/.env").to_string_lossy()])?;
    person.securecode(&["list"])?;

    println!("\n    an agent starts `securecode mcp`:");
    let mut agent = Agent::start(&person)?;
    agent.ask("initialize", json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "demo", "version": "1" },
    }))?;
    agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
    let tip = agent.call("get-secret", json!({ "name": "DATABASE_URL" }))?;
    if !tip.starts_with("Welcome to SecureCode!") {
        bail!("the first access did not answer the welcome tip but: {tip}");
    }
    let injected = agent.call("get-secret", json!({ "names": ["DATABASE_URL", "SMTP_PASSWORD"] }))?;
    let path = injected.lines().next().and_then(|line| line.strip_prefix("DATABASE_URL injected -> "));
    let path = PathBuf::from(path.ok_or_else(|| anyhow!("no path was answered but: {injected}"))?);

    for (name, value) in
        values()?.iter().filter(|(name, _)| ["DATABASE_URL", "SMTP_PASSWORD"].contains(&name.as_str()))
    {
        // What any program that needs the variable does: read it from its environment.
        let line = format!(". {} && printenv {name} | cksum", path.display());
        let output =
            Command::new("sh").args(["-c", &line]).env_clear().env("PATH", "/usr/bin:/bin").output()?;
        let digest = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        person.say(&format!("    $ source PATH && printenv {name} | cksum\n    {digest}"))?;
        if digest != cksum(&[value, b"\n".as_slice()].concat())? {
            bail!("the command did not see the value of {name}");
        }
    }
    agent.call("byebye", json!({}))?;
    if path.exists() {
        bail!("byebye left {} behind", path.display());
    }
    if !agent.call("get-secret", json!({ "name": "DATABASE_URL" }))?.contains("session has ended") {
        bail!("an ended session still answers");
    }
    agent.stop()?;
    let left: Vec<_> =
        fs::read_dir(person.home.join(".session"))?.flatten().map(|entry| entry.file_name()).collect();
    if !left.is_empty() {
        bail!("the session left files behind: {left:?}");
    }
    person.say("    the session's folder is empty")
}

/// Somebody with a home and a project of their own.
struct Person {
    home: PathBuf,
    project: PathBuf,
    transcript: PathBuf,
}

impl Person {
    fn command(&self) -> Command {
        let mut command = Command::new(binary("securecode"));
        command
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &self.home)
            .env("SECURECODE_HOME", &self.home)
            .env("SECURECODE_PASSPHRASE", "a passphrase for this demo alone");
        command
    }

    fn securecode(&self, arguments: &[&str]) -> Result<()> {
        let output = self.command().args(arguments).output()?;
        let text = format!(
            "    $ securecode {}\n{}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        self.say(&text)?;
        if !output.status.success() {
            bail!("`securecode {}` failed ({})", arguments.first().unwrap_or(&""), output.status);
        }
        Ok(())
    }

    /// Prints a part of the transcript, and keeps it to be searched.
    fn say(&self, text: &str) -> Result<()> {
        let folder = self.home.parent().unwrap_or(&self.home).display().to_string();
        let text = text.trim_end().replace(&root().display().to_string(), ".").replace(&folder, "DEMO");
        println!("{}", text.replace('\n', "\n    "));
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.transcript)?;
        writeln!(file, "{text}")?;
        Ok(())
    }
}

/// An MCP client over the server's standard input and output.
struct Agent<'a> {
    person: &'a Person,
    child: Running,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl<'a> Agent<'a> {
    fn start(person: &'a Person) -> Result<Self> {
        let mut command = person.command();
        command.arg("mcp").env_remove("SECURECODE_PASSPHRASE").stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = fs::File::create(person.home.join("mcp.log"))?;
        let mut child = Running(command.stderr(log).spawn()?);
        let (input, output) = (child.0.stdin.take(), child.0.stdout.take());
        let output = BufReader::new(output.ok_or_else(|| anyhow!("the server has no output"))?);
        Ok(Self { person, child, input, output, asked: 0 })
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let line = message.to_string();
        self.keep(&line)?;
        let input = self.input.as_mut().ok_or_else(|| anyhow!("the server's input is closed"))?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.asked += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }))?;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("the MCP server went away");
            }
            self.keep(line.trim_end())?;
            let answer: Value = serde_json::from_str(&line)?;
            if answer.get("id").and_then(Value::as_u64) == Some(self.asked) {
                return answer.get("result").cloned().ok_or_else(|| anyhow!("the server answered {answer}"));
            }
        }
    }

    /// Calls a tool; its text.
    fn call(&mut self, tool: &str, arguments: Value) -> Result<String> {
        self.person.say(&format!("    agent      -> {tool} {arguments}"))?;
        let result = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))?;
        let text = result.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.person.say(&format!("    securecode -> {}", text.lines().next().unwrap_or_default()))?;
        Ok(text)
    }

    /// Keeps every line of the protocol, to be searched.
    fn keep(&self, line: &str) -> Result<()> {
        let path = self.person.home.join("mcp-messages");
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
        Ok(writeln!(file, "{line}")?)
    }

    fn stop(mut self) -> Result<()> {
        self.input = None;
        let status = self.child.0.wait()?;
        if !status.success() {
            bail!("the MCP server ended with {status}");
        }
        Ok(())
    }
}

struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn make() -> Result<Self> {
        let made = command("mktemp", &["-d"]).output().context("`mktemp -d` does not run")?;
        Ok(Self(PathBuf::from(String::from_utf8(made.stdout)?.trim())))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn cksum(bytes: &[u8]) -> Result<String> {
    let mut child = Command::new("cksum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or_else(|| anyhow!("no input"))?.write_all(bytes)?;
    Ok(String::from_utf8(child.wait_with_output()?.stdout)?.trim().to_owned())
}

/// The sample's names and values.
fn values() -> Result<Vec<(String, Vec<u8>)>> {
    let read = sealing::dotenv::parse(&fs::read(root().join("examples/.env"))?);
    Ok(read.assignments.iter().map(|one| (one.name.to_string(), one.value.expose().to_vec())).collect())
}

/// Looks for every value, whole or by its lines, plain and encoded, in every file of these folders.
fn search(folders: &[&Path]) -> Result<()> {
    let mut needles = Vec::new();
    for (name, value) in values()? {
        let lines = value.split(|byte| *byte == b'\n').filter(|line| line.len() >= 8);
        for part in lines.map(<[u8]>::to_vec).chain(Some(value.clone())) {
            needles.extend(forms(&part).into_iter().map(|form| (name.clone(), form)));
        }
    }
    // A search that finds nothing must be one that can find something.
    if find(&needles, &fs::read(root().join("examples/.env"))?).is_none_or(|name| name != "DATABASE_URL") {
        bail!("the search does not find what is there");
    }
    let (mut files, mut bytes) = (0, 0);
    let mut rest: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            rest.extend(fs::read_dir(&path)?.flatten().map(|entry| entry.path()));
        } else if path.is_file() {
            let content = fs::read(&path)?;
            files += 1;
            bytes += content.len();
            if let Some(name) = find(&needles, &content) {
                bail!("the value of {name} stands in {}", path.display());
            }
        }
    }
    if files < 5 {
        bail!("only {files} files were searched: something is not where it should be");
    }
    println!(
        "    searched {files} files ({bytes} bytes) for {} forms of the values: none is there",
        needles.len()
    );
    Ok(())
}

fn find(needles: &[(String, Vec<u8>)], content: &[u8]) -> Option<String> {
    let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
    needles.iter().find(|(_, needle)| holds(needle)).map(|(name, _)| name.clone())
}

/// Plain, hex, base64 at each of three offsets and in both alphabets, and as JSON writes it.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec(), HEXLOWER.encode(value).into_bytes()];
    if let Ok(text) = std::str::from_utf8(value) {
        let json = json!(text).to_string();
        forms.push(json.trim_matches('"').as_bytes().to_vec());
    }
    for offset in 0..3 {
        // The first and last digits mix with the bytes around: they are left out.
        let padded = [vec![b'x'; offset], value.to_vec()].concat();
        for text in [BASE64_NOPAD.encode(&padded), BASE64URL_NOPAD.encode(&padded)] {
            let start = if offset == 0 { 0 } else { 4 };
            forms
                .extend(text.get(start..text.len().saturating_sub(2)).map(|inner| inner.as_bytes().to_vec()));
        }
    }
    forms.sort();
    forms.dedup();
    forms
}
