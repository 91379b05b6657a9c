use super::{
    caller::Stranger,
    input::{Body, Named},
    refusal::Refused,
};
use crate::{
    host::Host,
    vault::{access::Caller, approvals},
};
use axum::{Json, extract::State};
use protocol::{
    ApprovalId, EnvironmentId,
    body::{Approval, NewApproval, OpenApproval, Page, Written},
};

/// `PUT /v1/environments/{id}/approvals/{approval}`
pub(crate) async fn ask(
    State(host): State<Host>,
    caller: Caller,
    Named(place): Named<(EnvironmentId, ApprovalId)>,
    Body(new): Body<NewApproval>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(approvals::ask(&host, &caller, place, new).await?))
}

/// `GET /v1/approvals`
pub(crate) async fn list(
    State(host): State<Host>,
    caller: Caller,
) -> Result<Json<Page<OpenApproval>>, Refused> {
    Ok(Json(approvals::list(&host, &caller).await?))
}

/// `PUT /v1/approvals/{approval}/answer`
pub(crate) async fn answer(
    State(host): State<Host>,
    caller: Caller,
    Named(id): Named<ApprovalId>,
    Body(approval): Body<Approval>,
) -> Result<Json<Written>, Refused> {
    Ok(Json(approvals::answer(&host, &caller, id, approval).await?))
}

/// `GET /v1/approvals/{approval}/answer`
pub(crate) async fn read(
    State(host): State<Host>,
    _: Stranger,
    Named(id): Named<ApprovalId>,
) -> Result<Json<Approval>, Refused> {
    Ok(Json(approvals::read(&host, id).await?))
}
