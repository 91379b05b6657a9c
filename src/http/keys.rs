use super::{
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, keys},
};
use axum::{Json, extract::State};
use protocol::{
    KeyId,
    body::{KeyEntry, NewKey, Page, RevokeKey, RotateKey, Written},
};

/// `GET /v1/keys`
pub(crate) async fn list(State(host): State<Host>, caller: Caller) -> Result<Json<Page<KeyEntry>>, Refused> {
    Ok(Json(keys::list(&host, &caller).await?))
}

/// `PUT /v1/keys/{id}`
pub(crate) async fn create(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<KeyId>,
    Body(new): Body<NewKey>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(keys::create(&host, &caller, id, new).await?))
}

/// `POST /v1/keys/{id}/rotate`
pub(crate) async fn rotate(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<KeyId>,
    Body(rotation): Body<RotateKey>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(keys::rotate(&host, &caller, id, rotation).await?))
}

/// `POST /v1/keys/{id}/revoke`
pub(crate) async fn revoke(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<KeyId>,
    Body(revocation): Body<RevokeKey>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(keys::revoke(&host, &caller, id, revocation).await?))
}
