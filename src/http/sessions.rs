use super::{
    caller::Stranger,
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, sessions},
};
use axum::{Json, extract::State};
use protocol::{
    KeyId,
    body::{Account, Kdf, LogIn, Page, PreLogin, Session, Written},
};

/// `POST /v1/prelogin`
pub(crate) async fn pre_login(
    State(host): State<Host>,
    _: Stranger,
    Body(asked): Body<PreLogin>,
) -> Result<Json<Kdf>, Refused> {
    Ok(Json(sessions::pre_login(&host, &asked.email).await?))
}

/// `POST /v1/sessions`
pub(crate) async fn log_in(
    State(host): State<Host>,
    stranger: Stranger,
    Body(login): Body<LogIn>,
) -> Result<Json<Account>, Refused> {
    Ok(Json(sessions::log_in(&host, &stranger.request, &stranger.origin, login).await?))
}

/// `GET /v1/sessions`
pub(crate) async fn list(State(host): State<Host>, caller: Caller) -> Result<Json<Page<Session>>, Refused> {
    Ok(Json(sessions::list(&host, &caller).await?))
}

/// `DELETE /v1/sessions/{id}`
pub(crate) async fn end(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<KeyId>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(sessions::end(&host, &caller, id).await?))
}
