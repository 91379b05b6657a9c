use super::{input::Asked, refusal::Refused};
use crate::{
    host::Host,
    vault::{access::Caller, bundle},
};
use axum::{Json, extract::State};
use protocol::body::{Bundle, BundleQuery};

/// `GET /v1/bundle`
pub(crate) async fn read(
    State(host): State<Host>,
    caller: Caller,
    Asked(query): Asked<BundleQuery>,
) -> Result<Json<Bundle>, Refused> {
    Ok(Json(bundle::read(&host, &caller, query.environment, query.how).await?))
}
