//! Getting an API key from its owner, who is logged in somewhere else: in the dashboard, or at another machine
//! (`docs/protocol.md`, "Pairing"). The link is opened by this program, and the person compares words; neither
//! passes through a conversation.

use crate::{
    config::{KeyConfig, VaultAddress},
    environment::Client,
    error::{Error, Kind, Result},
    remote::Remote,
};
use protocol::{
    Code, Label,
    body::{Pairing as Left, Written},
};
use sealing::{PairingKey, PairingRequest};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

/// How long a machine waits to be approved: as long as the vault keeps what is left for it.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// How often the vault is asked, which lets a stranger ask once a second.
const INTERVAL: Duration = Duration::from_secs(3);

/// A machine that asked for a key.
pub struct Pairing {
    key: PairingKey,
    remote: Remote,
    words: String,
    began: Instant,
}

impl Pairing {
    /// Draws the key that the answer is to be sealed for. Nothing is sent.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn begin(vault: VaultAddress) -> Result<Self> {
        let key = PairingKey::make()?;
        let words = key.request().words(&vault.audience);
        Ok(Self { key, remote: Remote::new(vault), words, began: Instant::now() })
    }

    /// The words that the person compares with those of the one who approves.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// What `securecode approve` takes.
    pub fn request(&self) -> &PairingRequest {
        self.key.request()
    }

    /// The dashboard's page that approves. All is in the fragment, which no server sees.
    pub fn link(&self, project: &Label, environment: &Label) -> String {
        let url = &self.remote.address().url;
        format!("{url}/#/pair/{}/{project}/{environment}", self.request())
    }

    /// Waits until somebody approves, and answers the key with its place, which the vault confirmed. Nothing, when
    /// nobody has for as long as `patience`.
    ///
    /// # Errors
    /// When ten minutes are over since the pairing began, the vault cannot be reached, or what was left is not for this
    /// machine.
    pub fn wait(&self, patience: Duration) -> Result<Option<KeyConfig>> {
        let path = format!("/v1/pairings/{}", self.request().id());
        let waited = Instant::now();
        let left: Left = loop {
            match self.remote.get(&path) {
                Err(error) if error.code == Some(Code::NotFound) => {}
                answered => break answered?,
            }
            if self.began.elapsed() < PATIENCE && waited.elapsed() >= patience {
                return Ok(None);
            }
            if self.began.elapsed() >= PATIENCE {
                return Err(Error::new(
                    Kind::Refused,
                    "nobody approved this machine in time",
                    "run `securecode setup` again, and approve it where you are logged in",
                ));
            }
            std::thread::sleep(INTERVAL);
        };
        let vault = self.remote.address().clone();
        let paired = self.key.open(&vault.audience, &left.sealed).map_err(|_| {
            Error::new(
                Kind::Distrusted,
                "what was left for this machine was not sealed for it",
                "run `securecode setup` again, and approve it only where the words are the same",
            )
        })?;
        let (project, environment) = (paired.project, paired.environment);
        let config = KeyConfig::for_project(paired.key, vault, Some(project), Some(environment));
        // It opens the environment that it is said to be for, and no other.
        Client::new(&config, None).environment()?;
        Ok(Some(config))
    }

    /// Takes away what was left, once the key is kept. It would go by itself after ten minutes.
    pub fn end(&self) {
        let _ = self.remote.delete::<Written>(&format!("/v1/pairings/{}", self.request().id()));
    }
}

/// Whether there is a desktop to open a browser on.
pub fn has_browser() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WSL_DISTRO_NAME")
}

/// Opens the person's browser.
///
/// # Errors
/// When there is none.
pub fn open_browser(link: &str) -> Result<()> {
    let none = || {
        Error::local(
            "there is no browser to open here",
            "run `securecode setup` in your own terminal, which shows a link and takes a key",
        )
    };
    if !has_browser() {
        return Err(none());
    }
    open::that_detached(link).map_err(|_| none())
}

/// Shows the words in the person's browser, on a page of this program's own, from where the link leads on. For when
/// nothing but an agent is there to show them.
///
/// # Errors
/// When there is no browser, or no port to serve the page on.
pub fn show_words(words: &str, link: &str) -> Result<()> {
    let unable = |error: std::io::Error| {
        Error::local(
            format!("no page can be served here: {error}"),
            "run `securecode setup` in your own terminal",
        )
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(unable)?;
    let port = listener.local_addr().map_err(unable)?.port();
    let path = format!("/{}", data_encoding::HEXLOWER.encode(&sealing::make_id()?));
    open_browser(&format!("http://127.0.0.1:{port}{path}"))?;
    let page = page(words, link);
    // It ends with the process, or with the pairing.
    std::thread::spawn(move || {
        let began = Instant::now();
        for stream in listener.incoming().flatten() {
            if began.elapsed() >= PATIENCE {
                break;
            }
            let _ = answer(stream, &path, &page);
        }
    });
    Ok(())
}

/// Answers one request, if it is for the page.
fn answer(mut stream: TcpStream, path: &str, page: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut request = BufReader::new(std::io::Read::take(&stream, 64 * 1024));
    let (mut line, mut rest) = (String::new(), String::new());
    request.read_line(&mut line)?;
    // To the end of its head: what is closed with something unread loses the answer, too.
    while request.read_line(&mut rest)? > 0 && !rest.trim().is_empty() {
        rest.clear();
    }
    let wanted = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()) == Some(path);
    let (status, body) = if wanted { ("200 OK", page) } else { ("404 Not Found", "") };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The page: nothing in it needs escaping, for words are of a list, and a link is of names and an address that were
/// parsed.
fn page(words: &str, link: &str) -> String {
    let link = link.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>SecureCode: pair this machine</title><style>\
         :root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}}\
         strong{{display:block;font:600 1.7rem/1.4 ui-monospace,monospace;margin:1.5rem 0}}\
         a{{display:inline-block;padding:.6rem 1.1rem;border-radius:.5rem;background:#0b57d0;color:#fff;text-decoration:none}}</style>\
         <h1>Pair this machine</h1><p>Your coding agent asks for access to your secrets. These are this machine's words:\
         <strong>{words}</strong><p>Go on to your vault. Approve only if it shows the same words.\
         <p><a href=\"{link}\" target=_blank rel=noreferrer>Go on</a></html>"
    )
}
