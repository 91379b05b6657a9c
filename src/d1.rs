//! The edge's database: D1, through JavaScript values. Integers travel as doubles, blobs as text.

use crate::{
    database::{Answer, Database, DatabaseError, Pending, Statement, Value},
    meter::Meter,
};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result, Env, send::SendFuture};

/// D1, found anew for each statement: its handle belongs to a request.
pub(crate) struct D1(pub(crate) Env, pub(crate) Meter);

impl D1 {
    fn database(&self) -> Result<D1Database, DatabaseError> {
        self.0.d1("DB").map_err(|error| DatabaseError::Fault(error.to_string()))
    }

    fn answer(&self, result: D1Result) -> Result<Answer, DatabaseError> {
        self.1.count_rows(&result);
        if let Some(error) = result.error() {
            return Err(by_text(error));
        }
        let rows: Vec<Row> = result.results().map_err(database_error)?;
        let rows: js_sys::Array = rows.into_iter().map(|row| row.0).collect();
        let text = js_sys::JSON::stringify(&rows)
            .map_err(|_| DatabaseError::Fault("D1 answered what JSON has no form for".into()))?;
        Ok(Answer::new(text.into()))
    }
}

impl Database for D1 {
    fn run(&self, statement: Statement) -> Pending<'_, Result<Answer, DatabaseError>> {
        Box::pin(SendFuture::new(async move {
            let prepared = prepare(&self.database()?, &statement)?;
            self.answer(prepared.all().await.map_err(database_error)?)
        }))
    }

    fn batch(&self, statements: Vec<Statement>) -> Pending<'_, Result<Vec<Answer>, DatabaseError>> {
        Box::pin(SendFuture::new(async move {
            let database = self.database()?;
            let prepared = statements.iter().map(|one| prepare(&database, one)).collect::<Result<_, _>>()?;
            let results = database.batch(prepared).await.map_err(database_error)?;
            results.into_iter().map(|result| self.answer(result)).collect()
        }))
    }
}

fn prepare(database: &D1Database, statement: &Statement) -> Result<D1PreparedStatement, DatabaseError> {
    let parameters: Vec<JsValue> = statement
        .parameters
        .iter()
        .map(|value| match value {
            Value::Null => JsValue::NULL,
            Value::Integer(number) => JsValue::from_f64(*number as f64),
            Value::Text(text) => JsValue::from_str(text),
        })
        .collect();
    database.prepare(statement.sql).bind(&parameters).map_err(database_error)
}

/// A row as D1 made it.
#[derive(Deserialize)]
struct Row(#[serde(with = "worker::serde_wasm_bindgen::preserve")] JsValue);

/// D1 tells a refusal from a fault in its text alone.
fn database_error(error: worker::Error) -> DatabaseError {
    by_text(error.to_string())
}

fn by_text(text: String) -> DatabaseError {
    if text.contains("SQLITE_CONSTRAINT") || text.contains("constraint failed") {
        DatabaseError::Refused(text)
    } else {
        DatabaseError::Fault(text)
    }
}
