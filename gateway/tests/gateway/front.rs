//! What stands between the gateway and the vault, and is the vault's address as the gateway knows it.

use kit::Vault;
use protocol::AccessToken;
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

/// What is done to the answers to one token.
#[derive(Clone)]
pub(crate) enum Does {
    /// The connection closes without an answer.
    HangUp,
    /// There is no answer for longer than anybody waits.
    Sleep,
    /// This is answered: status, header lines, body.
    Answer(u16, String, String),
    /// The vault is asked for something else than the gateway asked for: this part of the path is replaced by that.
    Ask(&'static str, &'static str),
    /// The answers at paths that hold this are altered.
    Alter(&'static str, Arc<dyn Fn(&mut Value) + Send + Sync>),
}

/// See [`Does`].
pub(crate) struct Front {
    pub(crate) url: String,
    pub(crate) vault: Vault,
    does: Mutex<HashMap<String, Does>>,
    /// Paths that a token was used for.
    seen: Mutex<Vec<(String, String)>>,
}

impl Front {
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Front> = OnceLock::new();
        static STARTED: OnceLock<()> = OnceLock::new();
        let mut listener = None;
        let front = SHARED.get_or_init(|| {
            let port = std::env::var("SECURECODE_TEST_FRONT").unwrap_or("0".into());
            let bound = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a port");
            let url = format!("http://{}", bound.local_addr().expect("its address"));
            listener = Some(bound);
            Front { url, vault: Vault::native(), does: Mutex::default(), seen: Mutex::default() }
        });
        if let Some(listener) = listener {
            STARTED.get_or_init(|| {
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        std::thread::spawn(move || front.serve(stream));
                    }
                });
            });
        }
        front
    }

    /// From now on, for who comes with this token.
    pub(crate) fn does(&self, token: &AccessToken, what: Does) {
        self.does.lock().expect("a lock").insert(text(token), what);
    }

    /// The paths that it was asked for with this token.
    pub(crate) fn seen(&self, token: &AccessToken) -> Vec<String> {
        let token = text(token);
        let seen = self.seen.lock().expect("a lock");
        seen.iter().filter(|(by, _)| *by == token).map(|(_, path)| path.clone()).collect()
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let (mut token, mut program) = (String::new(), String::new());
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) => match name.to_ascii_lowercase().as_str() {
                    "authorization" => token = value.to_owned(),
                    "user-agent" => program = value.to_owned(),
                    _ => {}
                },
                None => break,
            }
        }
        let does = self.does.lock().ok()?.get(&token).cloned();
        self.seen.lock().ok()?.push((token.clone(), path.clone()));
        let mut asked = path.clone();
        match &does {
            Some(Does::HangUp) => return None,
            Some(Does::Sleep) => {
                std::thread::sleep(Duration::from_secs(30));
                return None;
            }
            Some(Does::Answer(status, headers, body)) => {
                return reply(stream, *status, headers, body.as_bytes());
            }
            Some(Does::Ask(this, that)) => asked = path.replace(this, that),
            Some(Does::Alter(..)) | None => {}
        }
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let request = ureq::http::Request::builder()
            .uri(format!("{}{asked}", self.vault.url()))
            .header("authorization", &token)
            .header("user-agent", &program);
        let mut answered = config.new_agent().run(request.body(()).ok()?).ok()?;
        let status = answered.status().as_u16();
        let mut body = answered.body_mut().read_to_vec().ok()?;
        if let Some(Does::Alter(part, alter)) = &does
            && path.contains(part)
        {
            let mut json: Value = serde_json::from_slice(&body).ok()?;
            alter(&mut json);
            body = serde_json::to_vec(&json).ok()?;
        }
        reply(stream, status, "content-type: application/json\r\n", &body)
    }
}

fn text(token: &AccessToken) -> String {
    format!("Bearer {}", *token.expose())
}

fn reply(mut stream: TcpStream, status: u16, headers: &str, body: &[u8]) -> Option<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n")
        .ok()?;
    stream.write_all(body).ok()
}
