//! `/livez`, `/readyz` and `/openapi.json`: about the service, not about any tenant.

use std::sync::atomic::Ordering;

use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::Answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::response::{ResponseBody, json};
use crate::views::HealthView;
use crate::wire::query::StrictQuery;

/// Say whether the process lives.
#[utoipa::path(
    get, path = "/livez", operation_id = "check_live", tag = "health",
    responses((status = 200, description = "It lives", body = HealthView))
)]
pub(crate) fn check_live(call: &Call) -> Answer {
    StrictQuery::parse(call.head.query())?.finish()?;
    json(StatusCode::OK, &HealthView { status: "ok" })
}

/// Say whether the service can be used: it is not about to stop, and its database and store answer.
#[utoipa::path(
    get, path = "/readyz", operation_id = "check_ready", tag = "health",
    responses(
        (status = 200, description = "It can be used", body = HealthView),
        (status = 503, description = "It cannot, for the moment"),
    )
)]
pub(crate) async fn check_ready(app: &App, call: Call) -> Answer {
    StrictQuery::parse(call.head.query())?.finish()?;
    if !app.ready.load(Ordering::Relaxed) {
        return Err(Problem::new(
            ProblemKind::Unavailable,
            "the service is about to stop",
        ));
    }
    if !app.readiness.check(&app.service).await {
        let detail = "the database or the store does not answer";
        return Err(Problem::new(ProblemKind::Unavailable, detail).retry_soon());
    }
    json(StatusCode::OK, &HealthView { status: "ok" })
}

/// Describe the API.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "describe_api", tag = "health",
    responses((status = 200, description = "This document", body = serde_json::Value))
)]
pub(crate) fn describe_api(app: &App, call: &Call) -> Answer {
    StrictQuery::parse(call.head.query())?.finish()?;
    let mut response = Response::new(ResponseBody::full(app.openapi.clone()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
