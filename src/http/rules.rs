use super::{
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, rules},
};
use axum::{Json, extract::State};
use protocol::{
    EnvironmentId,
    body::{NewRules, ReadRules, Written},
};

/// `GET /v1/environments/{id}/rules`
pub(crate) async fn read(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
) -> Result<Json<ReadRules>, Refused> {
    Ok(Json(rules::read(&host, &caller, environment).await?))
}

/// `PUT /v1/environments/{id}/rules`
pub(crate) async fn write(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Body(new): Body<NewRules>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(rules::write(&host, &caller, environment, new).await?))
}
