//! The session ticket: what the session file holds where values are kept from the agent.
//!
//! The file exports *placeholders*: unguessable, non-empty texts in the places of the values. This program alone
//! turns them into values, for one process at a time (`guard`), and gets them from the MCP server that issued
//! the ticket, over a socket in the session folder. The ticket is worthless to the vault and to everything else;
//! it ends with the next inject, with byebye, with the server, and after eight hours without use.

use crate::{
    error::{Error, Result},
    guard::{agents, steering},
    home, names, peer,
    policy::{self, Way},
};
use data_encoding::{BASE64, HEXLOWER};
use protocol::SecretName;
use sealing::{ApiKey, Consent, OpenedSecret, SecretValue};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use zeroize::{Zeroize, Zeroizing};

/// How long an unused ticket is good for.
const IDLE: Duration = Duration::from_secs(8 * 60 * 60);
/// How long either side of a redemption waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);
/// What every placeholder begins with.
pub const PLACEHOLDER: &str = "securecode-";
/// What is asked for by who only needs to mask.
const TO_MASK: &str = "mask";

/// A secret of a session: its name, what stands for it, and its value.
pub struct Held {
    /// Its name.
    pub name: String,
    /// What stands for it in the shell.
    pub placeholder: String,
    /// Its value.
    pub value: Zeroizing<Vec<u8>>,
    /// The programs that may have it; none: any.
    pub commands: Vec<String>,
    /// Whether the ticket that was shown is for it; others are only to be masked.
    pub current: bool,
}

impl Held {
    /// The same, for another variable.
    #[must_use]
    pub fn named(&self, variable: &SecretName) -> Self {
        Self {
            name: variable.to_string(),
            placeholder: self.placeholder.clone(),
            value: self.value.clone(),
            commands: self.commands.clone(),
            current: self.current,
        }
    }
}

/// What a ticket was redeemed for.
pub struct Redeemed {
    /// The session's secrets.
    pub secrets: Vec<Held>,
    /// When the session began: nanoseconds since 1970.
    pub since: u128,
    /// The variables as they were for the agent itself (`guard/steering.rs`).
    pub environment: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    secrets: Vec<Entry>,
    since: u128,
    environment: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    placeholder: String,
    /// Base64.
    value: String,
    commands: Vec<String>,
    current: bool,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// The issuing side: lives in the MCP server.
pub struct Office {
    state: Arc<Mutex<State>>,
    socket: PathBuf,
}

struct State {
    ticket: String,
    held: Vec<Held>,
    used: Instant,
}

impl Office {
    /// Opens the office of the session whose file is `session`: a socket beside it. The key is masked like a
    /// secret, and never handed out.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(session: &Path, key: &ApiKey) -> Result<Self> {
        let socket = session.with_extension("sock");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).map_err(|error| Error::io(&socket, &error))?;
        let key = Held {
            name: "SECURECODE_API_KEY".to_owned(),
            placeholder: format!("{PLACEHOLDER}{}", random()?),
            value: Zeroizing::new(key.expose().as_bytes().to_vec()),
            commands: vec![],
            current: false,
        };
        let state = State { ticket: String::new(), held: vec![key], used: Instant::now() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // One that does not ask is not waited for long, and refused without a word.
                let _ = answer(client, &shared);
            }
        });
        Ok(Self { state, socket })
    }

    /// Issues a new ticket for these secrets, each for these programs or for any; earlier ones end. The text is the session file's.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn issue<'a>(
        &self,
        secrets: impl IntoIterator<Item = (&'a SecretName, &'a SecretValue, &'a [String])>,
    ) -> Result<String> {
        let session = self.socket.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut state = lock(&self.state);
        state.ticket = format!("{session}.{}", random()?);
        for held in &mut state.held {
            held.current = false;
        }
        let mut file = format!("{TICKET_HEAD}export SECURECODE_TICKET='{}'\n", state.ticket);
        for (name, value, commands) in secrets {
            // The same value keeps its placeholder: a background command may still have it.
            let known = state
                .held
                .iter()
                .position(|held| held.name == name.as_str() && held.value.as_slice() == value.expose());
            let mut held = match known {
                Some(known) => state.held.remove(known),
                None => Held {
                    name: name.to_string(),
                    placeholder: format!("{PLACEHOLDER}{name}-{}", random()?),
                    value: Zeroizing::new(value.expose().to_vec()),
                    commands: vec![],
                    current: false,
                },
            };
            held.current = true;
            held.commands = commands.to_vec();
            file.push_str(&format!("export {name}='{}'\n", held.placeholder));
            state.held.push(held);
        }
        state.used = Instant::now();
        Ok(file)
    }

    /// Ends the ticket. Its values are still masked, in what was printed or written with them.
    pub fn end_ticket(&self) {
        let mut state = lock(&self.state);
        state.ticket.clear();
        for held in &mut state.held {
            held.current = false;
        }
    }
}

impl Redeemed {
    /// What a program may have, as it is started; the others are only to be masked. Answers whose values it does not get.
    pub fn limit_to(&mut self, program: &str) -> Vec<String> {
        let mut kept = Vec::new();
        for held in self.secrets.iter_mut().filter(|held| held.current) {
            if !policy::is_among(&held.commands, program) {
                held.current = false;
                kept.push(held.name.clone());
            }
        }
        kept
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.ticket.clear();
        state.held.clear();
        let _ = fs::remove_file(&self.socket);
    }
}

/// What every session file of a guarded profile begins with.
const TICKET_HEAD: &str = "\
# A ticket of SecureCode: no values are in here. Use it as: source THIS_FILE && COMMAND
if [ -z \"${SECURECODE_GUARD-}\" ]; then
  echo 'securecode: no secrets here: this command was not run by the guard. Use it as `source FILE && COMMAND`; if that was done, ask the user to run: securecode check' >&2
  return 1 2>/dev/null || exit 1
fi
";

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An unguessable text: 128 random bits in hex.
///
/// # Errors
/// When the system has no random bytes.
pub fn random() -> Result<String> {
    Ok(HEXLOWER.encode(&sealing::make_id()?))
}

/// When this process's session began: at its first call, nanoseconds since 1970.
pub fn began() -> u128 {
    static BEGAN: OnceLock<u128> = OnceLock::new();
    *BEGAN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()))
}

fn answer(mut client: UnixStream, state: &Mutex<State>) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut asked = String::new();
    BufReader::new((&client).take(256)).read_line(&mut asked)?;
    if !peer::is_this_program(&mut client)? {
        return Ok(());
    }
    let asked = asked.trim();
    let mut state = lock(state);
    if state.used.elapsed() > IDLE {
        state.ticket.clear();
        state.held.clear();
    }
    let shown = !state.ticket.is_empty() && asked == state.ticket;
    if !shown && asked != TO_MASK {
        return Ok(());
    }
    if shown {
        state.used = Instant::now();
    }
    let secrets = state.held.iter().map(|held| Entry {
        name: held.name.clone(),
        placeholder: held.placeholder.clone(),
        value: BASE64.encode(&held.value),
        commands: held.commands.clone(),
        current: shown && held.current,
    });
    let answer = Answer { secrets: secrets.collect(), since: began(), environment: steering::environment() };
    drop(state);
    let text = Zeroizing::new(serde_json::to_vec(&answer)?);
    client.write_all(&text)
}

/// Closes this process's memory, environment and core dumps to other processes of the same user, where the system can
/// (Linux; root is not kept out). A process that still asks for a ticket must not call it: who asks shows by `/proc` which
/// program it is.
pub fn hide_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where it fails, what it guards against stays possible, and all else holds.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Redeems a ticket.
///
/// # Errors
/// When the session that issued it has ended, or issued another since.
pub fn redeem(ticket: &str) -> Result<Redeemed> {
    let ended = || {
        Error::local(
            "the session file's ticket is not good any more: get-secret was called again, the session ended, or securecode was updated while it ran",
            "call get-secret again, and source the path it answers; after an update, restart the agent",
        )
    };
    let session = ticket.split_once('.').map(|(session, _)| session).ok_or_else(ended)?;
    if !session.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ended());
    }
    let socket = home::session_folder()?.join(format!("{session}.sock"));
    let mut redeemed = ask(&socket, ticket).ok_or_else(ended)?;
    let others = sockets().into_iter().filter(|other| *other != socket);
    let others: Vec<Redeemed> = others.filter_map(|other| ask(&other, TO_MASK)).collect();
    Yardstick::of(&others).limit(&mut redeemed);
    Ok(redeemed)
}

/// What commands are judged by: since when an agent is at work, and the variables that steer tools as they were for it.
/// Of all that tell, the oldest counts: an agent can begin sessions of its own, with variables of its making.
struct Yardstick(Option<(u128, BTreeMap<String, String>)>);

impl Yardstick {
    /// By these living sessions, and by what the hooks noted.
    fn of(living: &[Redeemed]) -> Self {
        let sessions = living.iter().map(|session| (session.since, session.environment.clone()));
        Self(sessions.chain(agents::oldest()).min_by_key(|(since, _)| *since))
    }

    /// Judges by it what would be judged by something younger.
    fn limit(self, session: &mut Redeemed) {
        if let Some((since, environment)) = self.0.filter(|(since, _)| *since < session.since) {
            session.since = since;
            session.environment = environment;
        }
    }
}

/// A secret that a command does not get, and why.
pub struct LeftOut {
    /// Which.
    pub name: SecretName,
    /// Why, as the end of a sentence.
    pub why: String,
}

/// Secrets for one command that is not the agent's line, with placeholders for one that is not trusted; and those that
/// are left out. None are wanted by name: all are that the owner lets this program have. `ask` asks a person for what
/// the owner wants to be asked for. Without `may_steer` no secret is given whose name is that of a variable that steers
/// tools.
///
/// # Errors
/// When a secret that is wanted by name is not there, or not to be had.
pub fn hold(
    secrets: &[OpenedSecret],
    wanted: &[SecretName],
    program: &OsStr,
    may_steer: bool,
    ask: impl FnOnce(&[&SecretName]) -> Result<()>,
) -> Result<(Redeemed, Vec<LeftOut>)> {
    if let Some(missing) = wanted.iter().find(|name| !secrets.iter().any(|secret| secret.name == **name)) {
        return Err(Error::absent(missing));
    }
    let program = program.to_string_lossy();
    let (mut given, mut left_out) = (Vec::new(), Vec::new());
    let mut leave = |name: &SecretName, why: String| left_out.push(LeftOut { name: name.clone(), why });
    for secret in secrets.iter().filter(|secret| wanted.is_empty() || wanted.contains(&secret.name)) {
        let refused = if !names::is_usable(&secret.name)? {
            leave(&secret.name, "a variable of that name could take over a tool".to_owned());
            continue;
        } else if !may_steer && steering::is_steering(secret.name.as_str()) {
            // The agent may have stored it.
            leave(&secret.name, "a variable of that name has tools run or write down something".to_owned());
            continue;
        } else if Way::Use.consent(secret) == Consent::Block {
            Way::Use.blocked(&secret.name)
        } else if !policy::is_among(&secret.policy.commands, &program) {
            policy::not_for(&secret.name, &secret.policy.commands)
        } else {
            given.push(secret);
            continue;
        };
        if !wanted.is_empty() {
            return Err(refused);
        }
        leave(&secret.name, refused.what);
    }
    let asks = |secret: &&OpenedSecret| Way::Use.consent(secret) == Consent::Ask;
    let asked: Vec<&SecretName> =
        given.iter().copied().filter(|one| asks(one)).map(|one| &one.name).collect();
    if !asked.is_empty()
        && let Err(error) = ask(&asked)
    {
        if !wanted.is_empty() {
            return Err(error);
        }
        for name in &asked {
            leave(name, error.what.clone());
        }
        given.retain(|one| !asks(one));
    }
    let held = given.into_iter().map(|secret| Held {
        name: secret.name.to_string(),
        placeholder: format!("{PLACEHOLDER}{}-placeholder", secret.name),
        value: secret.value.expose().to_vec().into(),
        commands: secret.policy.commands.clone(),
        current: true,
    });
    let mut session =
        Redeemed { secrets: held.collect(), since: began(), environment: steering::environment() };
    Yardstick::of(&living()).limit(&mut session);
    Ok((session, left_out))
}

/// Every living session's secrets, to be masked.
pub fn living() -> Vec<Redeemed> {
    sockets().iter().filter_map(|socket| ask(socket, TO_MASK)).collect()
}

fn sockets() -> Vec<PathBuf> {
    let Ok(entries) = home::session_folder().map(fs::read_dir) else { return vec![] };
    entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sock"))
        .collect()
}

fn ask(socket: &Path, what: &str) -> Option<Redeemed> {
    let mut server = UnixStream::connect(socket).ok()?;
    server.set_read_timeout(Some(PATIENCE)).ok()?;
    server.write_all(format!("{what}\n").as_bytes()).ok()?;
    peer::prove(&mut server).ok()?;
    let mut text = Zeroizing::new(Vec::with_capacity(1 << 16));
    server.read_to_end(&mut text).ok()?;
    let answer: Answer = serde_json::from_slice(&text).ok()?;
    let secrets = answer.secrets.into_iter().map(|entry| {
        Some(Held {
            name: entry.name.clone(),
            placeholder: entry.placeholder.clone(),
            value: Zeroizing::new(BASE64.decode(entry.value.as_bytes()).ok()?),
            commands: entry.commands.clone(),
            current: entry.current,
        })
    });
    Some(Redeemed {
        secrets: secrets.collect::<Option<_>>()?,
        since: answer.since,
        environment: answer.environment,
    })
}
