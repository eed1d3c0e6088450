//! The endpoints of dokstamp.

use attache_model::{Context, DisplayName, FileId, FileRecord, Filename};
use attache_service::{FilePatch, FileQuery};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::uploads::Documents;
use super::views::{FileView, FilesView, OneFileView};
use crate::answer::{Answer, empty, json};
use crate::call::Call;
use crate::dialects::unpaginated_list::unpaginated_list;
use crate::native::content::stream_public;
use crate::native::{form, refuse_partial_and_coded};
use crate::path_params::file_id;
use crate::problem::Problem;
use crate::schema;
use crate::state::App;

/// The path of one file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// ID of the file.
    #[param(value_type = String, format = Uuid)]
    #[serde(rename = "uuid", deserialize_with = "file_id")]
    id: FileId,
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
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
    files: Vec<Vec<u8>>,
}

/// Store PDF files.
///
/// All of them or none. For a file whose bytes are already stored, unused, the existing record is
/// returned.
#[utoipa::path(
    post, path = "/files",
    request_body(content = UploadForm, content_type = "multipart/form-data", encoding(("files[]" = (content_type = "application/pdf")))),
    responses(
        (status = 201, description = "The files, in the order of the upload", body = FilesView),
        (status = 413, description = "The body is too large, or has too many files"),
        (status = 415, description = "The body is not a form"),
        (status = 422, description = "There is no file, or one is not a PDF"),
    )
)]
pub(super) async fn dokstamp_upload_files(app: &App, cx: Context, call: Call) -> Answer {
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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `null` for files that can be attached, `not_null` for attached ones.
    #[param(inline)]
    #[serde(rename = "where[used_at]")]
    used_at: Option<UsedAt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UsedAt {
    Null,
    NotNull,
}

/// List files.
///
/// All of them, newest first.
#[utoipa::path(
    get, path = "/files", params(ListQuery),
    responses((status = 200, description = "The files", body = FilesView))
)]
pub(super) async fn dokstamp_list_files(app: &App, cx: Context, call: Call) -> Answer {
    let ListQuery { used_at } = call.known_query()?;
    let query = FileQuery {
        used: used_at.map(|used_at| used_at == UsedAt::NotNull),
        ..FileQuery::default()
    };
    let public_url = app.public_url.clone();
    let view = move |file: &FileRecord| FileView::new(file, &public_url);
    unpaginated_list(app, cx, query, (r#"{"data":["#, "]}"), view).await
}

/// Read a file's record.
///
/// It has the URL of the bytes.
#[utoipa::path(
    get, path = "/files/{uuid}", params(FilePath),
    responses((status = 200, description = "The file", body = OneFileView))
)]
pub(super) async fn dokstamp_get_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    one_file(app, &app.service.get_file(&cx, id).await?)
}

/// The changes to a file.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = dokstamp::Change)]
pub(super) struct ChangeBody {
    /// New name.
    #[schema(value_type = schema::SentFilename)]
    original_name: String,
}

/// Rename a file.
///
/// The name is the only field that can be changed.
#[utoipa::path(
    patch, path = "/files/{uuid}", params(FilePath),
    request_body = ChangeBody,
    responses((status = 200, description = "The file after the change", body = OneFileView))
)]
pub(super) async fn dokstamp_change_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    let body: ChangeBody = call.json(app, &cx).await?;
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
/// The same as PATCH: the name is the only field that can be changed.
#[utoipa::path(
    put, path = "/files/{uuid}", params(FilePath),
    request_body = ChangeBody,
    responses((status = 200, description = "The file after the change", body = OneFileView))
)]
pub(super) async fn dokstamp_replace_file(app: &App, cx: Context, call: Call) -> Answer {
    dokstamp_change_file(app, cx, call).await
}

/// Delete a file permanently.
///
/// A file that is attached to a certificate stays.
#[utoipa::path(
    delete, path = "/files/{uuid}", params(FilePath),
    responses(
        (status = 204, description = "The file is deleted"),
        (status = 409, description = "The file is attached to a certificate"),
    )
)]
pub(super) async fn dokstamp_delete_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    app.service.delete_file(&cx, id, None).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Read a file's bytes.
///
/// Without a key, as every file here is public.
#[utoipa::path(
    get, path = "/files/{uuid}/download", params(FilePath),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>))
)]
pub(super) async fn dokstamp_read_public(app: &App, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    stream_public(app, id, &call.head).await
}

fn one_file(app: &App, file: &FileRecord) -> Answer {
    let data = FileView::new(file, &app.public_url);
    json(StatusCode::OK, &OneFileView { data })
}
