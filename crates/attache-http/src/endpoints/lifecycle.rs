//! `POST /v1/files/{id}/archive` and `/restore`: soft delete and back.

use attache_model::FileId;

use super::Answer;
use super::record::record;
use crate::app::App;
use crate::call::Call;
use crate::views::FileView;
use crate::wire::query::StrictQuery;

/// Archive a file.
///
/// It leaves the lists; its record stays readable, its bytes are kept but not served.
#[utoipa::path(
    post, path = "/v1/files/{id}/archive", operation_id = "archive_file", tag = "files",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    responses(
        (status = 200, description = "The record, archived", body = FileView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`"),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "The file is claimed"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn archive_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    record(&app.service.archive_file(&cx, id).await?)
}

/// Restore an archived file.
#[utoipa::path(
    post, path = "/v1/files/{id}/restore", operation_id = "restore_file", tag = "files",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    responses(
        (status = 200, description = "The record, active", body = FileView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`"),
        (status = 404, description = "The tenant has no such file"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn restore_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    record(&app.service.restore_file(&cx, id).await?)
}
