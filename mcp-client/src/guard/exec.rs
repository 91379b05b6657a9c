//! One external command of a guarded line: values in the places of placeholders, for this process alone.

use super::{
    apart,
    command_line::{self, Hidden},
    consumers::Variables,
    judge, line,
    output::{self, Ended, Mask, Watched},
    program::{Judgement, judge, told_to_shell},
    trusted::Trusted,
};
use crate::{
    error::{Error, Result},
    sandbox::{self, Network},
    ticket::{self, Held, Redeemed, redeem},
};
use memchr::memmem;
use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

/// The exit code of a command that was stopped, as shells have it for what they cannot run.
const NOT_RUN: u8 = 126;

/// Has Java neither load what another process tells it to, nor write its arguments down when it crashes.
const CLOSED_JAVA: [&str; 2] = ["-XX:+DisableAttachMechanism", "-XX:ErrorFile=/dev/null"];

/// What every placeholder begins with.
const MARK: &[u8] = ticket::PLACEHOLDER.as_bytes();

/// Names, between commas, of the variables that the agent's own sandbox masks (`securecode agent`).
pub const MASKED: &str = "SECURECODE_MASKED";

/// Takes the variables away that no command is given: the key, what proves a person, and values that are for the
/// agent's own sandbox to mask.
pub fn keep_back(command: &mut Command) {
    command.env_remove("SECURECODE_API_KEY").env_remove("SECURECODE_PASSPHRASE");
    for name in std::env::var(MASKED).unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        command.env_remove(name);
    }
    // What has its own values of these names further on keeps them.
    command.env_remove(MASKED);
}

/// Takes the ticket away: the command is no part of a guarded line.
pub fn unguard(command: &mut Command) {
    command.env_remove("SECURECODE_TICKET").env_remove("SECURECODE_GUARD");
}

/// Runs a command of a guarded line; its exit code. `feeds` says that its standard input is its own, so that
/// placeholders in it can be turned into values.
///
/// # Errors
/// When the ticket is no longer good, or nothing could be masked: the command is not run then.
pub fn run(argv: &[OsString], feeds: bool) -> Result<u8> {
    let Some(program) = argv.first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    let Some(ticket) = std::env::var("SECURECODE_TICKET").ok().filter(|ticket| !ticket.is_empty()) else {
        // Before the session file was sourced there is nothing to swap, and what is printed may come from others.
        let sessions = ticket::living();
        let mask = Mask::of(&sessions)?;
        let mut command = start(program);
        // A shell may be told to source it.
        match told_to_shell(argv) {
            Some((at, text)) if judge::mentions_session_file(&text) => {
                replace(&mut command, argv, at, &guarded(&text)?)
            }
            _ => without_values(&mut command, argv),
        }
        return finish(command, program, &mask, None, Watched::default());
    };
    let mut session = redeem(&ticket)?;
    let mask = Mask::of([&session])?;
    let mut command = start(program);
    keep_back(&mut command);
    match judge(argv, &session) {
        // It is given values in its arguments when it is started itself.
        Judgement::Values(given) if given.is_apart && has_placeholders(argv, &given.words, &session) => {
            start_each(&mut command, argv, &[given.at], feeds)?;
        }
        Judgement::Values(given) => {
            let kept = session.limit_to(&given.program);
            if !kept.is_empty() {
                let _ = writeln!(
                    io::stderr(),
                    "securecode: {} was given placeholders instead of {}: the owner laid down which programs may have them",
                    given.program,
                    kept.join(", ")
                );
            }
            // One that is killed takes its program along, which would live on with secrets and whatever it holds.
            let started = command;
            command = Command::new(own_program()?);
            command.args(["guard", "tied"]);
            let mut hidden = Hidden::default();
            let mut arguments = Vec::new();
            for (at, word) in argv.iter().enumerate().skip(1) {
                let is_given = given.words.contains(&at);
                let marked = |held: &Held| hidden.mark(&held.value);
                arguments.push(if is_given { swap_by(word, &session, marked)? } else { word.clone() });
            }
            if !hidden.is_empty() {
                command.arg("--given");
            }
            command.arg("--").arg(started.get_program()).args(started.get_args());
            if given.program.rsplit('/').next() == Some("java") {
                command.args(CLOSED_JAVA);
            }
            command.args(arguments);
            keep_back(&mut command);
            let may_have = |name: &OsStr| match given.variables {
                Variables::All => true,
                Variables::Beginning(beginnings) => {
                    beginnings.iter().any(|beginning| name.as_bytes().starts_with(beginning.as_bytes()))
                }
                Variables::None => false,
            };
            for (name, value) in std::env::vars_os().filter(|(name, _)| may_have(name)) {
                let swapped = swap(&value, &session);
                if swapped != value {
                    command.env(name, swapped);
                }
            }
            unguard(&mut command);
            let watched = Watched { code: Some(&given.code), hidden };
            return finish(command, program, &mask, feeds.then_some(session), watched);
        }
        Judgement::Shell(at) => {
            let text = argv.get(at).map(|word| word.to_string_lossy()).unwrap_or_default();
            replace(&mut command, argv, at, &guarded(&text)?);
        }
        Judgement::Starter(places) => {
            start_each(&mut command, argv, &places, false)?;
        }
        judgement => {
            if let Judgement::Because(why) = judgement {
                let _ = writeln!(
                    io::stderr(),
                    "securecode: {} was given placeholders instead of the secrets: {why}. Programs that were there, unchanged, when the session began are given values; or ask the user to run it with: securecode run -- …",
                    program.to_string_lossy()
                );
            }
            without_values(&mut command, argv);
            unguard(&mut command);
        }
    }
    finish(command, program, &mask, None, Watched::default())
}

/// A command's arguments, with this module before each program that is named at one of these places.
fn start_each(command: &mut Command, argv: &[OsString], places: &[usize], feeds: bool) -> Result<()> {
    let program = own_program()?;
    for (at, word) in argv.iter().enumerate().skip(1) {
        if places.contains(&at) {
            command.arg(&program).args(["guard", "exec"]).args(feeds.then_some("--input")).arg("--");
        }
        command.arg(word);
    }
    Ok(())
}

fn has_placeholders(argv: &[OsString], places: &[usize], session: &Redeemed) -> bool {
    places.iter().filter_map(|at| argv.get(*at)).any(|word| swap(word, session) != *word)
}

/// A command's arguments as they are; it will not look into others, if it can do without.
fn without_values(command: &mut Command, argv: &[OsString]) {
    command.args(argv.iter().skip(1));
    if argv.first().is_some_and(|program| apart::may_be(&program.to_string_lossy())) {
        apart::set(apart::May::Nothing);
    }
}

/// A command's arguments, but for the one of this number.
fn replace(command: &mut Command, argv: &[OsString], at: usize, text: &str) {
    let words = argv.iter().enumerate().skip(1);
    command.args(words.map(|(n, word)| if n == at { OsStr::new(text) } else { word.as_os_str() }));
}

/// A line that a shell is told, put under the guard.
fn guarded(text: &str) -> Result<String> {
    let guarded = line::guard(text, &wrapper()?, &HashSet::new());
    guarded.map_err(|refusal| Error::local(refusal.0, "write it as plain commands"))
}

/// Becomes a command, which the system ends when the process that started this one ends, however that is (Linux). An
/// exit code comes back where the command cannot be run. With `given` the process that started this one gives it its
/// arguments.
///
/// # Errors
/// When there is no command.
pub fn become_tied(argv: &[OsString], given: bool) -> Result<u8> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    no_core_dumps();
    #[cfg(target_os = "linux")]
    {
        // Where it fails, the command is as untied as it was.
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    }
    if given {
        command_line::wait_to_be_given().map_err(|error| {
            Error::local(
                format!("no secret can be in an argument here, for this system forbids tracing ({error}), and others would see it"),
                "give it in a variable or on standard input",
            )
        })?;
    }
    let error = Command::new(program).args(arguments).exec();
    Ok(cannot_run(program, &error))
}

/// Has this process, and all that it starts, leave no image of its memory behind when it ends.
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Lowering a limit of one's own is always granted.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// How a command line is told to run a command by this module.
///
/// # Errors
/// When this program does not know where it is.
pub fn wrapper() -> Result<String> {
    Ok(format!("{} guard exec", line::quote(&own_program()?.to_string_lossy())))
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::local(error.to_string(), "start the agent again"))
}

fn finish(
    mut command: Command,
    program: &OsStr,
    mask: &Mask,
    feed: Option<Redeemed>,
    watched: Watched<'_>,
) -> Result<u8> {
    if let Some(session) = feed {
        let (reader, mut writer) =
            io::pipe().map_err(|error| Error::local(error.to_string(), "try again"))?;
        command.stdin(reader);
        // Ends with this process; a command that does not read to the end is no failure.
        std::thread::spawn(move || feed_swapped(&mut writer, &session));
    }
    match output::run_watched(command, mask, &watched) {
        Ok(Ended::With(status)) => Ok(output::exit_code(status)),
        Ok(Ended::Stopped(file)) => {
            let _ = writeln!(
                io::stderr(),
                "securecode: {} was stopped: {file} changed while it ran with secrets; start it again",
                program.to_string_lossy()
            );
            Ok(NOT_RUN)
        }
        Err(error) => Ok(cannot_run(program, &error)),
    }
}

/// The program to start: a script without a first line that names its shell is the shell's, as shells have it.
fn start(program: &OsStr) -> Command {
    let mut first = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read(&mut first));
    let is_bare_script = program.as_bytes().contains(&b'/')
        && read.is_ok_and(|count| count > 0)
        && first != *b"#!"
        && first.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_bare_script {
        let mut command = Command::new("/bin/sh");
        command.arg(program);
        return command;
    }
    Command::new(program)
}

/// The code of a command that is given values.
///
/// # Errors
/// Why it is not given them.
pub fn trusted(argv: &[OsString], session: &Redeemed) -> std::result::Result<Trusted, String> {
    Err(match judge(argv, session) {
        Judgement::Values(given) => return Ok(given.code),
        Judgement::Because(why) => why,
        Judgement::Shell(_) => {
            "a shell is given its code on the command line; name the program itself".to_owned()
        }
        Judgement::Starter(_) => "it starts other programs; name the program itself".to_owned(),
        Judgement::Placeholders => "it prints what it is given".to_owned(),
    })
}

/// A command that is no part of a guarded line, with the secrets in its environment, or with placeholders where it is
/// not trusted. In the sandbox profile it runs in our sandbox.
///
/// # Errors
/// When there is no command, or no sandbox.
pub fn alone(
    argv: &[OsString],
    session: &Redeemed,
    trusted: bool,
    sandboxed: Option<&Path>,
) -> Result<Command> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Error::local("there is no command", "give one after `--`"));
    };
    no_core_dumps();
    let mut command = match sandboxed {
        Some(folder) => {
            let mut sandbox = sandbox::command(folder, &[], Network::Shared)?;
            sandbox.arg(program);
            sandbox
        }
        None => Command::new(program),
    };
    command.args(arguments);
    keep_back(&mut command);
    for held in &session.secrets {
        let value = if trusted { held.value.as_slice() } else { held.placeholder.as_bytes() };
        command.env(&held.name, OsStr::from_bytes(value));
    }
    Ok(command)
}

/// Standard input, with values in the places of placeholders.
fn feed_swapped(to: &mut impl Write, session: &Redeemed) {
    let longest = session.secrets.iter().map(|held| held.placeholder.len()).max().unwrap_or(0);
    let (mut held, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let count = io::stdin().read(&mut buffer).unwrap_or(0);
        held.extend_from_slice(buffer.get(..count).unwrap_or_default());
        // A placeholder may be cut in two by the pieces that a pipe brings.
        let mark = memmem::rfind(&held, MARK).filter(|at| held.len() - at < longest && count != 0);
        let keep = mark.unwrap_or_else(|| if count == 0 { held.len() } else { held.len() - partial(&held) });
        let rest = held.split_off(keep);
        let swapped = swap(OsStr::from_bytes(&held), session);
        if to.write_all(swapped.as_bytes()).is_err() || count == 0 {
            return;
        }
        held = rest;
    }
}

/// How many bytes at the end may be the beginning of a placeholder.
fn partial(bytes: &[u8]) -> usize {
    (1..MARK.len())
        .rev()
        .find(|length| MARK.get(..*length).is_some_and(|begun| bytes.ends_with(begun)))
        .unwrap_or(0)
}

/// The text with values in the places of this ticket's placeholders.
fn swap(text: &OsStr, session: &Redeemed) -> OsString {
    let value = |held: &Held| Ok::<_, std::convert::Infallible>(held.value.to_vec());
    let Ok(swapped) = swap_by(text, session, value);
    swapped
}

/// The text with what is given in the places of this ticket's placeholders.
fn swap_by<E>(
    text: &OsStr,
    session: &Redeemed,
    mut given: impl FnMut(&Held) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<OsString, E> {
    let mut bytes = text.as_bytes().to_vec();
    if memmem::find(&bytes, MARK).is_none() {
        return Ok(text.to_owned());
    }
    for held in session.secrets.iter().filter(|held| held.current) {
        while let Some(at) = memmem::find(&bytes, held.placeholder.as_bytes()) {
            bytes.splice(at..at + held.placeholder.len(), given(held)?);
        }
    }
    Ok(OsString::from_vec(bytes))
}

/// Says what a shell says of a program that cannot be run, with a shell's exit code.
pub fn cannot_run(program: &OsStr, error: &io::Error) -> u8 {
    let name = program.to_string_lossy();
    let (what, code) = match error.kind() {
        ErrorKind::NotFound => ("command not found".to_owned(), 127),
        ErrorKind::PermissionDenied => ("Permission denied".to_owned(), 126),
        ErrorKind::ArgumentListTooLong => ("Argument list too long".to_owned(), 126),
        _ => (error.to_string(), 126),
    };
    let _ = writeln!(io::stderr(), "{name}: {what}");
    code
}
