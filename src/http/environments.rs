use super::{
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, environments},
};
use axum::{Json, extract::State};
use protocol::{
    EnvironmentId,
    body::{Environments, NewEnvironment, Removal, Written},
};

/// `GET /v1/environments`
pub(crate) async fn list(State(host): State<Host>, caller: Caller) -> Result<Json<Environments>, Refused> {
    Ok(Json(environments::list(&host, &caller).await?))
}

/// `PUT /v1/environments/{id}`
pub(crate) async fn create(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<EnvironmentId>,
    Body(new): Body<NewEnvironment>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(environments::create(&host, &caller, id, new).await?))
}

/// `POST /v1/environments/{id}/delete`
pub(crate) async fn remove(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<EnvironmentId>,
    Body(removal): Body<Removal>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(environments::remove(&host, &caller, id, removal).await?))
}
