use super::{
    input::{Asked, Cursor},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{Refusal, access::Caller, audit},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use protocol::body::{AuditRows, LoggedRow, Page};
use serde::Deserialize;

/// `GET /v1/audit`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<Cursor<u64>>,
) -> Result<Json<AuditRows>, Refused> {
    Ok(Json(audit::list(&host, &caller, query.cursor).await?))
}

/// `?from=&to=`: numbers of the first and the last row.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RowsQuery {
    #[serde(default)]
    from: u64,
    to: Option<u64>,
}

/// `GET /v1/audit/rows`
pub(crate) async fn rows(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<RowsQuery>,
) -> Result<Json<Page<LoggedRow>>, Refused> {
    Ok(Json(audit::rows(&host, &caller, "audit_rows", query.from, query.to).await?))
}

/// `GET /v1/audit/export`: the same rows, a line each. The next page is in the `link` header (RFC 8288).
pub(crate) async fn export(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<RowsQuery>,
) -> Result<Response, Refused> {
    let page = audit::rows(&host, &caller, "audit_export", query.from, query.to).await?;
    let mut lines = Vec::new();
    for row in &page.items {
        serde_json::to_writer(&mut lines, row).map_err(|error| Refusal::Fault(error.to_string()))?;
        lines.push(b'\n');
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    if let Some(next) = page.next {
        let to = query.to.map(|to| format!("&to={to}")).unwrap_or_default();
        let link = format!("</v1/audit/export?from={next}{to}>; rel=\"next\"");
        let link = HeaderValue::from_str(&link).map_err(|error| Refusal::Fault(error.to_string()))?;
        headers.insert(header::LINK, link);
    }
    Ok((headers, lines).into_response())
}
