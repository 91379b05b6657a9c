//! Whether a process is this very program, run by this very user, with no code in it but its own and the system's: who
//! asks at the ticket's socket, and this process itself.

use crate::profile::Profile;
use rustix::net::sockopt::socket_peercred;
use std::{
    collections::HashSet,
    fs,
    io::{Read, Write},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The longest name that the system keeps of a process (prctl(2), PR_SET_NAME).
const NAME: usize = 15;

/// Proves to the other end that this is the process which it is told of, and not one that became it since: by taking the
/// name that the other end chose. Starting a program takes a process its name, and nobody else can give it one.
pub(crate) fn prove(server: &mut UnixStream) -> std::io::Result<()> {
    // One name at a time.
    static NAMED: Mutex<()> = Mutex::new(());
    let _named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut name = [0; NAME];
    server.read_exact(&mut name)?;
    let usual = fs::read(OWN_NAME).unwrap_or_default();
    let named = fs::write(OWN_NAME, name);
    let answered = server.write_all(b"\n").and_then(|()| server.read_exact(&mut [0; 1]));
    let _ = fs::write(OWN_NAME, usual.trim_ascii_end());
    // Where there is no /proc, nobody looks.
    if Path::new("/proc/self").exists() { named.and(answered) } else { answered }
}

const OWN_NAME: &str = "/proc/self/comm";

/// Whether the one who asks may be answered. Where the system cannot tell (it has no /proc), the user is enough.
pub(crate) fn is_this_program(client: &mut UnixStream) -> std::io::Result<bool> {
    let Ok(peer) = socket_peercred(&*client) else { return Ok(false) };
    if peer.uid != rustix::process::geteuid() {
        return Ok(false);
    }
    let mut name = crate::ticket::random().map_err(std::io::Error::other)?;
    name.truncate(NAME);
    client.write_all(name.as_bytes())?;
    client.read_exact(&mut [0; 1])?;
    let is_ours = !Path::new("/proc/self/exe").exists() || is_ours(peer.pid.as_raw_nonzero().get(), &name);
    client.write_all(b"\n")?;
    Ok(is_ours)
}

/// Whether a process is this program with this name, has nothing else in it, is watched by none, and sees the files that
/// this one sees.
fn is_ours(pid: i32, name: &str) -> bool {
    let of = |file: &str| PathBuf::from(format!("/proc/{pid}/{file}"));
    let is_same_file = || match (fs::metadata(of("exe")), fs::metadata("/proc/self/exe")) {
        (Ok(theirs), Ok(ours)) => (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()),
        _ => false,
    };
    let has_name = || fs::read_to_string(of("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let is_watched = || {
        let status = fs::read_to_string(of("status")).unwrap_or_default();
        !status.lines().any(|line| line.split_whitespace().eq(["TracerPid:", "0"]))
    };
    // In the sandbox profile others are in a sandbox of ours, which sees other files and makes none of its own.
    let sees_the_same = Profile::of_this_machine().ok() == Some(Profile::Sandbox)
        || fs::read_link(of("ns/mnt")).ok() == fs::read_link("/proc/self/ns/mnt").ok();
    let (Ok(theirs), Ok(ours)) = (fs::read_to_string(of("maps")), fs::read_to_string("/proc/self/maps"))
    else {
        return false;
    };
    // The name last but one: what has it is what has been there.
    is_same_file()
        && has_no_strange_code(&theirs, &ours)
        && sees_the_same
        && !is_watched()
        && has_name()
        && is_same_file()
}

/// Whether nothing was loaded into this process beside what it is.
pub(crate) fn is_alone() -> bool {
    let (Ok(exe), Ok(maps)) = (fs::metadata("/proc/self/exe"), fs::read_to_string("/proc/self/maps")) else {
        return !Path::new("/proc/self").exists();
    };
    let inode = exe.ino().to_string();
    let own = maps.lines().filter(|line| line.split_whitespace().nth(4) == Some(&inode));
    has_no_strange_code(&maps, &own.collect::<Vec<_>>().join("\n"))
}

/// Whether all that a process can execute (`/proc/PID/maps`) is code that this one has too, or the system's. A library
/// that was loaded into it beside (`LD_PRELOAD`) is neither.
fn has_no_strange_code(theirs: &str, ours: &str) -> bool {
    const SYSTEM: [&str; 7] =
        ["/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/", "/nix/store/", "[vdso]", "[vsyscall]"];
    let known: HashSet<Mapping<'_>> = executable(ours).collect();
    executable(theirs).all(|mapping| {
        known.contains(&mapping) || SYSTEM.iter().any(|system| mapping.path.starts_with(system))
    })
}

#[derive(PartialEq, Eq, Hash)]
struct Mapping<'a> {
    device: &'a str,
    inode: &'a str,
    /// Empty for memory without a file; up to a blank.
    path: &'a str,
}

/// The mappings that can be executed, of a text of `/proc/PID/maps` (proc_pid_maps(5)).
fn executable(maps: &str) -> impl Iterator<Item = Mapping<'_>> {
    maps.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let permissions = fields.next()?;
        let (device, inode) = (fields.nth(1)?, fields.next()?);
        let path = fields.next().unwrap_or_default();
        permissions.contains('x').then_some(Mapping { device, inode, path })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "\
55d0a0000000-55d0a0100000 r--p 00000000 fe:00 123                        /home/u/.cargo/bin/securecode
55d0a0100000-55d0a0600000 r-xp 00100000 fe:00 123                        /home/u/.cargo/bin/securecode
55d0a1000000-55d0a1021000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000200000 r-xp 00000000 fe:00 7                          /usr/lib/x86_64-linux-gnu/libc.so.6
7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]
7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0                          [vdso]
";

    #[test]
    fn nothing_is_loaded_into_a_test() {
        assert!(is_alone());
    }

    #[test]
    fn code_that_is_neither_ours_nor_the_systems_is_seen() {
        assert!(has_no_strange_code(OURS, OURS));
        let resolver = format!("{OURS}7f1-7f2 r-xp 0 fe:00 9 /usr/lib/x86_64-linux-gnu/libnss_dns.so.2\n");
        assert!(has_no_strange_code(&resolver, OURS));
        for strange in [
            "7f1-7f2 r-xp 00000000 fe:00 99   /tmp/x.so",
            "7f1-7f2 r-xp 00000000 fe:00 99   /home/u/.cargo/bin/securecode",
            "7f1-7f2 rwxp 00000000 00:00 0 ",
            "7f1-7f2 r-xp 00000000 00:01 5    /memfd:x (deleted)",
        ] {
            assert!(!has_no_strange_code(&format!("{OURS}{strange}\n"), OURS), "{strange}");
        }
        assert!(has_no_strange_code(&format!("{OURS}7f1-7f2 rw-p 00000000 fe:00 99 /tmp/data\n"), OURS));
    }
}
