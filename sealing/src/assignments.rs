//! Files of assignments: `.env`, and the JSON that other tools write.

use crate::{SecretValue, dotenv, json};
use protocol::SecretName;
use std::fmt;

/// Reads a file's bytes: JSON if it begins with a brace or a bracket, else `.env`.
pub fn read(bytes: &[u8]) -> Assignments {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => json::parse(bytes),
        _ => dotenv::parse(bytes),
    }
}

/// One assignment.
#[derive(Debug)]
pub struct Assignment {
    /// The variable.
    pub name: SecretName,
    /// Its value.
    pub value: SecretValue,
    /// The line its name stands in, from 1.
    pub line: usize,
}

/// A line that was not taken, and why. Never quotes the line.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct BadLine {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: BadLineCause,
}

/// What can be wrong with a line.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone)]
pub enum BadLineCause {
    /// Neither `NAME=value`, nor a comment, nor blank.
    #[error("it is neither `NAME=value`, nor a comment, nor blank")]
    NoAssignment,
    /// The name is none.
    #[error("{0}")]
    Name(#[from] protocol::ParseNameError),
    /// A quote that does not enclose the whole value.
    #[error("a quote is never closed, or text follows the closing quote")]
    OpenQuote,
    /// The value is none.
    #[error("{0}")]
    Value(#[from] crate::ValueError),
    /// The file is not text.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// What follows is not JSON, in a file that begins as such.
    #[error("from here on it is no JSON")]
    NotJson,
    /// A value that no variable can hold.
    #[error("{0} is neither a text, a number nor a boolean")]
    NotText(SecretName),
    /// A member of a list that names no secret.
    #[error("it has no `key` with a `value`")]
    NotNamed,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.cause)
    }
}

/// What a file holds: each name once, the last assignment of it winning, in the order of their lines; and the
/// lines that were not taken.
#[derive(Debug, Default)]
pub struct Assignments {
    /// Good assignments.
    pub assignments: Vec<Assignment>,
    /// Bad lines, in order.
    pub bad_lines: Vec<BadLine>,
}

impl Assignments {
    /// Takes one over, or its cause.
    pub(crate) fn add(&mut self, line: usize, read: Result<(SecretName, SecretValue), BadLineCause>) {
        match read {
            Ok((name, value)) => {
                self.assignments.retain(|earlier| earlier.name != name);
                self.assignments.push(Assignment { name, value, line });
            }
            Err(cause) => self.bad_lines.push(BadLine { line, cause }),
        }
    }
}
