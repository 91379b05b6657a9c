//! Whether a process is this very program, run by this very user, with no code in it but its own and the system's: who
//! asks at the ticket's socket, and this process itself.

use rustix::net::sockopt::socket_peercred;
use std::{
    collections::HashSet,
    fs::{self, Metadata},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::Path,
};

/// Whether the one who asks may be answered. Where the system cannot tell (it has no /proc), the user is enough.
pub(crate) fn is_this_program(client: &UnixStream) -> bool {
    let Ok(peer) = socket_peercred(client) else { return false };
    if peer.uid != rustix::process::geteuid() {
        return false;
    }
    let of = |file: &str| format!("/proc/{}/{file}", peer.pid.as_raw_nonzero());
    if !Path::new("/proc/self/exe").exists() {
        return true;
    }
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let is_same_file = match (fs::metadata(of("exe")), fs::metadata("/proc/self/exe")) {
        (Ok(theirs), Ok(ours)) => same(&theirs, &ours),
        _ => false,
    };
    let (Ok(theirs), Ok(ours)) = (fs::read_to_string(of("maps")), fs::read_to_string("/proc/self/maps"))
    else {
        return false;
    };
    is_same_file && has_no_strange_code(&theirs, &ours)
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
