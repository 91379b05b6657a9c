//! What the agent starts in place of its shell: every command line comes through here.
//!
//! The agent is told by `CLAUDE_CODE_SHELL_PREFIX` to run `PROGRAM 'LINE'`, where LINE is
//! `source SNAPSHOT … && eval 'COMMAND' < /dev/null && pwd -P >| FILE`; hooks and MCP servers come here too, and
//! pass untouched (docs/decisions/0003).

use super::{apart, exec, judge, line, output};
use crate::ticket;
use std::{
    collections::HashSet,
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
};

/// The name under which this program is the agent's shell.
pub const NAME: &str = "securecode-shell";

/// The exit code of a line that is not run, as shells have it for what they cannot.
const NOT_RUN: u8 = 126;

/// Runs what the agent asked its shell for.
pub fn run(argument: &str) -> ExitCode {
    let shell = shell_of(argument);
    let mut command = Command::new(&shell);
    // What is no command line of the agent's keeps its environment: it may be our own server.
    let Some(shape) = Shape::of(argument) else { return pass_on(command, argument) };
    exec::keep_back(&mut command);
    exec::unguard(&mut command);
    let uses_secrets = judge::mentions_session_file(&shape.command);
    let sessions = ticket::living();
    if !uses_secrets && sessions.iter().all(|session| session.secrets.is_empty()) {
        return pass_on(command, argument);
    }
    let line = if uses_secrets || judge::lists_processes(&shape.command) {
        let guarded = judge::judge_command(&shape.command, Path::new("."))
            .and_then(|()| line::guard(&shape.command, &exec::wrapper().map_err(refusal)?, &shape.defined()));
        match guarded {
            Ok(guarded) => format!("{}{}{}", shape.head, line::quote(&guarded), shape.tail),
            Err(refusal) => return refuse(&refusal.0),
        }
    } else {
        argument.to_owned()
    };
    let mask = match output::Mask::of(&sessions) {
        Ok(mask) => mask,
        Err(error) => return refuse(&error.to_string()),
    };
    command.arg("-c").arg(line);
    if uses_secrets {
        command.env("SECURECODE_GUARD", "1");
    } else if apart::may_be(&shape.command) {
        apart::set(apart::May::Signal);
    }
    match output::run(command, &mask) {
        Ok(status) => ExitCode::from(output::exit_code(status)),
        Err(error) => refuse(&format!("the shell {shell} cannot be run: {error}")),
    }
}

fn refusal(error: crate::error::Error) -> line::Refusal {
    line::Refusal(error.to_string())
}

fn refuse(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "securecode: not run: {why}");
    ExitCode::from(NOT_RUN)
}

/// Becomes the shell.
fn pass_on(mut shell: Command, argument: &str) -> ExitCode {
    let error = shell.arg("-c").arg(argument).exec();
    refuse(&format!("the shell {} cannot be run: {error}", shell.get_program().to_string_lossy()))
}

/// The person's shell, where it is one that the agent uses.
pub fn of_the_person() -> Option<String> {
    std::env::var("SHELL").ok().filter(|shell| shell.ends_with("/bash") || shell.ends_with("/zsh"))
}

/// The shell that the line was written for.
fn shell_of(argument: &str) -> String {
    let named = ["zsh", "bash"].into_iter().find(|name| argument.contains(&format!("/snapshot-{name}-")));
    match (named, of_the_person()) {
        (Some(named), Some(own)) if own.ends_with(named) => own,
        (Some(named), _) => named.to_owned(),
        (None, Some(own)) => own,
        (None, None) if Path::new("/bin/bash").exists() => "/bin/bash".to_owned(),
        (None, None) => "/bin/sh".to_owned(),
    }
}

/// The parts of the agent's line.
struct Shape {
    head: String,
    command: String,
    tail: String,
}

impl Shape {
    fn of(argument: &str) -> Option<Self> {
        const EVAL: &str = "&& eval ";
        if !argument.contains(" && pwd -P >| ") {
            return None;
        }
        let start = argument.find(EVAL)? + EVAL.len();
        let (head, rest) = argument.split_at(start);
        let (command, length) = unquote(rest)?;
        let tail = rest.get(length..)?;
        let known = tail.trim_start_matches(" < /dev/null").trim_start().starts_with("&& pwd -P >| ");
        known.then(|| Self { head: head.to_owned(), command, tail: tail.to_owned() })
    }

    /// The functions and aliases that the agent's snapshot of the person's shell defines.
    fn defined(&self) -> HashSet<String> {
        let snapshot = self.head.split_whitespace().nth(1).unwrap_or_default().trim_matches(['\'', '"']);
        let text = std::fs::read_to_string(snapshot).unwrap_or_default();
        let name = |text: &str| -> Option<String> {
            let end =
                text.find(|c: char| !(c.is_alphanumeric() || "_-.+:".contains(c))).unwrap_or(text.len());
            text.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
        };
        text.lines()
            .filter_map(|line| {
                let line = line.trim_start();
                if let Some(alias) = line.strip_prefix("alias ") {
                    return name(
                        alias
                            .trim_start_matches("-- ")
                            .trim_start_matches("-g ")
                            .trim_start_matches(['\'', '"']),
                    );
                }
                let function =
                    line.strip_prefix("function ").or_else(|| line.contains("()").then_some(line))?;
                name(function)
            })
            .collect()
    }
}

/// The first word of a shell's text without its quotes, and how long it was.
fn unquote(text: &str) -> Option<(String, usize)> {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            c if c.is_whitespace() => return Some((word, at)),
            '\'' => loop {
                match characters.next()?.1 {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                match characters.next()?.1 {
                    '"' => break,
                    '\\' => match characters.next()?.1 {
                        c @ ('"' | '\\' | '$' | '`') => word.push(c),
                        c => word.extend(['\\', c]),
                    },
                    '$' | '`' => return None,
                    c => word.push(c),
                }
            },
            '\\' => word.push(characters.next()?.1),
            '$' | '`' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => return None,
            c => word.push(c),
        }
    }
    Some((word, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_line_is_taken_apart() {
        let line = "source /h/.claude/shell-snapshots/snapshot-bash-1-a.sh 2>/dev/null || true && { \\builtin shopt -u extglob; } >/dev/null 2>&1 || true && eval 'echo '\"'\"'a && eval b'\"'\"'; x' < /dev/null && pwd -P >| /tmp/claude-1-cwd";
        let shape = Shape::of(line).unwrap();
        assert_eq!(shape.command, "echo 'a && eval b'; x");
        assert_eq!(format!("{}{}{}", shape.head, "'echo '\"'\"'a && eval b'\"'\"'; x'", shape.tail), line);
        assert_eq!(unquote(&line::quote("it's \\ \"$x\"")).unwrap().0, "it's \\ \"$x\"");
        assert!(Shape::of("securecode mcp").is_none() && Shape::of("eval $x && pwd -P >| f").is_none());
        assert!(shell_of(line).ends_with("bash"));
    }
}
