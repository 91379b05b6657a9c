use super::{
    caller::Stranger,
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, pairings},
};
use axum::{Json, extract::State};
use protocol::{
    PairingId,
    body::{Pairing, Written},
};

/// `PUT /v1/pairings/{id}`
pub(crate) async fn approve(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<PairingId>,
    Body(pairing): Body<Pairing>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(pairings::approve(&host, &caller, id, pairing).await?))
}

/// `GET /v1/pairings/{id}`
pub(crate) async fn read(
    State(host): State<Host>,
    _: Stranger,
    Named(id): Named<PairingId>,
) -> Result<Json<Pairing>, Refused> {
    Ok(Json(pairings::read(&host, id).await?))
}

/// `DELETE /v1/pairings/{id}`
pub(crate) async fn end(
    State(host): State<Host>,
    _: Stranger,
    Named(id): Named<PairingId>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(pairings::end(&host, id).await?))
}
