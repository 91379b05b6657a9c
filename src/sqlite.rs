//! The native host's database: SQLite in a file, with the same migrations as the edge.

use crate::{
    blobs::{Blobs, Keys},
    database::{Answer, Database, DatabaseError, Pending, Statement, Value},
    migrations,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, types::ValueRef};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// One connection, used by one request at a time: SQLite has one writer anyway, and every request writes its
/// audit row.
#[derive(Clone)]
pub struct Sqlite(Arc<Mutex<Connection>>);

/// Why the database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDatabaseError {
    /// Of a newer version of this program.
    #[error(
        "the database has schema version {found}, but this program knows versions up to {known}; use a newer program"
    )]
    TooNew {
        /// The file's version.
        found: usize,
        /// The newest known.
        known: usize,
    },
    /// SQLite's own cause.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Sqlite {
    /// Opens or makes the file and applies the migrations it lacks. What is acknowledged is on the disk.
    ///
    /// # Errors
    /// When the file cannot be opened, or is of a newer schema.
    pub fn open(path: &Path) -> Result<Self, OpenDatabaseError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        let found: usize = connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?
            .try_into()
            .unwrap_or(0);
        if found > migrations::TEXTS.len() {
            return Err(OpenDatabaseError::TooNew { found, known: migrations::TEXTS.len() });
        }
        for (number, migration) in migrations::TEXTS.iter().enumerate().skip(found) {
            let transaction = connection.transaction()?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", number as i64 + 1)?;
            transaction.commit()?;
        }
        // This host's blob store: the edge has KV for it, so it is in no migration.
        connection.execute(
            "CREATE TABLE IF NOT EXISTS blobs (key TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT",
            [],
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Writes a copy as of now to a file that is not there yet. Requests go on meanwhile.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn copy_to(&self, path: &Path) -> Result<(), rusqlite::Error> {
        let connection = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        connection.execute("VACUUM INTO ?1", [path.to_string_lossy()]).map(drop)
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let connection = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A panic elsewhere leaves a rolled-back transaction behind, not a half-done one.
            let mut connection = connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            work(&mut connection)
        });
        match done.await {
            Ok(result) => result.map_err(database_error),
            Err(error) => Err(DatabaseError::Fault(error.to_string())),
        }
    }
}

impl Database for Sqlite {
    fn run(&self, statement: Statement) -> Pending<'_, Result<Answer, DatabaseError>> {
        Box::pin(self.with(move |connection| {
            let transaction = connection.transaction()?;
            let answer = run(&transaction, &statement)?;
            transaction.commit()?;
            Ok(answer)
        }))
    }

    fn batch(&self, statements: Vec<Statement>) -> Pending<'_, Result<Vec<Answer>, DatabaseError>> {
        Box::pin(self.with(move |connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let answers = statements.iter().map(|one| run(&transaction, one)).collect::<Result<_, _>>()?;
            transaction.commit()?;
            Ok(answers)
        }))
    }
}

impl Blobs for Sqlite {
    fn put(&self, key: String, text: String) -> Pending<'_, Result<(), DatabaseError>> {
        Box::pin(self.with(move |connection| {
            connection
                .execute("INSERT OR REPLACE INTO blobs (key, text) VALUES (?1, ?2)", [key, text])
                .map(drop)
        }))
    }

    fn get(&self, key: String) -> Pending<'_, Result<Option<String>, DatabaseError>> {
        Box::pin(self.with(move |connection| {
            connection.query_row("SELECT text FROM blobs WHERE key = ?1", [key], |row| row.get(0)).optional()
        }))
    }

    fn delete(&self, key: String) -> Pending<'_, Result<(), DatabaseError>> {
        Box::pin(
            self.with(move |connection| {
                connection.execute("DELETE FROM blobs WHERE key = ?1", [key]).map(drop)
            }),
        )
    }

    fn list(&self, prefix: String, cursor: Option<String>) -> Pending<'_, Result<Keys, DatabaseError>> {
        Box::pin(self.with(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT key FROM blobs WHERE key > ?1 AND key >= ?2 AND key < ?2 || char(0x10FFFF) ORDER BY key LIMIT 1000",
            )?;
            let keys: Vec<String> = select
                .query_map([cursor.unwrap_or_default(), prefix], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let next = keys.last().filter(|_| keys.len() == 1000).cloned();
            Ok(Keys { keys, next })
        }))
    }
}

fn run(connection: &Connection, statement: &Statement) -> Result<Answer, rusqlite::Error> {
    let mut prepared = connection.prepare_cached(statement.sql)?;
    let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let parameters = statement.parameters.iter().map(|value| match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(number) => rusqlite::types::Value::Integer(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    });
    let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        let mut object = serde_json::Map::with_capacity(columns.len());
        for (number, name) in columns.iter().enumerate() {
            let value = match row.get_ref(number)? {
                ValueRef::Null => serde_json::Value::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
                ValueRef::Blob(_) => {
                    return Err(rusqlite::Error::InvalidColumnType(
                        number,
                        name.clone(),
                        rusqlite::types::Type::Blob,
                    ));
                }
            };
            object.insert(name.clone(), value);
        }
        read.push(object);
    }
    drop(rows);
    let text = serde_json::to_string(&read)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok(Answer::new(text))
}

fn database_error(error: rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => DatabaseError::Refused(error.to_string()),
        _ => DatabaseError::Fault(error.to_string()),
    }
}
