use super::{
    input::{Asked, Cursor},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, audit},
};
use axum::{Json, extract::State};
use protocol::body::{AuditRow, Page};

/// `GET /v1/audit`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<Cursor<u64>>,
) -> Result<Json<Page<AuditRow>>, Refused> {
    Ok(Json(audit::list(&host, &caller, query.cursor).await?))
}
