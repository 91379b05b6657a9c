use crate::Person;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

/// `securecode mcp`, spoken to line by line.
pub struct McpServer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
    /// What the person says to whatever the server asks; nothing, where the client cannot show a question.
    says: Option<&'static str>,
    /// What the server asked the person, and the page that it wanted opened.
    pub questions: Vec<String>,
    /// Every line of both sides.
    pub transcript: String,
}

impl McpServer {
    /// Starts it for a person, and shakes hands.
    pub fn start(person: &Person) -> Self {
        Self::start_with(person, &[])
    }

    /// As [`McpServer::start`], with more environment.
    pub fn start_with(person: &Person, environment: &[(&str, &str)]) -> Self {
        Self::launch(person, environment, "", None)
    }

    /// As [`McpServer::start`], with a client that asks the person, who says `accept`, `decline` or `cancel`.
    pub fn start_asking(person: &Person, says: &'static str) -> Self {
        Self::launch(person, &[], "form", Some(says))
    }

    /// As [`McpServer::start_asking`], with a client that opens pages and shows no question of its own.
    pub fn start_opening(person: &Person, says: &'static str) -> Self {
        Self::launch(person, &[], "url", Some(says))
    }

    fn launch(person: &Person, environment: &[(&str, &str)], mode: &str, says: Option<&'static str>) -> Self {
        let mut command = person.command();
        command.arg("mcp").env_remove("SECURECODE_PASSPHRASE").envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut server = Self {
            input: child.stdin.take(),
            child,
            output,
            asked: 0,
            says,
            questions: vec![],
            transcript: String::new(),
        };
        let capabilities = says.map_or(json!({}), |_| json!({ "elicitation": { mode: {} } }));
        server.ask(
            "initialize",
            json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "kit", "version": "1" } }),
        );
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        server
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.transcript.push_str(line);
        self.transcript.push('\n');
        writeln!(self.input.as_mut().expect("an open input"), "{line}").expect("a living server");
    }

    /// The next message of the server's.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).expect("a line"), 0, "the server went away");
        self.transcript.push_str(&line);
        serde_json::from_str(&line).expect("JSON on standard output")
    }

    /// Asks and waits for the answer: its result, or the error object.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.send(
            &json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }).to_string(),
        );
        loop {
            let answer = self.receive();
            if answer["method"] == "elicitation/create" {
                let text = answer["params"]["message"].as_str().expect("a question");
                let page = answer["params"]["url"].as_str().map(|url| format!(" {url}")).unwrap_or_default();
                self.questions.push(format!("{text}{page}"));
                let says = self.says.expect("a client that was asked, and can ask");
                let content = json!({ "action": says, "content": {} });
                self.send(&json!({ "jsonrpc": "2.0", "id": answer["id"], "result": content }).to_string());
                continue;
            }
            if answer["id"] == self.asked {
                return if answer["result"].is_null() {
                    answer["error"].clone()
                } else {
                    answer["result"].clone()
                };
            }
        }
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls a tool; the text of its answer.
    pub fn text(&mut self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments)["content"][0]["text"].as_str().expect("text").to_owned()
    }

    /// Calls get-secret until it injects, past the tips; the path.
    pub fn inject(&mut self, arguments: Value) -> PathBuf {
        for _ in 0..3 {
            let text = self.text("get-secret", arguments.clone());
            if let Some((_, path)) = text.lines().next().expect("a line").split_once(" injected -> ") {
                return path.into();
            }
        }
        panic!("nothing was injected:\n{}", self.transcript)
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal and waits for the end; the exit code, if it was no signal's.
    pub fn signal(mut self, name: &str) -> Option<i32> {
        let sent = std::process::Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.expect("kill").success());
        self.child.wait().expect("its end").code()
    }

    /// Closes its input and waits for the end; the exit code.
    pub fn close(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().expect("its end").code()
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
