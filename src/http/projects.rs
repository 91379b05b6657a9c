use super::{
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, projects},
};
use axum::{Json, extract::State};
use protocol::{
    ProjectId,
    body::{NewProject, Removal, Written},
};

/// `PUT /v1/projects/{id}`
pub(crate) async fn create(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<ProjectId>,
    Body(new): Body<NewProject>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(projects::create(&host, &caller, id, new).await?))
}

/// `POST /v1/projects/{id}/delete`
pub(crate) async fn remove(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<ProjectId>,
    Body(removal): Body<Removal>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(projects::remove(&host, &caller, id, removal).await?))
}
