//! Values in a program's arguments, where nobody else reads them.
//!
//! The system shows every process's arguments to all others (`/proc/PID/cmdline`): as they were handed over, in a place of
//! its memory that the kernel remembers. So a program is started with *marks* in its arguments, traced; when the kernel has
//! loaded it and before its first instruction runs, its arguments and variables are written anew below that place, with
//! values instead of marks, and the pointers to them as well (System V ABI, AMD64, 3.4.1 "Initial Stack"). What it starts
//! itself, with arguments of its own making, is shown as ever.

use zeroize::Zeroizing;

/// Values that are kept off the command line.
#[derive(Default)]
pub(super) struct Hidden {
    /// Each behind the mark that stands for it until the program is loaded.
    values: Vec<(String, Zeroizing<Vec<u8>>)>,
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use super::Hidden;
    use crate::{error::Result, ticket};
    use memchr::memmem;
    use nix::{
        sys::{ptrace, signal},
        unistd,
    };
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    use std::{fs::File, io, os::unix::fs::FileExt};
    use zeroize::Zeroizing;

    /// The longest string that the kernel gives a program, in bytes (execve(2), `MAX_ARG_STRLEN`).
    const LONGEST: usize = 1 << 17;

    impl Hidden {
        /// What is to stand for a value.
        ///
        /// # Errors
        /// When the system has no random bytes.
        pub(in super::super) fn mark(&mut self, value: &[u8]) -> Result<Vec<u8>> {
            let mark = format!("{}{}", ticket::PLACEHOLDER, ticket::random()?);
            self.values.push((mark.clone(), Zeroizing::new(value.to_vec())));
            Ok(mark.into_bytes())
        }

        /// Whether there is anything to hide.
        pub(in super::super) fn is_empty(&self) -> bool {
            self.values.is_empty()
        }

        /// Hands them to the program that a child of this process becomes, which has called [`wait_to_be_given`]. The child runs on
        /// then, untraced.
        ///
        /// # Errors
        /// The system's. The child may be stopped then, and is to be killed.
        pub(in super::super) fn give(&self, child: u32) -> io::Result<()> {
            let raw = i32::try_from(child).map_err(io::Error::other)?;
            let traced = unistd::Pid::from_raw(raw);
            let child = Pid::from_raw(raw).ok_or(io::ErrorKind::InvalidInput)?;
            loop {
                // Its end is left for who waits for the command.
                let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
                let status = match waitid(WaitId::Pid(child), options) {
                    Err(rustix::io::Errno::INTR) => continue,
                    status => status?.ok_or(io::ErrorKind::NotFound)?,
                };
                let Some(signal) = status.trapping_signal().or(status.stopping_signal()) else {
                    return Ok(());
                };
                if signal == signal::Signal::SIGTRAP as i32 {
                    let program = Loaded::of(raw)?;
                    // env hands on what it is given, and becomes the program.
                    if !program.is_env() {
                        program.rewrite(traced, &self.values)?;
                        return Ok(ptrace::detach(traced, None)?);
                    }
                    ptrace::cont(traced, None)?;
                } else {
                    ptrace::cont(traced, signal::Signal::try_from(signal)?)?;
                }
            }
        }
    }

    /// Has this process stop when it becomes another program, until its parent has given that its arguments.
    ///
    /// # Errors
    /// The system's, where it forbids tracing.
    pub fn wait_to_be_given() -> io::Result<()> {
        Ok(ptrace::traceme()?)
    }

    /// A program that the kernel has loaded and that has not begun to run.
    struct Loaded {
        memory: File,
        arguments: Vec<Zeroizing<Vec<u8>>>,
        variables: Vec<Zeroizing<Vec<u8>>>,
        /// Pairs of numbers that the kernel tells a program, the last a zero.
        auxiliary: Vec<u64>,
        registers: nix::libc::user_regs_struct,
    }

    impl Loaded {
        fn of(process: i32) -> io::Result<Self> {
            /// The code segment of programs of 64 bits.
            const SEGMENT: u64 = 0x33;
            let registers = ptrace::getregs(unistd::Pid::from_raw(process))?;
            if registers.cs != SEGMENT {
                return Err(io::Error::other(
                    "a program of 32 bits cannot be given secrets in its arguments",
                ));
            }
            let memory = File::options().read(true).write(true).open(format!("/proc/{process}/mem"))?;
            let mut words = Words { memory: &memory, at: registers.rsp };
            // How many arguments there are; a null pointer ends them too.
            words.next()?;
            let arguments = words.strings()?;
            let variables = words.strings()?;
            let mut auxiliary = Vec::new();
            while auxiliary.len() % 2 == 1 || auxiliary.iter().rev().nth(1) != Some(&0) {
                auxiliary.push(words.next()?);
            }
            Ok(Self { arguments, variables, auxiliary, registers, memory })
        }

        fn is_env(&self) -> bool {
            self.arguments
                .first()
                .is_some_and(|program| program.rsplit(|byte| *byte == b'/').next() == Some(b"env"))
        }

        /// Writes its stack anew, below the old one, with values instead of their marks.
        fn rewrite(
            mut self,
            process: unistd::Pid,
            values: &[(String, Zeroizing<Vec<u8>>)],
        ) -> io::Result<()> {
            for text in self.arguments.iter_mut().chain(&mut self.variables) {
                for (mark, value) in values {
                    while let Some(at) = memmem::find(text, mark.as_bytes()) {
                        let mut swapped = Zeroizing::new(Vec::with_capacity(text.len() + value.len()));
                        swapped.extend(text.get(..at).into_iter().flatten());
                        swapped.extend(value.iter());
                        swapped.extend(text.get(at + mark.len()..).into_iter().flatten());
                        *text = swapped;
                    }
                }
            }
            let strings = || self.arguments.iter().chain(&self.variables);
            let size: usize = strings().map(|text| text.len() + 1).sum();
            // One behind the other, as the kernel has them: some programs write their title over all of them.
            let mut texts = Zeroizing::new(Vec::with_capacity(size));
            let first = aligned(self.registers.rsp, size)?;
            let place = |texts: &mut Vec<u8>, text: &[u8]| {
                let at = first + texts.len() as u64;
                texts.extend_from_slice(text);
                texts.push(0);
                at
            };
            let mut stack = vec![self.arguments.len() as u64];
            stack.extend(self.arguments.iter().map(|text| place(&mut texts, text)));
            stack.push(0);
            stack.extend(self.variables.iter().map(|text| place(&mut texts, text)));
            stack.push(0);
            stack.extend(&self.auxiliary);
            let stack: Vec<u8> = stack.into_iter().flat_map(u64::to_ne_bytes).collect();
            self.registers.rsp = aligned(first, stack.len())?;
            self.memory.write_all_at(&texts, first)?;
            self.memory.write_all_at(&stack, self.registers.rsp)?;
            Ok(ptrace::setregs(process, self.registers)?)
        }
    }

    /// The place for so many bytes below `top`, as the ABI has a stack aligned.
    fn aligned(top: u64, size: usize) -> io::Result<u64> {
        let below = top.checked_sub(size as u64).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(below & !15)
    }

    /// Words of a process's memory, one after the other.
    struct Words<'a> {
        memory: &'a File,
        at: u64,
    }

    impl Words<'_> {
        fn next(&mut self) -> io::Result<u64> {
            let mut word = [0; 8];
            self.memory.read_exact_at(&mut word, self.at)?;
            self.at += 8;
            Ok(u64::from_ne_bytes(word))
        }

        /// What pointers lead to, up to a null pointer.
        fn strings(&mut self) -> io::Result<Vec<Zeroizing<Vec<u8>>>> {
            let mut strings = Vec::new();
            loop {
                match self.next()? {
                    0 => return Ok(strings),
                    at => strings.push(self.string(at)?),
                }
            }
        }

        fn string(&self, mut at: u64) -> io::Result<Zeroizing<Vec<u8>>> {
            let mut text = Zeroizing::new(Vec::new());
            let mut piece = Zeroizing::new([0; 256]);
            while text.len() <= LONGEST {
                let count = self.memory.read_at(&mut piece[..], at)?;
                let read = piece.get(..count).unwrap_or_default();
                if let Some(end) = memchr::memchr(0, read) {
                    text.extend(read.get(..end).into_iter().flatten());
                    return Ok(text);
                }
                if read.is_empty() {
                    break;
                }
                text.extend(read);
                at += count as u64;
            }
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use linux::wait_to_be_given;

/// Where tracing another program differs by system and processor and was not tried, arguments are shown as ever.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod elsewhere {
    use super::Hidden;
    use std::io;

    impl Hidden {
        pub(in super::super) fn mark(&mut self, value: &[u8]) -> crate::error::Result<Vec<u8>> {
            Ok(value.to_vec())
        }

        pub(in super::super) fn is_empty(&self) -> bool {
            self.values.is_empty()
        }

        pub(in super::super) fn give(&self, _: u32) -> io::Result<()> {
            Ok(())
        }
    }

    pub fn wait_to_be_given() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub use elsewhere::wait_to_be_given;
