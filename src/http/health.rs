use super::refusal::Refused;
use crate::{
    database::{DatabaseError, Statement},
    host::Host,
    log::{Event, Level},
    vault::Refusal,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
};
use protocol::Code;
use serde::Serialize;

/// That the vault is there.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Health {
    status: &'static str,
    version: &'static str,
}

/// The OpenAPI document: `docs/openapi.json`, which a test compares with the code.
pub(crate) async fn document() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../../docs/openapi.json"))
}

/// Whether the vault can reach its database and finds its tables there.
pub(crate) async fn read(State(host): State<Host>) -> Result<Json<Health>, Refused> {
    match host.database.run(Statement::new("SELECT name FROM plans LIMIT 1", [])).await {
        Ok(_) => Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })),
        Err(DatabaseError::Refused(text) | DatabaseError::Fault(text)) => {
            let event =
                Event { cause: Some(&text), ..Event::new(Level::Error, "the database cannot be reached") };
            (host.log)(&event);
            Err(Refused(Refusal::Because(Code::Unavailable)))
        }
    }
}
