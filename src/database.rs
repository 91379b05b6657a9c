//! The seam between the vault's rules and a host's SQLite: one statement for rows, or several as one atomic
//! batch. There is no begin and no commit, because D1 has none: compare-and-set is written in SQL.

use serde::de::DeserializeOwned;
use std::{future::Future, pin::Pin};

/// A future that a handler may await on either host.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// SQL with numbered parameters (`?1`, `?2`, …).
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text. Never holds a value of a request.
    pub sql: &'static str,
    /// What the numbers stand for.
    pub parameters: Vec<Value>,
}

impl Statement {
    /// Pairs a text with what its numbers stand for.
    pub fn new(sql: &'static str, parameters: impl Into<Vec<Value>>) -> Self {
        Self { sql, parameters: parameters.into() }
    }
}

/// A bound parameter. Blobs travel as base64url text, which D1 carries as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer within 2^53, so that D1's numbers carry it exactly.
    Integer(i64),
    /// Text.
    Text(String),
}

impl<T: std::fmt::Display> From<&T> for Value {
    fn from(text: &T) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a statement answered: its rows, as a JSON array of objects by column name.
///
/// Text, because D1 gives JavaScript values: as text they cross at once, and every JSON that the vault reads is
/// read by the same code.
#[derive(Debug)]
pub struct Answer(String);

impl Answer {
    /// Takes the array's text.
    pub fn new(rows: String) -> Self {
        Self(rows)
    }

    /// The rows as `T`.
    ///
    /// # Errors
    /// When a row is not of that form: a fault of ours or of the data.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, DatabaseError> {
        serde_json::from_str(&self.0).map_err(|error| DatabaseError::Fault(error.to_string()))
    }

    /// The first row as `T`, if there is one.
    ///
    /// # Errors
    /// As [`Answer::rows`].
    pub fn row<T: DeserializeOwned>(&self) -> Result<Option<T>, DatabaseError> {
        Ok(self.rows::<T>()?.into_iter().next())
    }
}

/// Why a statement or batch did nothing.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A constraint or a trigger refused it; the text is the schema's own.
    #[error("refused by the schema: {0}")]
    Refused(String),
    /// Everything else. For the log alone.
    #[error("database fault: {0}")]
    Fault(String),
}

/// A host's SQLite.
pub trait Database: Send + Sync {
    /// Runs one statement.
    fn run(&self, statement: Statement) -> Pending<'_, Result<Answer, DatabaseError>>;
    /// Runs statements in order, all or nothing.
    fn batch(&self, statements: Vec<Statement>) -> Pending<'_, Result<Vec<Answer>, DatabaseError>>;
}
