//! The endpoints of dokstamp.

use attache_model::{Context, DisplayName, FileId, FileRecord, Filename};
use attache_service::{FilePatch, FileQuery};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::operations::Operation;
use super::route::Route;
use super::uploads::Documents;
use super::views::{FileView, FilesView, OneFileView};
use crate::app::App;
use crate::call::Call;
use crate::dialects::admission::{NamedTenant, admit};
use crate::dialects::whole_list::whole_list;
use crate::endpoints::content::stream_public;
use crate::endpoints::{Answer, form, refuse_partial_and_coded};
use crate::operations::Row;
use crate::problem::Problem;
use crate::response::{empty, json};
use crate::wire::query::{QueryError, StrictQuery};

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
    if let (Operation::Download, Route::Download(id)) = (row.operation, &route) {
        return dokstamp_read_public(app, *id, call).await;
    }
    let tenant = NamedTenant::Header("x-tenant");
    let cx = admit(app, &call.head, row.access, tenant).await?;
    match (row.operation, route) {
        (Operation::Upload, Route::Files) => dokstamp_upload_files(app, cx, call).await,
        (Operation::List, Route::Files) => dokstamp_list_files(app, cx, call).await,
        (Operation::Get, Route::File(id)) => dokstamp_get_file(app, cx, id).await,
        (Operation::Change, Route::File(id)) => dokstamp_change_file(app, cx, id, call).await,
        (Operation::Replace, Route::File(id)) => dokstamp_replace_file(app, cx, id, call).await,
        (Operation::Delete, Route::File(id)) => dokstamp_delete_file(app, cx, id).await,
        _ => Err(Problem::not_found()),
    }
}

/// PDF files to store.
#[derive(ToSchema)]
#[schema(as = dokstamp::UploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(super) struct UploadForm {
    /// One or more PDF files.
    #[serde(rename = "files[]")]
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<Vec<u8>>,
}

/// Store PDF files.
///
/// All of them or none. A file whose bytes are there already, unused, is answered with its record.
#[utoipa::path(
    post, path = "/files", operation_id = "dokstamp_upload_files", tag = "dokstamp",
    params(("X-Tenant" = Option<String>, Header, description = "The key's tenant")),
    request_body(content((UploadForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The files, in the order they came", body = FilesView),
        (status = 413, description = "The body is too large, or has too many files"),
        (status = 415, description = "The body is no form"),
        (status = 422, description = "There is no file, or one is no PDF"),
    )
)]
async fn dokstamp_upload_files(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let (upload, fields) = form::receive(app, &cx, call, Documents::new()?).await?;
    let committed = upload.commit(fields).await?;
    let files = committed.iter();
    let view = FilesView {
        data: files
            .map(|file| FileView::new(&file.record, &app.public_url))
            .collect(),
    };
    json(StatusCode::CREATED, &view)
}

/// List files.
///
/// All of them, newest first.
#[utoipa::path(
    get, path = "/files", operation_id = "dokstamp_list_files", tag = "dokstamp",
    params(
        ("X-Tenant" = Option<String>, Header, description = "The key's tenant"),
        ("where[used_at]" = Option<String>, Query, description = "`null` for files that can be attached, `not_null` for those that are"),
    ),
    responses((status = 200, description = "The files", body = FilesView))
)]
async fn dokstamp_list_files(app: &App, cx: Context, call: Call) -> Answer {
    const USED_AT: &str = "where[used_at]";
    let used = match StrictQuery::parse_known(call.head.query(), &[USED_AT])?
        .take(USED_AT)
        .as_deref()
    {
        None => None,
        Some("null") => Some(false),
        Some("not_null") => Some(true),
        Some(_) => return Err(QueryError::new(USED_AT, "is neither null nor not_null").into()),
    };
    let query = FileQuery {
        used,
        ..FileQuery::default()
    };
    let public_url = app.public_url.clone();
    let view = move |file: &FileRecord| FileView::new(file, &public_url);
    whole_list(app, cx, query, (r#"{"data":["#, "]}"), view).await
}

/// Read a file's record.
#[utoipa::path(
    get, path = "/files/{uuid}", operation_id = "dokstamp_get_file", tag = "dokstamp",
    params(
        ("uuid" = String, Path, description = "The file's id", format = Uuid),
        ("X-Tenant" = Option<String>, Header, description = "The key's tenant"),
    ),
    responses((status = 200, description = "The file", body = OneFileView))
)]
async fn dokstamp_get_file(app: &App, cx: Context, id: FileId) -> Answer {
    one_file(app, &app.service.get_file(&cx, id).await?)
}

/// What can be changed of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = dokstamp::Change)]
pub(super) struct ChangeBody {
    /// Its new name.
    original_name: String,
}

/// Rename a file.
#[utoipa::path(
    patch, path = "/files/{uuid}", operation_id = "dokstamp_change_file", tag = "dokstamp",
    params(
        ("uuid" = String, Path, description = "The file's id", format = Uuid),
        ("X-Tenant" = Option<String>, Header, description = "The key's tenant"),
    ),
    request_body = ChangeBody,
    responses((status = 200, description = "The file as it is now", body = OneFileView))
)]
async fn dokstamp_change_file(app: &App, cx: Context, id: FileId, call: Call) -> Answer {
    let body: ChangeBody = call.json().await?;
    let filename = Filename::parse(&body.original_name)
        .map_err(|error| Problem::invalid_field("original_name", error.to_string()))?;
    let patch = FilePatch {
        name: Some(DisplayName::from(&filename)),
        filename: Some(filename),
        ..FilePatch::default()
    };
    one_file(app, &app.service.change_file(&cx, id, patch, None).await?)
}

/// Rename a file.
///
/// The same as PATCH: of the fields of a file only its name can be changed.
#[utoipa::path(
    put, path = "/files/{uuid}", operation_id = "dokstamp_replace_file", tag = "dokstamp",
    params(
        ("uuid" = String, Path, description = "The file's id", format = Uuid),
        ("X-Tenant" = Option<String>, Header, description = "The key's tenant"),
    ),
    request_body = ChangeBody,
    responses((status = 200, description = "The file as it is now", body = OneFileView))
)]
async fn dokstamp_replace_file(app: &App, cx: Context, id: FileId, call: Call) -> Answer {
    dokstamp_change_file(app, cx, id, call).await
}

/// Delete a file for good.
#[utoipa::path(
    delete, path = "/files/{uuid}", operation_id = "dokstamp_delete_file", tag = "dokstamp",
    params(
        ("uuid" = String, Path, description = "The file's id", format = Uuid),
        ("X-Tenant" = Option<String>, Header, description = "The key's tenant"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "It is attached to a certificate"),
    )
)]
async fn dokstamp_delete_file(app: &App, cx: Context, id: FileId) -> Answer {
    app.service.delete_file(&cx, id, None).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Read a file's bytes, without a key.
#[utoipa::path(
    get, path = "/files/{uuid}/download", operation_id = "dokstamp_read_public", tag = "dokstamp",
    params(("uuid" = String, Path, description = "The file's id", format = Uuid)),
    responses((status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>))
)]
async fn dokstamp_read_public(app: &App, id: FileId, call: Call) -> Answer {
    stream_public(app, id, &call.head).await
}

fn one_file(app: &App, file: &FileRecord) -> Answer {
    let data = FileView::new(file, &app.public_url);
    json(StatusCode::OK, &OneFileView { data })
}
