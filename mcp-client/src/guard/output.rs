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
    io::{self, PipeReader, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// What has not come within this time after the last byte is taken for a pause (milliseconds).
const PAUSE: i64 = 50;

/// The masker of everything that living sessions hold.
///
/// # Errors
/// When it cannot be built: then nothing may be shown.
pub fn masker<'a>(sessions: impl IntoIterator<Item = &'a Redeemed>) -> Result<Masker> {
    let secrets = sessions.into_iter().flat_map(|session| &session.secrets);
    Masker::new(secrets.map(|held| (held.name.as_str(), held.value.as_slice())))
        .map_err(|error| Error::local(error.to_string(), "inject fewer secrets at a time"))
}

/// One output of the child, and where it goes.
struct Output {
    from: PipeReader,
    to: File,
    stream: Stream,
    open: bool,
    /// Something is held that a pause lets out.
    held: bool,
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
        outputs.push(Output { from, to: stderr, stream: masker.stream(), open: true, held: false });
    }
    command.stdout(writer);
    outputs.push(Output { from, to: stdout, stream: masker.stream(), open: true, held: false });
    let mut signals = signal_hook::iterator::Signals::new(PASSED_ON)?;
    let mut child = command.spawn()?;
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
    pump(&mut child, &mut outputs)?;
    let status = child.wait()?;
    for output in outputs.into_iter().filter(|output| output.open) {
        hand_over(output);
    }
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

/// Until the command has ended and nothing more is there to read.
fn pump(child: &mut Child, outputs: &mut [Output]) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut masked = Vec::with_capacity(1 << 16);
    while outputs.iter().any(|output| output.open) {
        let mut open: Vec<&mut Output> = outputs.iter_mut().filter(|output| output.open).collect();
        let ready: Vec<bool> = {
            let mut fds: Vec<PollFd<'_>> =
                open.iter().map(|output| PollFd::new(&output.from, PollFlags::IN)).collect();
            let wait = Timespec { tv_sec: 0, tv_nsec: PAUSE * 1_000_000 };
            match poll(&mut fds, Some(&wait)) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            fds.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        let paused = !ready.contains(&true);
        for (output, ready) in open.iter_mut().zip(ready) {
            masked.clear();
            if ready {
                let count = output.from.read(&mut buffer)?;
                match buffer.get(..count).filter(|bytes| !bytes.is_empty()) {
                    Some(bytes) => {
                        output.stream.push(bytes, &mut masked);
                        output.held = true;
                    }
                    None => {
                        output.stream.finish(&mut masked);
                        output.open = false;
                    }
                }
            } else if output.held {
                output.stream.idle(&mut masked);
                output.held = false;
            }
            if output.to.write_all(&masked).is_err() {
                // Nobody reads: the command is told by the same means.
                output.open = false;
            }
        }
        // Something that the command left running may hold its output for hours.
        if paused && child.try_wait()?.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

/// Leaves an output that outlives its command to a process of its own.
fn hand_over(mut output: Output) {
    let mut masked = Vec::new();
    output.stream.finish(&mut masked);
    if output.to.write_all(&masked).is_err() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let (from, to): (OwnedFd, OwnedFd) = (output.from.into(), output.to.into());
    let mut command = Command::new(program);
    let _ = command
        .args(["guard", "mask"])
        .stdin(Stdio::from(from))
        .stdout(Stdio::from(to))
        .stderr(Stdio::null())
        .spawn();
}

/// Masks standard input to standard output: what was handed over.
///
/// # Errors
/// When no masker can be built; nothing is shown then.
pub fn mask_rest() -> Result<()> {
    let masker = masker(&crate::ticket::living())?;
    let (mut stream, mut buffer, mut masked) = (masker.stream(), vec![0; 1 << 16], Vec::new());
    let (mut stdin, mut stdout) = (io::stdin(), io::stdout());
    let mut held = false;
    loop {
        let ready = {
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            let wait = Duration::from_millis(50);
            let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
            poll(&mut fds, held.then_some(&wait)).unwrap_or(0) > 0
        };
        masked.clear();
        let count = if ready { stdin.read(&mut buffer).unwrap_or(0) } else { 0 };
        match buffer.get(..count).filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => stream.push(bytes, &mut masked),
            None if ready => stream.finish(&mut masked),
            None => stream.idle(&mut masked),
        }
        held = ready;
        if stdout.write_all(&masked).and_then(|()| stdout.flush()).is_err() || (ready && count == 0) {
            return Ok(());
        }
    }
}
