use super::{
    input::{Asked, Cursor},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, segments},
};
use axum::{Json, extract::State};
use protocol::body::{Closed, Segments};

/// `GET /v1/audit/segments`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<Cursor<u64>>,
) -> Result<Json<Segments>, Refused> {
    Ok(Json(segments::list(&host, &caller, query.cursor.unwrap_or(0)).await?))
}

/// `POST /v1/audit/segments`
pub(crate) async fn close(State(host): State<Host>, caller: Caller) -> Result<Json<Closed>, Refused> {
    Ok(Json(segments::close(&host, &caller).await?))
}
