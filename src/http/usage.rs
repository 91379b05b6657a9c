use super::refusal::Refused;
use crate::{
    host::Host,
    vault::{access::Caller, usage},
};
use axum::{Json, extract::State};
use protocol::body::Usage;

/// `GET /v1/usage`
pub(crate) async fn read(State(host): State<Host>, caller: Caller) -> Result<Json<Usage>, Refused> {
    Ok(Json(usage::read(&host, &caller).await?))
}
