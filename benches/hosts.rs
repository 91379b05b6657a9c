//! What is measured, running: as `cargo xtask bench` built it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// A program of the release.
pub fn program(name: &str) -> PathBuf {
    root().join("target/release").join(name)
}

/// A process that ends with its owner, and what it said first.
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    pub said: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("its output"));
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said).expect("its first line");
        assert!(!said.is_empty(), "{command:?} said nothing");
        Self { child, input, said }
    }

    /// Milliseconds of processor time that its processes have used so far.
    pub fn processor_time(&self) -> f64 {
        let of = |id: u32| -> u64 {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            fields.iter().skip(11).take(2).flat_map(|ticks| ticks.parse::<u64>()).sum()
        };
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.child.id()));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().flat_map(str::parse);
        // Of 100 a second.
        children.chain([self.child.id()]).map(of).sum::<u64>() as f64 * 10.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.input = None;
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// The native vault with its data in that folder.
pub fn native(data: &Path) -> (Running, String) {
    let mut command = Command::new(program("securecode-vault"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--address-header", "cf-connecting-ip", "--data"]);
    let running = Running::start(command.arg(data).stderr(Stdio::null()));
    let url = running.said.split_whitespace().nth(2).expect("an address").trim_end_matches(',').to_owned();
    (running, url)
}

/// Workers in one workerd, on the D1 that lies in that folder, and where each is.
pub fn workers(storage: &Path, names: &[&str]) -> (Running, Vec<String>) {
    let sql = storage.join("read.sql");
    fs::write(&sql, securecode_vault::vault::secrets::READ).expect("a file");
    let mut command = Command::new("node");
    command.arg(root().join("benches/workers/serve.mjs")).arg(storage).arg(sql).args(names);
    let running = Running::start(command.env("WRANGLER_SEND_METRICS", "false"));
    let urls: serde_json::Value = serde_json::from_str(&running.said).expect("addresses");
    let urls = names.iter().map(|name| urls[name].as_str().expect("an address").to_owned()).collect();
    (running, urls)
}
