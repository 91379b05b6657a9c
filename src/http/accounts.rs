use super::{caller::Stranger, input::Body, refusal::Refused};
use crate::{
    host::Host,
    vault::{access::Caller, accounts},
};
use axum::{Json, extract::State, http::StatusCode};
use protocol::body::{Account, SignUp};

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
