//! `/livez`, `/readyz` and `/openapi.json`: about the service, not about any tenant.

use std::sync::atomic::Ordering;

use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::views::HealthView;
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;
use crate::wire::response_body::ResponseBody;

/// Check that the process is alive.
///
/// It says nothing about the database and the store.
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "The process is alive", body = HealthView))
)]
pub(super) async fn check_live(_: &App, call: Call) -> Answer {
    call.no_query()?;
    json(StatusCode::OK, &HealthView { status: "ok" })
}

/// Check that the service is ready.
///
/// It is not about to stop, and its database and store respond.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "The service is ready", body = HealthView),
        (status = 503, description = "The service is not ready"),
    )
)]
pub(super) async fn check_ready(app: &App, call: Call) -> Answer {
    call.no_query()?;
    if !app.ready.load(Ordering::Relaxed) {
        let detail = "the service is about to stop";
        return Err(Problem::new(ProblemKind::Unavailable, detail));
    }
    if !app.readiness.check(&app.service).await {
        let detail = "the database or the store does not respond";
        return Err(Problem::new(ProblemKind::Unavailable, detail).retry_soon());
    }
    json(StatusCode::OK, &HealthView { status: "ok" })
}

/// Describe the API.
///
/// An OpenAPI document of everything that this server serves.
#[utoipa::path(
    get, path = "/openapi.json", tag = "health",
    responses((status = 200, description = "This document", body = Object))
)]
pub(super) async fn describe_api(app: &App, call: Call) -> Answer {
    call.no_query()?;
    let mut response = Response::new(ResponseBody::full(app.openapi.clone()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
