use super::{input::Asked, refusal::Refused};
use crate::{
    host::Host,
    vault::{access::Caller, audit},
};
use axum::{Json, extract::State};
use protocol::body::{AuditRow, Page};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    cursor: Option<u64>,
}

/// `GET /v1/audit`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<Page<AuditRow>>, Refused> {
    Ok(Json(audit::list(&host, &caller, query.cursor).await?))
}
