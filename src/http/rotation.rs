use super::{
    input::{Asked, Body, Cursor, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, rotation},
};
use axum::{Json, extract::State};
use protocol::{
    EnvironmentId, SecretId,
    body::{FinishRotation, NewRotation, Pending, Resealed, Rotation, Written},
};

/// `PUT /v1/environments/{id}/rotation`
pub(crate) async fn begin(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Body(new): Body<NewRotation>,
) -> Result<Json<Rotation>, Refused> {
    Ok(Json(rotation::begin(&host, &caller, environment, new).await?))
}

/// `GET /v1/environments/{id}/rotation/pending`
pub(crate) async fn pending(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
) -> Result<Json<Pending>, Refused> {
    Ok(Json(rotation::pending(&host, &caller, environment).await?))
}

/// `GET /v1/environments/{id}/rotation/resealed`
pub(crate) async fn resealed(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Asked(query): Asked<Cursor<SecretId>>,
) -> Result<Json<Pending>, Refused> {
    Ok(Json(rotation::resealed(&host, &caller, environment, query.cursor).await?))
}

/// `POST /v1/environments/{id}/rotation/resealed`
pub(crate) async fn keep(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Body(resealed): Body<Resealed>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(rotation::keep(&host, &caller, environment, resealed).await?))
}

/// `POST /v1/environments/{id}/rotation/finish`
pub(crate) async fn finish(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Body(finish): Body<FinishRotation>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(rotation::finish(&host, &caller, environment, finish).await?))
}
