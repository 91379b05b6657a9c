//! No statement looks at a whole table: SQLite's own plan of everything that a vault runs.

use crate::journey::{journey, owner_with_key};
use kit::Vault;
use rusqlite::config::DbConfig;
use securecode_vault::{
    database::{Answer, Database, DatabaseError, Pending, Statement},
    host::Surroundings,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

type Texts = Arc<Mutex<BTreeSet<&'static str>>>;

/// A database that remembers the texts that it ran.
struct Remembering {
    inner: Box<dyn Database>,
    texts: Texts,
}

impl Database for Remembering {
    fn run(&self, statement: Statement) -> Pending<'_, Result<Answer, DatabaseError>> {
        self.texts.lock().unwrap().insert(statement.sql);
        self.inner.run(statement)
    }

    fn batch(&self, statements: Vec<Statement>) -> Pending<'_, Result<Vec<Answer>, DatabaseError>> {
        self.texts.lock().unwrap().extend(statements.iter().map(|one| one.sql));
        self.inner.batch(statements)
    }
}

/// Plans that look at a whole table all the same: how the statement begins, the line, and why.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    ("SELECT name FROM plans LIMIT 1", "SCAN plans", "one row of it, to see that it is there"),
    ("SELECT u.account, u.seq FROM usage", "SCAN u", "the hourly sweep: a small row of each account"),
    ("SELECT s.account, s.n", "SCAN u", "the hourly sweep: a small row of each account"),
    ("SELECT s.account, s.n", "SCAN o", "no table: the segments that were found before"),
    ("UPDATE usage SET dropped", "SCAN d", "no table: the accounts whose rows were dropped"),
];

/// A whole table. What comes of a parameter, of one row's JSON or of another part of the statement is none.
fn is_scan(line: &str) -> bool {
    let no_table = ["VIRTUAL TABLE", "CONSTANT ROW", "VALUES CLAUSE", "(subquery"];
    line.contains("SCAN ") && !no_table.iter().any(|what| line.contains(what))
}

/// Where a statement, or a trigger or foreign key that it sets off, looks at a whole table.
fn scans(database: &rusqlite::Connection, sql: &str) -> Vec<String> {
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRIGGER_EQP, true).unwrap();
    let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let parameters = vec![rusqlite::types::Value::Null; plan.parameter_count()];
    let lines = plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail")).unwrap();
    // A trigger's name is a line without a detail.
    lines.filter_map(|line| line.unwrap()).filter(|line: &String| is_scan(line)).collect()
}

#[test]
fn no_statement_looks_at_a_whole_table() {
    let texts = Texts::default();
    let remembered = texts.clone();
    let vault = Vault::native_as(|surroundings| Surroundings {
        database: Box::new(Remembering { inner: surroundings.database, texts: remembered }),
        ..surroundings
    });
    let (mut owner, key) = owner_with_key(&vault);
    journey(&vault, &mut owner, &key);
    vault.sweep();
    // What is archived, and what is archived no more.
    vault.set_audit_days(owner.account, 0, 1);
    vault.sweep();
    vault.pass(86400);
    vault.sweep();
    let texts = texts.lock().unwrap();
    assert!(texts.len() >= 80, "{}", texts.len());
    let database = vault.database();
    let mut used = BTreeSet::new();
    for sql in texts.iter() {
        for line in scans(&database, sql) {
            let excepted =
                EXCEPTIONS.iter().position(|(begin, has, _)| sql.starts_with(begin) && line == *has);
            used.insert(excepted.unwrap_or_else(|| panic!("{line}\n{sql}")));
        }
    }
    assert_eq!(used.len(), EXCEPTIONS.len(), "an exception that is none any more");

    // The controls: a missing index, and a trigger that looks at everything.
    let delete = texts.iter().find(|sql| sql.starts_with("DELETE FROM environments")).unwrap();
    assert_eq!(scans(&database, delete), Vec::<String>::new());
    database.execute_batch("DROP INDEX grants_by_environment").unwrap();
    assert!(scans(&database, delete).contains(&"SCAN grants".to_owned()));
    database
        .execute_batch(
            "CREATE TRIGGER t AFTER DELETE ON environments BEGIN DELETE FROM tries WHERE count = 7; END",
        )
        .unwrap();
    assert!(scans(&database, delete).contains(&"SCAN tries".to_owned()));
}
