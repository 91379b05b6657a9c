//! The Worker in real workerd, with D1 and KV, on loopback and without a network: what ships, for the tests.

use crate::{
    dashboard,
    step::{command, root, run},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running `wrangler dev`; stopped when dropped.
pub(crate) struct Workerd {
    child: Child,
    pub(crate) url: String,
    /// Everything it stores and logs.
    pub(crate) storage: PathBuf,
}

/// Wrangler, as the tests have it.
pub(crate) fn wrangler(arguments: &[&str]) -> Command {
    let mut wrangler = command(root().join("tests/tools/node_modules/.bin/wrangler"), arguments);
    wrangler
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .env("CI", "true")
        // By which one local Worker finds another.
        .env("WRANGLER_REGISTRY_PATH", root().join("target/workerd/registry"))
        // Wrangler's own logs go where the tests search for values, not into the home.
        .env("WRANGLER_LOG_PATH", root().join("target/workerd/logs"));
    wrangler
}

/// `wrangler deploy --dry-run`: the upload is complete and the configuration is sound.
pub(crate) fn dry_run() -> Result<()> {
    let config = configuration("upload", None)?;
    let config = config.to_string_lossy();
    run(
        &mut wrangler(&["deploy", "--dry-run", "--config", &config, "--outdir", "target/workerd/upload"]),
        "read wrangler's message; `wrangler.toml` is what it checks",
    )
}

/// wrangler.toml without its build step, under `target/workerd`; for a real account with the ids of its database and
/// its blob store.
pub(crate) fn configuration(name: &str, ids: Option<(&str, &str)>) -> Result<PathBuf> {
    let mut text = std::fs::read_to_string(root().join("wrangler.toml"))?;
    text = text
        .replace("[build]\ncommand = \"cargo xtask worker\"\n", "")
        .replace("\"build/index.js\"", "\"../../build/index.js\"")
        .replace("migrations_dir = \"migrations\"", "migrations_dir = \"../../migrations\"")
        .replace("\"dashboard/dist\"", "\"../../dashboard/dist\"");
    if name == API {
        // What wrangler puts before a Worker with assets drops the clock's events (workers-sdk issue 9882, mended in
        // versions that want Node 22), and the API is there without a dashboard, too.
        if let Some((before, (_, after))) =
            text.split_once("[assets]").and_then(|(before, rest)| Some((before, rest.split_once("\n\n")?)))
        {
            text = format!("{before}{after}");
        }
    } else if ids.is_none() {
        // Wrangler wants a folder that is there.
        std::fs::create_dir_all(dashboard::built())?;
    }
    if let Some((database, namespace)) = ids {
        text = text
            .replace("\"00000000-0000-0000-0000-000000000000\"", &format!("\"{database}\""))
            .replace("\"00000000000000000000000000000000\"", &format!("\"{namespace}\""));
    }
    let folder = root().join("target/workerd");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("wrangler.{name}.toml"));
    std::fs::write(&path, text)?;
    Ok(path)
}

/// The Worker without its dashboard.
const API: &str = "api";

impl Workerd {
    /// Applies the migrations to a fresh local D1 and starts the Worker, without its dashboard.
    pub(crate) fn start() -> Result<Self> {
        Self::launch(API)
    }

    /// The same, with its dashboard, and without what is done by the clock.
    pub(crate) fn start_with_dashboard() -> Result<Self> {
        Self::launch("dashboard")
    }

    fn launch(name: &str) -> Result<Self> {
        let (config, storage) = fresh_storage(name)?;
        Self::run(&config.to_string_lossy(), storage.clone(), &["--persist-to", &storage.to_string_lossy()])
    }

    /// Starts the Worker of that configuration, its log in `storage`.
    pub(crate) fn run(config: &str, storage: PathBuf, more: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let log = File::create(storage.join("wrangler.log"))?;
        let port_text = port.to_string();
        let mut arguments =
            vec!["dev", "--local", "--ip", "127.0.0.1", "--port", &port_text, "--config", config];
        arguments.extend(more);
        let child = wrangler(&arguments).stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn()?;
        let running = Self { child, url: format!("http://127.0.0.1:{port}"), storage };
        running.wait_until_healthy(port)?;
        println!("    workerd answers on {}", running.url);
        Ok(running)
    }

    fn wait_until_healthy(&self, port: u16) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if healthy(port).unwrap_or(false) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = std::fs::read_to_string(self.storage.join("wrangler.log")).unwrap_or_default();
        bail!(
            "workerd did not answer within a minute; its log:\n{log}\n  to do now: cargo xtask worker, then again"
        )
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        // wrangler ends workerd when it is asked to end.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A folder with an empty D1 that has every migration, and the configuration by which it was made.
pub(crate) fn fresh_storage(name: &str) -> Result<(PathBuf, PathBuf)> {
    let storage = root().join("target/workerd/storage");
    if storage.exists() {
        std::fs::remove_dir_all(&storage)?;
    }
    std::fs::create_dir_all(&storage)?;
    let config = configuration(name, None)?;
    // The dashboard's flows have what a deployment has: one router for all requests.
    let meter = if name == API { "METER=1\n" } else { "" };
    let secrets = format!("PEPPER={}\nCOLUMN_KEY={}\n{meter}", random_key()?, random_key()?);
    std::fs::write(root().join("target/workerd/.dev.vars"), secrets)?;
    let persist = storage.to_string_lossy();
    run(
        &mut wrangler(&[
            "d1",
            "migrations",
            "apply",
            "securecode",
            "--local",
            "--config",
            &config.to_string_lossy(),
            "--persist-to",
            &persist,
        ]),
        "read wrangler's message; `migrations/` is what it applies",
    )?;
    Ok((config, storage))
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn healthy(port: u16) -> Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// 32 random bytes in base64url.
pub(crate) fn random_key() -> Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("no random bytes")?;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |position: usize| {
        bytes.get(position / 8).map_or(0, |byte| usize::from(byte >> (7 - position % 8) & 1))
    };
    // 43 digits of six bits, of which the last two are zero.
    let digit = |number: usize| (0..6).fold(0, |value, offset| value << 1 | bit(number * 6 + offset));
    Ok((0..43).filter_map(|number| DIGITS.get(digit(number)).copied()).map(char::from).collect())
}
