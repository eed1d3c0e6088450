//! `POST` and `DELETE /v1/files/{id}/claim`: a file is claimed by one holder at most.

use attache_model::{Context, Holder};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::params::FilePath;
use super::record::record;
use super::views::FileView;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::schema;
use crate::state::App;

/// The holder that claims a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Claim)]
pub(super) struct ClaimBody {
    /// Holder of the file, in the client's own terms, such as `certificate:42`.
    #[schema(value_type = schema::Holder)]
    holder: String,
}

/// Claim a file for a holder.
///
/// Exactly one holder wins. A repeated claim by the same holder gets the same response.
#[utoipa::path(
    post, path = "/v1/files/{id}/claim", tag = "claims",
    params(FilePath),
    request_body = ClaimBody,
    responses(
        (status = 200, description = "The record, claimed by the holder", body = FileView),
        (status = 409, description = "The file is claimed by another holder, or archived"),
        (status = 422, description = "The holder is invalid"),
    )
)]
pub(super) async fn claim_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
    let body: ClaimBody = call.json(app, &cx).await?;
    let holder = Holder::parse(&body.holder)
        .map_err(|error| Problem::invalid_field("holder", error.to_string()))?;
    record(&app.service.claim_file(&cx, id, &holder).await?)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseQuery {
    /// The current holder.
    #[param(value_type = schema::Holder)]
    holder: String,
}

/// Release a file by its holder.
///
/// Any other holder may claim it then.
#[utoipa::path(
    delete, path = "/v1/files/{id}/claim", tag = "claims",
    params(FilePath, ReleaseQuery),
    responses(
        (status = 200, description = "The record, no longer claimed", body = FileView),
        (status = 400, description = "The holder is missing or invalid"),
        (status = 409, description = "The file is claimed by another holder"),
    )
)]
pub(super) async fn release_claim(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    let ReleaseQuery { holder } = call.query()?;
    let holder = Holder::parse(&holder)
        .map_err(|error| Problem::invalid_parameter("holder", error.to_string()))?;
    record(&app.service.release_claim(&cx, id, &holder).await?)
}
