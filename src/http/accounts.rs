use super::{caller::Stranger, input::Body, refusal::Refused};
use crate::{
    host::Host,
    vault::{access::Caller, accounts},
};
use axum::{Json, extract::State, http::StatusCode};
use protocol::body::{Account, DeleteAccount, NewPassphrase, Recover, Recovered, SignUp, Written};

/// `POST /v1/accounts`
pub(crate) async fn sign_up(
    State(host): State<Host>,
    stranger: Stranger,
    Body(new): Body<SignUp>,
) -> Result<StatusCode, Refused> {
    accounts::sign_up(&host, &stranger.request, &stranger.origin, new).await?;
    Ok(StatusCode::CREATED)
}

/// `GET /v1/account`
pub(crate) async fn read(State(host): State<Host>, caller: Caller) -> Result<Json<Account>, Refused> {
    Ok(Json(accounts::read(&host, &caller).await?))
}

/// `PUT /v1/account/passphrase`
pub(crate) async fn change_passphrase(
    State(host): State<Host>,
    caller: Caller,
    Body(new): Body<NewPassphrase>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(accounts::change_passphrase(&host, &caller, new).await?))
}

/// `POST /v1/recoveries`
pub(crate) async fn recover(
    State(host): State<Host>,
    stranger: Stranger,
    Body(recover): Body<Recover>,
) -> Result<Json<Recovered>, Refused> {
    Ok(Json(accounts::recover(&host, &stranger.request, &stranger.origin, recover).await?))
}

/// `POST /v1/account/delete`
pub(crate) async fn delete(
    State(host): State<Host>,
    caller: Caller,
    Body(deletion): Body<DeleteAccount>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(accounts::delete(&host, &caller, deletion).await?))
}
