//! Runs a command with its output masked: neither who reads it nor a later stage of a pipe sees a value.

use crate::{
    error::{Error, Result},
    ticket::Redeemed,
};
use masker::{Masker, Stream};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process},
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
};

/// What has not come within this time after the last byte is taken for a pause: 50 ms.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The masker of everything that living sessions hold.
///
/// # Errors
/// When it cannot be built: then nothing may be shown.
pub fn masker<'a>(sessions: impl IntoIterator<Item = &'a Redeemed>) -> Result<Masker> {
    let secrets = sessions.into_iter().flat_map(|session| &session.secrets);
    Masker::new(secrets.map(|held| (held.name.as_str(), held.value.as_slice())))
        .map_err(|error| Error::local(error.to_string(), "inject fewer secrets at a time"))
}

/// One output, and where it goes.
struct Output {
    /// Nothing once it has ended, or nobody reads it any more: a closed pipe is how its writer is told.
    from: Option<File>,
    to: File,
    stream: Stream,
    /// Something is held that a pause lets out.
    held: bool,
}

impl Output {
    fn new(from: impl Into<OwnedFd>, to: File, masker: &Masker) -> Self {
        Self { from: Some(File::from(from.into())), to, stream: masker.stream(), held: false }
    }

    /// Reads what is there, or takes a pause for one, and shows what is decided.
    fn step(&mut self, ready: bool, buffer: &mut [u8], masked: &mut Vec<u8>) -> io::Result<()> {
        let Some(from) = &mut self.from else { return Ok(()) };
        masked.clear();
        if ready {
            let count = from.read(buffer)?;
            match buffer.get(..count).filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => self.stream.push(bytes, masked),
                None => {
                    self.stream.finish(masked);
                    self.from = None;
                }
            }
        } else if self.held {
            self.stream.idle(masked);
        }
        self.held = ready;
        if self.to.write_all(masked).is_err() {
            self.from = None;
        }
        Ok(())
    }
}

/// Runs a command to its end, its standard output and error masked; its exit code, or what a shell makes of its
/// signal. Signals that reach this process are passed on.
///
/// # Errors
/// The system's, when the command cannot be started.
pub fn run(mut command: Command, masker: &Masker) -> io::Result<ExitStatus> {
    let (stdout, stderr) = (duplicate(io::stdout())?, duplicate(io::stderr())?);
    let mut outputs = Vec::new();
    // Where both go to one place they stay in order.
    let place =
        |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino(), metadata.rdev())).ok();
    let (from, writer) = io::pipe()?;
    if place(&stdout).is_some() && place(&stdout) == place(&stderr) {
        command.stderr(writer.try_clone()?);
    } else {
        let (from, writer) = io::pipe()?;
        command.stderr(writer);
        outputs.push(Output::new(from, stderr, masker));
    }
    command.stdout(writer);
    outputs.push(Output::new(from, stdout, masker));
    let mut signals = signal_hook::iterator::Signals::new(PASSED_ON)?;
    let mut child = command.spawn()?;
    crate::ticket::hide_memory();
    // The command holds the pipe's other ends.
    drop(command);
    let pid = Pid::from_child(&child);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = kill_process(pid, signal);
            }
        }
    });
    pump(Some(&mut child), &mut outputs)?;
    let status = child.wait()?;
    outputs.into_iter().for_each(hand_over);
    Ok(status)
}

const PASSED_ON: [i32; 6] = [
    signal_hook::consts::SIGTERM,
    signal_hook::consts::SIGINT,
    signal_hook::consts::SIGHUP,
    signal_hook::consts::SIGQUIT,
    signal_hook::consts::SIGUSR1,
    signal_hook::consts::SIGUSR2,
];

/// This process's exit code for a command that ended so; a command that a signal ended takes this process along.
pub fn exit_code(status: ExitStatus) -> u8 {
    if let Some(signal) = status.signal() {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        return u8::try_from(128 + signal).unwrap_or(255);
    }
    status.code().and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(255)
}

fn duplicate(file: impl AsFd) -> io::Result<File> {
    file.as_fd().try_clone_to_owned().map(File::from)
}

/// Until all outputs have ended, or the command has and nothing more is there to read for a pause.
fn pump(mut child: Option<&mut Child>, outputs: &mut [Output]) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut masked = Vec::with_capacity(1 << 16);
    loop {
        let mut open: Vec<&mut Output> = outputs.iter_mut().filter(|output| output.from.is_some()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let ready: Vec<bool> = {
            let mut fds: Vec<PollFd<'_>> = open
                .iter()
                .filter_map(|output| Some(PollFd::new(output.from.as_ref()?, PollFlags::IN)))
                .collect();
            // Without a command to watch and with nothing held there is nothing to wake for.
            let wait = child.is_some() || open.iter().any(|output| output.held);
            match poll(&mut fds, wait.then_some(&PAUSE)) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            fds.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        let paused = !ready.contains(&true);
        for (output, ready) in open.iter_mut().zip(ready) {
            output.step(ready, &mut buffer, &mut masked)?;
        }
        // Something that the command left running may hold its output for hours.
        if paused
            && let Some(child) = &mut child
            && child.try_wait()?.is_some()
        {
            return Ok(());
        }
    }
}

/// Leaves an output that outlives its command to a process of its own.
fn hand_over(mut output: Output) {
    let Some(from) = output.from else { return };
    let mut masked = Vec::new();
    output.stream.finish(&mut masked);
    if output.to.write_all(&masked).is_err() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    let _ = command.args(["guard", "mask"]).stdin(from).stdout(output.to).stderr(Stdio::null()).spawn();
}

/// Masks standard input to standard output: what was handed over.
///
/// # Errors
/// When no masker can be built, or an output cannot be read; nothing more is shown then.
pub fn mask_rest() -> Result<()> {
    let masker = masker(&crate::ticket::living())?;
    let duplicated = duplicate(io::stdin()).and_then(|from| Ok((from, duplicate(io::stdout())?)));
    let masked = duplicated.and_then(|(from, to)| pump(None, &mut [Output::new(from, to, &masker)]));
    masked.map_err(|error| {
        Error::local(format!("the output cannot be masked: {error}"), "run the command again")
    })
}
