//! Keeps what the agent runs from looking into programs that hold secrets: their memory, environment and system calls.
//!
//! A process in a Landlock domain may trace, and read under /proc what only a tracer may (ptrace(2), "Ptrace access mode
//! checking"), only processes of that domain and of domains within it: landlock(7). Root is no exception, once it has
//! neither CAP_PERFMON nor CAP_SYS_ADMIN, which open the environment of all. Programs with secrets are never in one.

/// Commands whose task it is to look at other processes, or that change the user, which a process in a domain cannot.
const NEED_OTHERS: &[&str] = &[
    "doas", "fuser", "kill", "killall", "lsof", "mount", "netstat", "newgrp", "pgrep", "pidof", "ping",
    "pkexec", "pkill", "ps", "pstree", "ss", "su", "sudo", "top", "umount", "bwrap", "unshare", "docker",
    "podman", "chromium", "chrome",
];

/// Whether a command line, or a program by its name, may be set apart.
pub(super) fn may_be(command: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || ";&|()`{}'\"".contains(c));
    !words.into_iter().any(|word| NEED_OTHERS.contains(&word.rsplit('/').next().unwrap_or_default()))
}

/// What one that is set apart may still do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    /// End what another line left running.
    Signal,
    /// Nothing to programs outside: a signal opens some of them (node's debugger, Java's attach mechanism).
    Nothing,
}

/// Sets this process apart, and all that it starts from now on. Where the system cannot (Linux before 5.13, or another), what
/// it would stop stays possible, and all else holds.
pub(super) fn set(may: May) {
    #[cfg(target_os = "linux")]
    {
        use landlock::{AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};
        use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
        for capability in [CapabilitySet::PERFMON, CapabilitySet::SYS_ADMIN] {
            // Who is not root has neither.
            let _ = remove_capability_from_bounding_set(capability);
        }
        // A domain has to restrict something: abstract sockets, which few use; on older systems the making of block devices.
        let scope = |scope: BitFlags<Scope>| {
            Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .scope(scope)
                .and_then(Ruleset::create)
        };
        let signals = if may == May::Nothing { Scope::Signal.into() } else { BitFlags::empty() };
        let ruleset = scope(BitFlags::from(Scope::AbstractUnixSocket) | signals)
            .or_else(|_| Ruleset::default().handle_access(AccessFs::MakeBlock).and_then(Ruleset::create));
        let _ = ruleset.and_then(landlock::RulesetCreated::restrict_self);
    }
}
