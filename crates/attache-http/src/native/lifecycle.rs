//! `POST /v1/files/{id}/archive` and `/restore`: soft delete and back.

use attache_model::Context;

use super::params::FilePath;
use super::record::record;
use super::views::FileView;
use crate::answer::Answer;
use crate::call::Call;
use crate::state::App;

/// Archive a file.
///
/// It disappears from lists. Its record stays readable, its bytes are kept but not served.
#[utoipa::path(
    post, path = "/v1/files/{id}/archive", tag = "files",
    params(FilePath),
    responses(
        (status = 200, description = "The record, archived", body = FileView),
        (status = 409, description = "The file is claimed"),
    )
)]
pub(super) async fn archive_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
    record(&app.service.archive_file(&cx, id).await?)
}

/// Restore an archived file.
///
/// It appears in lists again, and its bytes are served.
#[utoipa::path(
    post, path = "/v1/files/{id}/restore", tag = "files",
    params(FilePath),
    responses((status = 200, description = "The record, active", body = FileView))
)]
pub(super) async fn restore_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
    record(&app.service.restore_file(&cx, id).await?)
}
