//! `POST` and `DELETE /v1/files/{id}/claim`: one holder and no second.

use attache_model::{FileId, Holder};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Answer;
use super::record::record;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::views::FileView;
use crate::wire::query::StrictQuery;

/// Who claims.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Claim)]
pub(crate) struct ClaimBody {
    /// Who is to hold the file, in the caller's own words, such as `certificate:42`.
    #[schema(min_length = 1, max_length = 256)]
    holder: String,
}

/// Claim a file for a holder.
///
/// Exactly one holder wins. The same holder again gets the same answer.
#[utoipa::path(
    post, path = "/v1/files/{id}/claim", operation_id = "claim_file", tag = "claims",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    request_body = ClaimBody,
    responses(
        (status = 200, description = "The record; the holder has it", body = FileView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:claim`"),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "Another holds it, or it is archived"),
        (status = 422, description = "The holder is not right"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn claim_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let body: ClaimBody = call.json().await?;
    let holder = Holder::parse(&body.holder)
        .map_err(|error| Problem::invalid_field("holder", error.to_string()))?;
    record(&app.service.claim_file(&cx, id, &holder).await?)
}

/// Release a file by its holder.
#[utoipa::path(
    delete, path = "/v1/files/{id}/claim", operation_id = "release_claim", tag = "claims",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("holder" = String, Query, description = "Who holds it"),
    ),
    responses(
        (status = 200, description = "The record; nobody holds it", body = FileView),
        (status = 400, description = "The holder is missing or not right"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:claim`"),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "Another holds it"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn release_claim(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    let mut query = StrictQuery::parse(call.head.query())?;
    let holder = query.take("holder");
    query.finish()?;
    let holder = holder.ok_or_else(|| Problem::invalid_parameter("holder", "is missing"))?;
    let holder = Holder::parse(&holder)
        .map_err(|error| Problem::invalid_parameter("holder", error.to_string()))?;
    record(&app.service.release_claim(&cx, id, &holder).await?)
}
