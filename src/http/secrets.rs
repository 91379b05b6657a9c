use super::{
    input::{Asked, Body, Cursor, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, secrets},
};
use axum::{Json, extract::State};
use protocol::{
    EnvironmentId, NameIndex,
    body::{Change, Listing, NewPolicy, Read, ReadQuery, Written},
};

/// `GET /v1/environments/{id}/secrets`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Asked(query): Asked<Cursor<NameIndex>>,
) -> Result<Json<Listing>, Refused> {
    Ok(Json(secrets::list(&host, &caller, environment, query.cursor).await?))
}

/// `GET /v1/environments/{id}/secrets/{index}`
pub(crate) async fn read(
    State(host): State<Host>,
    caller: Caller,
    Named((environment, index)): Named<(EnvironmentId, NameIndex)>,
    Asked(query): Asked<ReadQuery>,
) -> Result<Json<Read>, Refused> {
    Ok(Json(secrets::read(&host, &caller, environment, index, query.how).await?))
}

/// `PUT /v1/environments/{id}/secrets/{index}/policy`
pub(crate) async fn write_policy(
    State(host): State<Host>,
    caller: Caller,
    Named((environment, index)): Named<(EnvironmentId, NameIndex)>,
    Body(new): Body<NewPolicy>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(secrets::write_policy(&host, &caller, environment, index, new).await?))
}

/// `POST /v1/environments/{id}/changes`
pub(crate) async fn change(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Body(change): Body<Change>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(secrets::change(&host, &caller, environment, change).await?))
}
