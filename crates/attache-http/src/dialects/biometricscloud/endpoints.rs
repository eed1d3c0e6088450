//! The endpoints of biometricscloud.

use std::time::Duration;

use attache_model::{Context, FileRecord, FileState};
use attache_service::{LinkAction, LinkRequest, ServiceError};
use http::StatusCode;

use super::requests::{CreateBody, ListQuery, RecordPath, UpdateBody, read_update, read_upload};
use super::views::{RecordView, RecordWithFileView, RecordsView};
use crate::answer::{Answer, empty, json};
use crate::call::{Call, require_json};
use crate::dialects::optimistic::update_if_unchanged;
use crate::native::{json_upload, refuse_partial_and_coded};
use crate::problem::Problem;
use crate::state::App;

/// The lifetime of a `file_url`.
const FILE_URL_LIFETIME: Duration = Duration::from_mins(15);

/// Create a record with its file.
///
/// The file is in the JSON, as base64.
#[utoipa::path(
    post, path = "/api/v1/files", request_body = CreateBody,
    responses((status = 200, description = "The record", body = RecordWithFileView))
)]
pub(super) async fn biometricscloud_create_file(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    require_json(&call.head)?;
    let (upload, fields) = json_upload::receive(app, &cx, call, read_upload).await?;
    let committed = upload.commit(fields).await?;
    let file = committed.first().ok_or(ServiceError::NoFile)?;
    with_file(app, &cx, &file.record).await
}

/// List records.
///
/// One page. The next starts behind the record whose `id` is given as `offset`; an empty page is the end.
#[utoipa::path(
    get, path = "/api/v1/files", params(ListQuery),
    responses((status = 200, description = "One page", body = RecordsView))
)]
pub(super) async fn biometricscloud_list_files(app: &App, cx: Context, call: Call) -> Answer {
    let query: ListQuery = call.known_query()?;
    let request = query.into_request(app.service.limits().max_page_size)?;
    let listed = app.service.list_files(&cx, request).await;
    let list = listed.map_err(|error| match error {
        ServiceError::Invalid(invalid) if invalid.what() == "after_seq" => {
            Problem::invalid_parameter("offset", "is not the id of a record")
        }
        other => Problem::in_query(other),
    })?;
    json(StatusCode::OK, &RecordsView::from(&list))
}

/// Read a record.
///
/// With a new link to its file.
#[utoipa::path(
    get, path = "/api/v1/file/{id}", params(RecordPath),
    responses((status = 200, description = "The record", body = RecordWithFileView))
)]
pub(super) async fn biometricscloud_get_file(app: &App, cx: Context, call: Call) -> Answer {
    let RecordPath { id } = call.path()?;
    let file = app.service.get_file_by_seq(&cx, id).await?;
    with_file(app, &cx, &file).await
}

/// Change a record.
///
/// The bytes of its file cannot be changed.
#[utoipa::path(
    put, path = "/api/v1/file/{id}", params(RecordPath),
    request_body = UpdateBody,
    responses((status = 200, description = "The record after the change", body = RecordWithFileView))
)]
pub(super) async fn biometricscloud_update_file(app: &App, cx: Context, call: Call) -> Answer {
    let RecordPath { id } = call.path()?;
    require_json(&call.head)?;
    // The body may hold a file, which is then refused with a reason.
    let room = app.json_budget.begin(cx.tenant());
    let update = json_upload::read_large(call, room, read_update);
    let (update, _) = update.await?;
    let id = app.service.get_file_by_seq(&cx, id).await?.id;
    let change = |current: FileRecord| {
        let patch = update.patch_for(&current);
        let expected = Some(current.revision);
        app.service.change_file(&cx, id, patch, expected)
    };
    let file = update_if_unchanged(&app.service, &cx, id, |_| true, change).await?;
    with_file(app, &cx, &file).await
}

/// Archive a record.
///
/// It disappears from the list; its file is kept but not served.
#[utoipa::path(
    delete, path = "/api/v1/file/{id}", params(RecordPath),
    responses(
        (status = 204, description = "The record is archived"),
        (status = 409, description = "The file is claimed"),
    )
)]
pub(super) async fn biometricscloud_archive_file(app: &App, cx: Context, call: Call) -> Answer {
    let RecordPath { id } = call.path()?;
    let file = app.service.get_file_by_seq(&cx, id).await?;
    app.service.archive_file(&cx, file.id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Returns the response with a record and a link to its file.
async fn with_file(app: &App, cx: &Context, file: &FileRecord) -> Answer {
    let view = RecordWithFileView {
        record: RecordView::from(file),
        file_url: file_url(app, cx, file).await?,
    };
    json(StatusCode::OK, &view)
}

/// Returns a link to a record's file; empty if the record is archived, as its bytes are not served then.
async fn file_url(app: &App, cx: &Context, file: &FileRecord) -> Result<String, ServiceError> {
    if file.state() == FileState::Archived {
        return Ok(String::new());
    }
    let request = LinkRequest {
        action: LinkAction::View,
        expires_in: Some(FILE_URL_LIFETIME),
    };
    match app.service.create_link(cx, file.id, request).await {
        Ok(link) => Ok(app.public_url.to_stream(&link)),
        // Archived in the meantime.
        Err(ServiceError::Archived) => Ok(String::new()),
        Err(error) => Err(error),
    }
}
