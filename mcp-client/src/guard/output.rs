//! Runs a command with its output masked: neither who reads it nor a later stage of a pipe sees a value.

use super::{command_line::Hidden, trusted::Trusted};
use crate::{
    error::{Error, Result},
    ticket::{Held, Redeemed},
};
use data_encoding::BASE64;
use masker::{Masker, Stream};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process, kill_process_group},
};
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{
            fs::MetadataExt,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// What has not come within this time after the last byte is taken for a pause: 50 ms.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// How long between two looks at a command that printed all it will.
const SHORT: Duration = Duration::from_millis(10);

/// The masker of everything that sessions hold.
///
/// # Errors
/// When it cannot be built: then nothing may be shown.
pub fn masker<'a>(sessions: impl IntoIterator<Item = &'a Redeemed>) -> Result<Masker> {
    build(sessions.into_iter().flat_map(|session| &session.secrets).map(in_pair))
}

fn build<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Masker> {
    Masker::new(secrets).map_err(|error| Error::local(error.to_string(), "inject fewer secrets at a time"))
}

fn in_pair(held: &Held) -> (&str, &[u8]) {
    (held.name.as_str(), held.value.as_slice())
}

/// What masks a command's output, here and in the process that masks what the command leaves running.
pub struct Mask {
    masker: Masker,
    /// Names and values, as [`Mask::read`] takes them.
    secrets: Zeroizing<Vec<u8>>,
}

impl Mask {
    /// Of everything that these sessions hold.
    ///
    /// # Errors
    /// As [`masker`].
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a Redeemed>) -> Result<Self> {
        let held: Vec<&Held> = sessions.into_iter().flat_map(|session| &session.secrets).collect();
        // Room for all, so that no reallocation leaves a copy behind.
        let room = held.iter().map(|held| held.name.len() + held.value.len() * 2 + 8).sum();
        let mut secrets = Zeroizing::new(Vec::with_capacity(room));
        for held in &held {
            secrets.extend_from_slice(held.name.as_bytes());
            secrets.push(b' ');
            secrets.extend_from_slice(Zeroizing::new(BASE64.encode(&held.value)).as_bytes());
            secrets.push(b'\n');
        }
        Ok(Self { masker: build(held.into_iter().map(in_pair))?, secrets })
    }

    /// The masker of what another process was handed.
    fn read(mut from: impl Read) -> Result<Masker> {
        let wrong = || Error::local("what is to be masked cannot be read", "run the command again");
        let mut text = Zeroizing::new(Vec::with_capacity(1 << 16));
        from.read_to_end(&mut text).map_err(|_| wrong())?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
        let secrets = text.lines().map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name, Zeroizing::new(BASE64.decode(value.as_bytes()).ok()?)))
        });
        let secrets = secrets.collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        build(secrets.iter().map(|(name, value)| (*name, value.as_slice())))
    }
}

/// One output, and where it goes.
struct Output<W> {
    /// Nothing once it has ended, or nobody reads it any more: a closed pipe is how its writer is told.
    from: Option<File>,
    to: W,
    stream: Stream,
    /// Something is held that a pause lets out.
    held: bool,
}

impl<W: Write> Output<W> {
    fn new(from: impl Into<OwnedFd>, to: W, masker: &Masker) -> Self {
        Self { from: Some(File::from(from.into())), to, stream: masker.stream(), held: false }
    }

    /// Reads what is there, or takes a pause for one: what is decided, to be shown.
    fn step(&mut self, ready: bool, buffer: &mut [u8], masked: &mut Vec<u8>) -> io::Result<()> {
        masked.clear();
        let Some(from) = &mut self.from else { return Ok(()) };
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
        Ok(())
    }

    fn show(&mut self, masked: &[u8]) {
        if self.to.write_all(masked).is_err() {
            self.from = None;
        }
    }
}

/// How a command ended.
pub enum Ended {
    /// By itself, or by a signal.
    With(ExitStatus),
    /// It was stopped, because this file of its code changed.
    Stopped(String),
}

/// Runs a command to its end, its standard output and error masked. Signals that reach this process are passed on.
///
/// # Errors
/// The system's, when the command cannot be started.
pub fn run(command: Command, mask: &Mask) -> io::Result<ExitStatus> {
    match run_watched(command, mask, &Watched::default())? {
        Ended::With(status) => Ok(status),
        Ended::Stopped(file) => Err(io::Error::other(format!("{file} changed"))),
    }
}

/// What is done about a command beside masking it.
#[derive(Default)]
pub struct Watched<'a> {
    /// When its code changes the command is stopped, with all that it started, and no more of its output is shown.
    pub(super) code: Option<&'a Trusted>,
    /// What it is given in its arguments.
    pub(super) hidden: Hidden,
}

impl<'a> Watched<'a> {
    /// For changes of its code alone.
    pub fn for_changes(code: &'a Trusted) -> Self {
        Self { code: Some(code), hidden: Hidden::default() }
    }
}

/// As [`run`], and watched.
///
/// # Errors
/// The system's, when the command cannot be started.
pub fn run_watched(mut command: Command, mask: &Mask, watched: &Watched<'_>) -> io::Result<Ended> {
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
        outputs.push(Output::new(from, stderr, &mask.masker));
    }
    command.stdout(writer);
    outputs.push(Output::new(from, stdout, &mask.masker));
    let mut signals = signal_hook::iterator::Signals::new(PASSED_ON)?;
    let mut child = command.spawn()?;
    crate::ticket::hide_memory();
    // The command holds the pipe's other ends.
    drop(command);
    if !watched.hidden.is_empty()
        && let Err(error) = watched.hidden.give(child.id())
    {
        child.kill()?;
        child.wait()?;
        return Err(error);
    }
    let pid = Pid::from_child(&child);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = kill_process(pid, signal);
            }
        }
    });
    let mut watch = watched.code.map(|code| Watch::new(code, &|| false));
    let stopped = pump(Some(&mut child), &mut outputs, None, watch.as_mut())?;
    // What was changed and put back is seen as well.
    let stopped = match (stopped, watched.code) {
        (Some(Cause::Stop(Stop::Changed(file))), _) => Some(file),
        (_, Some(code)) => code.changed(),
        _ => None,
    };
    if let Some(file) = stopped {
        kill_all(Pid::from_child(&child));
        child.wait()?;
        return Ok(Ended::Stopped(file));
    }
    let status = child.wait()?;
    outputs.into_iter().for_each(|output| hand_over(output, &mask.secrets));
    Ok(Ended::With(status))
}

/// Not SIGUSR1, by which node opens a debugger.
const PASSED_ON: [i32; 5] = [
    signal_hook::consts::SIGTERM,
    signal_hook::consts::SIGINT,
    signal_hook::consts::SIGHUP,
    signal_hook::consts::SIGQUIT,
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

/// Hears whether a command's code changed, and looks at times where nothing is heard: at first often, for then a program
/// loads what it runs.
pub struct Watch<'a> {
    code: &'a Trusted,
    cancelled: &'a dyn Fn() -> bool,
    begun: Instant,
    looked: Option<Instant>,
}

impl<'a> Watch<'a> {
    /// `cancelled` says that nobody wants it any longer.
    pub fn new(code: &'a Trusted, cancelled: &'a dyn Fn() -> bool) -> Self {
        Self { code, cancelled, begun: Instant::now(), looked: None }
    }

    fn look(&mut self) -> Option<Stop> {
        if (self.cancelled)() {
            return Some(Stop::Cancelled);
        }
        if let Some(file) = self.code.heard() {
            return Some(Stop::Changed(file));
        }
        let (first, later) = (Duration::from_secs(3), Duration::from_secs(1));
        let pause = if self.begun.elapsed() < first { SHORT } else { later };
        if self.looked.is_some_and(|looked| looked.elapsed() < pause) {
            return None;
        }
        self.looked = Some(Instant::now());
        self.code.changed().map(Stop::Changed)
    }

    /// Before what was printed until now is shown. Of what is written through a mapping nothing is heard; more files than so
    /// many take too long for each piece.
    fn look_closely(&mut self) -> Option<Stop> {
        const MOST: usize = 500;
        if self.code.len() <= MOST {
            self.looked = None;
        }
        self.look()
    }
}

/// Why a command was ended before its time, and what it printed is not shown.
pub enum Stop {
    /// This file of its code changed while it ran.
    Changed(String),
    /// Whoever wanted it wants it no longer.
    Cancelled,
}

/// Ends a process and all that descends from it, where the system tells (it has /proc).
fn kill_all(root: Pid) {
    let parent_of = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before may hold anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut family = vec![root.as_raw_nonzero().get()];
    loop {
        let more: Vec<i32> = all
            .iter()
            .copied()
            .filter(|pid| {
                !family.contains(pid) && parent_of(*pid).is_some_and(|parent| family.contains(&parent))
            })
            .collect();
        if more.is_empty() {
            break;
        }
        family.extend(more);
    }
    for pid in family.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// What a command printed, masked, and how it ended.
pub struct Captured {
    /// Its exit code; nothing where a signal ended it.
    pub code: Option<i32>,
    /// Whether it was ended because it took too long.
    pub timed_out: bool,
    /// Why it was stopped, if it was; what it printed is not here then.
    pub stopped: Option<Stop>,
    /// Standard output.
    pub stdout: Capped,
    /// Standard error.
    pub stderr: Capped,
}

/// The beginning and the end of what was printed.
pub struct Capped {
    first: Vec<u8>,
    last: VecDeque<u8>,
    /// How many bytes each of the two may have.
    half: usize,
    /// How many bytes between the two were dropped.
    dropped: usize,
}

impl Capped {
    fn new(limit: usize) -> Self {
        Self { first: vec![], last: VecDeque::new(), half: limit / 2, dropped: 0 }
    }

    /// As text, with a word on what is missing.
    pub fn text(&self) -> String {
        let first = String::from_utf8_lossy(&self.first);
        let last: Vec<u8> = self.last.iter().copied().collect();
        let last = String::from_utf8_lossy(&last);
        if self.dropped == 0 {
            return format!("{first}{last}");
        }
        format!("{first}\n… {} bytes are left out here …\n{last}", self.dropped)
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.half.saturating_sub(self.first.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.first.extend_from_slice(first);
        self.last.extend(rest);
        let over = self.last.len().saturating_sub(self.half);
        self.last.drain(..over);
        self.dropped += over;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command to its end, and keeps at most `limit` bytes of each of its outputs, masked. After `patience` it is
/// ended, with all that it started.
///
/// # Errors
/// The system's, when the command cannot be started.
pub fn capture(
    mut command: Command,
    masker: &Masker,
    limit: usize,
    patience: Duration,
    mut watch: Watch<'_>,
) -> io::Result<Captured> {
    let ((stdout, stdout_end), (stderr, stderr_end)) = (io::pipe()?, io::pipe()?);
    command.stdin(Stdio::null()).stdout(stdout_end).stderr(stderr_end).process_group(0);
    let mut child = command.spawn()?;
    drop(command);
    let mut outputs = [stdout, stderr].map(|from| Output::new(from, Capped::new(limit), masker));
    let group = Pid::from_child(&child);
    let cause = pump(Some(&mut child), &mut outputs, Some(Instant::now() + patience), Some(&mut watch))?;
    let timed_out = matches!(cause, Some(Cause::Deadline));
    // What was changed and put back is seen as well.
    let stopped = match cause {
        Some(Cause::Stop(stop)) => Some(stop),
        _ => watch.code.changed().map(Stop::Changed),
    };
    if stopped.is_some() {
        kill_all(group);
        let _ = kill_process_group(group, Signal::KILL);
        let status = child.wait()?;
        let [stdout, stderr] = [limit, limit].map(Capped::new);
        return Ok(Captured { code: status.code(), timed_out, stopped, stdout, stderr });
    }
    if timed_out {
        let _ = kill_process_group(group, Signal::TERM);
        pump(Some(&mut child), &mut outputs, Some(Instant::now() + LAST_WORDS), None)?;
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait()?;
    let [stdout, stderr] = outputs.map(|mut output| {
        let mut rest = Vec::new();
        output.stream.finish(&mut rest);
        let _ = output.to.write_all(&rest);
        output.to
    });
    Ok(Captured { code: status.code(), timed_out, stopped: None, stdout, stderr })
}

/// How long a command that took too long has to end by itself: two seconds.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a command is not waited for any longer.
enum Cause {
    Deadline,
    Stop(Stop),
}

/// Until all outputs have ended, or the command has and nothing more is there to read for a pause; or until there is a
/// cause to stop before.
fn pump<W: Write>(
    mut child: Option<&mut Child>,
    outputs: &mut [Output<W>],
    deadline: Option<Instant>,
    mut watch: Option<&mut Watch<'_>>,
) -> io::Result<Option<Cause>> {
    let mut buffer = vec![0; 1 << 16];
    let mut masked = Vec::with_capacity(1 << 16);
    let mut ended = false;
    let mut since = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Some(Cause::Deadline));
        }
        let mut open: Vec<&mut Output<W>> =
            outputs.iter_mut().filter(|output| output.from.is_some()).collect();
        if open.is_empty() {
            // Its outputs are closed, and it may go on: it is waited for where there is a deadline for that.
            // Its code may still change, and who wants it may want it no longer.
            let Some(child) = child.as_mut().filter(|_| deadline.is_some() || watch.is_some()) else {
                return Ok(None);
            };
            if child.try_wait()?.is_some() {
                return Ok(None);
            }
            if let Some(stop) = watch.as_mut().and_then(|watch| watch.look()) {
                return Ok(Some(Cause::Stop(stop)));
            }
            // Most end as they close their outputs.
            std::thread::sleep(pause);
            pause = SHORT.min(pause * 2);
            continue;
        }
        let mut ready: Vec<bool> = {
            let mut fds: Vec<PollFd<'_>> = open
                .iter()
                .filter_map(|output| Some(PollFd::new(output.from.as_ref()?, PollFlags::IN)))
                .collect();
            let queue = watch.as_ref().and_then(|watch| watch.code.queue());
            fds.extend(queue.map(|queue| PollFd::from_borrowed_fd(queue, PollFlags::IN)));
            // Without a command to watch and with nothing held there is nothing to wake for.
            let wait = child.is_some() || open.iter().any(|output| output.held);
            let pause = if ended { &NOW } else { &PAUSE };
            match poll(&mut fds, wait.then_some(pause)) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            fds.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        let heard = ready.drain(open.len()..).any(|ready| ready);
        if let Some(stop) = watch.as_mut().and_then(|watch| watch.look()) {
            return Ok(Some(Cause::Stop(stop)));
        }
        let printed = ready.contains(&true);
        // What the system tells of files is no pause of an output.
        if heard && !printed && since.elapsed() < SHORT * 5 {
            continue;
        }
        let paused = !printed;
        since = Instant::now();
        for (output, ready) in open.iter_mut().zip(ready) {
            output.step(ready, &mut buffer, &mut masked)?;
            if !masked.is_empty()
                && let Some(stop) = watch.as_mut().and_then(|watch| watch.look_closely())
            {
                return Ok(Some(Cause::Stop(stop)));
            }
            output.show(&masked);
        }
        // Something that the command left running may hold its output for hours.
        if paused && ended {
            return Ok(None);
        }
        // Between the pause and its end it may have printed more: that is looked for once again.
        if paused && let Some(child) = &mut child {
            ended = child.try_wait()?.is_some();
        }
    }
}

/// Leaves an output that outlives its command to a process of its own.
fn hand_over(mut output: Output<File>, secrets: &[u8]) {
    let Some(from) = output.from else { return };
    let mut masked = Vec::new();
    output.stream.finish(&mut masked);
    if output.to.write_all(&masked).is_err() {
        return;
    }
    // Without it the output is closed, and its writer told so.
    let _ = spawn_mask(from, output.to, secrets);
}

fn spawn_mask(from: File, to: File, secrets: &[u8]) -> io::Result<()> {
    let (reader, mut writer) = io::pipe()?;
    rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["guard", "mask"]).arg(reader.as_raw_fd().to_string());
    command.stdin(from).stdout(to).stderr(Stdio::null()).spawn()?;
    drop(reader);
    writer.write_all(secrets)
}

/// Masks standard input to standard output: what was handed over. The secrets are read from the file of this number.
///
/// # Errors
/// When no masker can be built, or an output cannot be read; nothing more is shown then.
pub fn mask_rest(secrets: u32) -> Result<()> {
    crate::ticket::hide_memory();
    let path = Path::new("/dev/fd").join(secrets.to_string());
    let masker = Mask::read(File::open(&path).map_err(|error| Error::io(&path, &error))?)?;
    let duplicated = duplicate(io::stdin()).and_then(|from| Ok((from, duplicate(io::stdout())?)));
    let masked =
        duplicated.and_then(|(from, to)| pump(None, &mut [Output::new(from, to, &masker)], None, None));
    masked.map(drop).map_err(|error| {
        Error::local(format!("the output cannot be masked: {error}"), "run the command again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_handed_over_masks_alike() {
        let value = b"line one\n\xff sk_live_4eC39HqLyjWDarjtT1zdp7dc".to_vec();
        let held = Held {
            name: "KEY".to_owned(),
            placeholder: String::new(),
            value: value.clone().into(),
            commands: vec![],
            current: true,
        };
        let session = Redeemed { secrets: vec![held], since: 0, environment: BTreeMap::new() };
        let mask = Mask::of([&session]).unwrap();
        let handed = Mask::read(mask.secrets.as_slice()).unwrap();
        assert_eq!(handed.mask(&value), b"[KEY]");
        assert_eq!(mask.masker.mask(&value), b"[KEY]");
        for broken in [&b"KEY"[..], b"KEY !", b"\xff 00"] {
            assert!(Mask::read(broken).is_err());
        }
    }
}
