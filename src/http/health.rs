use super::refusal::Refused;
use crate::{
    database::{DatabaseError, Statement},
    host::Host,
    vault::Refusal,
};
use axum::{Json, extract::State};
use protocol::Code;
use serde_json::{Value, json};

/// Whether the vault can reach its database and finds its tables there.
pub(crate) async fn read(State(host): State<Host>) -> Result<Json<Value>, Refused> {
    match host.database.run(Statement::new("SELECT name FROM plans LIMIT 1", [])).await {
        Ok(_) => Ok(Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))),
        Err(DatabaseError::Refused(text) | DatabaseError::Fault(text)) => {
            (host.log)(&format!("ERROR health: {text}"));
            Err(Refused(Refusal::Because(Code::Unavailable)))
        }
    }
}
