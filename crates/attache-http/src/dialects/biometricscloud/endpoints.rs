//! The endpoints of biometricscloud.

use std::time::Duration;

use attache_model::{Context, FileRecord, FileSeq, FileState};
use attache_service::{LinkAction, LinkRequest, ServiceError};
use http::StatusCode;

use super::operations::Operation;
use super::requests::{CreateBody, UpdateBody, read_list, read_update, read_upload};
use super::route::Route;
use super::views::{RecordView, RecordWithFileView, RecordsView};
use crate::app::App;
use crate::call::{Call, require_json};
use crate::dialects::admission::{NamedTenant, admit};
use crate::dialects::as_seen::as_seen;
use crate::endpoints::{Answer, json_upload, refuse_partial_and_coded};
use crate::operations::Row;
use crate::problem::Problem;
use crate::response::{empty, json};

/// How long a `file_url` is good for.
const FILE_URL_LIFETIME: Duration = Duration::from_mins(15);

/// What the OpenAPI document lists.
pub(super) mod documented {
    pub(in super::super) use super::*;
}

/// Answers an operation.
pub(super) async fn answer(
    app: &App,
    row: &'static Row<Operation>,
    route: Route,
    call: Call,
) -> Answer {
    let cx = admit(app, &call.head, row.access, NamedTenant::Nowhere).await?;
    match (row.operation, route) {
        (Operation::Create, Route::Files) => biometricscloud_create_file(app, cx, call).await,
        (Operation::List, Route::Files) => biometricscloud_list_files(app, cx, call).await,
        (Operation::Get, Route::File(id)) => biometricscloud_get_file(app, cx, id).await,
        (Operation::Update, Route::File(id)) => {
            biometricscloud_update_file(app, cx, id, call).await
        }
        (Operation::Archive, Route::File(id)) => biometricscloud_archive_file(app, cx, id).await,
        _ => Err(Problem::not_found()),
    }
}

/// Create a record with its file.
#[utoipa::path(
    post, path = "/api/v1/files", operation_id = "biometricscloud_create_file",
    tag = "biometricscloud", request_body = CreateBody,
    responses((status = 200, description = "The record", body = RecordWithFileView))
)]
async fn biometricscloud_create_file(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    require_json(&call.head)?;
    let (upload, fields) = json_upload::receive(app, &cx, call, read_upload).await?;
    let committed = upload.commit(fields).await?;
    let file = committed.first().ok_or(ServiceError::NoFile)?;
    with_file(app, &cx, &file.record).await
}

/// List records.
///
/// One page. The next begins behind the record whose `id` is given as `offset`; an empty page is the
/// end.
#[utoipa::path(
    get, path = "/api/v1/files", operation_id = "biometricscloud_list_files",
    tag = "biometricscloud",
    params(
        ("offset" = Option<i64>, Query, description = "Begin behind the record with this `id`, in the order asked for", minimum = 0),
        ("limit" = Option<u32>, Query, description = "At most how many records, 1 to 1000; 100 by default", minimum = 1, maximum = 1000),
        ("sort_order" = Option<String>, Query, description = "`asc` or `desc` (default)"),
        ("sort_field" = Option<String>, Query, description = "`id` (default) or `created_time`"),
    ),
    responses((status = 200, description = "One page", body = RecordsView))
)]
async fn biometricscloud_list_files(app: &App, cx: Context, call: Call) -> Answer {
    let request = read_list(call.head.query(), app.service.limits().max_page_size)?;
    let listed = app.service.list_files(&cx, request).await;
    let list = listed.map_err(|error| match error {
        ServiceError::Invalid(invalid) if invalid.what() == "after_seq" => {
            Problem::invalid_parameter("offset", "is the id of no record")
        }
        other => Problem::in_query(other),
    })?;
    json(StatusCode::OK, &RecordsView::from(&list))
}

/// Read a record, with a new link to its file.
#[utoipa::path(
    get, path = "/api/v1/file/{id}", operation_id = "biometricscloud_get_file",
    tag = "biometricscloud",
    params(("id" = i64, Path, description = "The record's number")),
    responses((status = 200, description = "The record", body = RecordWithFileView))
)]
async fn biometricscloud_get_file(app: &App, cx: Context, id: FileSeq) -> Answer {
    let file = app.service.get_file_by_seq(&cx, id).await?;
    with_file(app, &cx, &file).await
}

/// Change a record.
#[utoipa::path(
    put, path = "/api/v1/file/{id}", operation_id = "biometricscloud_update_file",
    tag = "biometricscloud",
    params(("id" = i64, Path, description = "The record's number")),
    request_body = UpdateBody,
    responses((status = 200, description = "The record as it is now", body = RecordWithFileView))
)]
async fn biometricscloud_update_file(app: &App, cx: Context, id: FileSeq, call: Call) -> Answer {
    require_json(&call.head)?;
    // It may bring a file, only to be told that files do not change.
    let update = json_upload::read_large(call, &mut app.json_budget.begin(), read_update).await?;
    let id = app.service.get_file_by_seq(&cx, id).await?.id;
    let change = |seen: FileRecord| {
        let patch = update.changing(&seen);
        app.service.change_file(&cx, id, patch, Some(seen.revision))
    };
    let file = as_seen(&app.service, &cx, id, |_| true, change).await?;
    with_file(app, &cx, &file).await
}

/// Archive a record.
///
/// It leaves the list; its file is kept but not served.
#[utoipa::path(
    delete, path = "/api/v1/file/{id}", operation_id = "biometricscloud_archive_file",
    tag = "biometricscloud",
    params(("id" = i64, Path, description = "The record's number")),
    responses(
        (status = 204, description = "It is archived"),
        (status = 409, description = "The file is claimed"),
    )
)]
async fn biometricscloud_archive_file(app: &App, cx: Context, id: FileSeq) -> Answer {
    let file = app.service.get_file_by_seq(&cx, id).await?;
    app.service.archive_file(&cx, file.id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// A record and a link to its file.
async fn with_file(app: &App, cx: &Context, file: &FileRecord) -> Answer {
    let view = RecordWithFileView {
        record: RecordView::from(file),
        file_url: file_url(app, cx, file).await?,
    };
    json(StatusCode::OK, &view)
}

/// A link to a record's file; empty where it is archived, as nothing serves its bytes then.
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
        // Archived since it was read.
        Err(ServiceError::Archived) => Ok(String::new()),
        Err(error) => Err(error),
    }
}
