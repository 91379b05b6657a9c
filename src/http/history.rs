use super::{
    input::{Asked, Cursor, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, history},
};
use axum::{Json, extract::State};
use protocol::{
    EnvironmentId, NameIndex, SecretId,
    body::{Binned, Page, ReadEarlier, ReadQuery, Version, Written},
};

/// `GET /v1/environments/{id}/secrets/{index}/versions`
pub(crate) async fn versions(
    State(host): State<Host>,
    caller: Caller,
    Named((environment, index)): Named<(EnvironmentId, NameIndex)>,
) -> Result<Json<Page<Version>>, Refused> {
    Ok(Json(history::versions(&host, &caller, environment, index).await?))
}

/// `GET /v1/environments/{id}/secrets/{index}/versions/{version}`
pub(crate) async fn read_version(
    State(host): State<Host>,
    caller: Caller,
    Named(place): Named<(EnvironmentId, NameIndex, u64)>,
    Asked(query): Asked<ReadQuery>,
) -> Result<Json<ReadEarlier>, Refused> {
    Ok(Json(history::read_version(&host, &caller, place, query.how).await?))
}

/// `GET /v1/environments/{id}/bin`
pub(crate) async fn bin(
    State(host): State<Host>,
    caller: Caller,
    Named(environment): Named<EnvironmentId>,
    Asked(query): Asked<Cursor<SecretId>>,
) -> Result<Json<Page<Binned>>, Refused> {
    Ok(Json(history::bin(&host, &caller, environment, query.cursor).await?))
}

/// `GET /v1/environments/{id}/bin/{secret}`
pub(crate) async fn read_binned(
    State(host): State<Host>,
    caller: Caller,
    Named(place): Named<(EnvironmentId, SecretId)>,
    Asked(query): Asked<ReadQuery>,
) -> Result<Json<ReadEarlier>, Refused> {
    Ok(Json(history::read_binned(&host, &caller, place, query.how).await?))
}

/// `DELETE /v1/environments/{id}/bin/{secret}`
pub(crate) async fn forget(
    State(host): State<Host>,
    caller: Caller,
    Named((environment, id)): Named<(EnvironmentId, SecretId)>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(history::forget(&host, &caller, environment, id).await?))
}
