//! `POST /v1/files/raw`: the bytes of a file, and its fields in the query.

use attache_model::{Context, Filename};
use attache_service::{IncomingFile, UploadFields, UploadSession};
use serde::Deserialize;
use utoipa::IntoParams;

use super::upload_fields::{FIELD_NAMES, collect_fields};
use super::upload_headers::refuse_partial_and_coded;
use super::upload_response::created;
use super::views::UploadedFilesView;
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::schema;
use crate::state::App;
use crate::wire::query;

/// The name of a file whose bytes are the body, and its fields as in the form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    /// Name of the file.
    #[param(value_type = schema::SentFilename, required = true)]
    filename: Option<String>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    #[param(value_type = Option<schema::Person>)]
    person: Option<String>,
    /// ID of the person the file is about.
    #[param(format = Uuid)]
    person_id: Option<String>,
    /// Category.
    #[param(value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Display name; the filename by default.
    #[param(value_type = Option<schema::Name>)]
    name: Option<String>,
    /// Description.
    #[param(value_type = Option<schema::Description>)]
    description: Option<String>,
    /// `private` (default) or `public`.
    #[param(value_type = Option<schema::Visibility>)]
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    #[serde(default, deserialize_with = "query::boolean")]
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    #[param(value_type = Option<schema::MediaTypes>)]
    accept: Option<String>,
    /// SHA-256 that the bytes must have.
    #[param(value_type = Option<schema::SentSha256>)]
    sha256: Option<String>,
}

/// Store a file as it is.
///
/// The body is the bytes of the file, the `Content-Type` their type; the fields are in the query.
#[utoipa::path(
    post, path = "/v1/files/raw", tag = "files",
    params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes, with their type or as `application/octet-stream`"),
    responses(
        (status = 201, description = "The record", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record"))),
        (status = 200, description = "The file existed, and `dedup` returned its record", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record"))),
        (status = 400, description = "The body is incomplete, or a parameter is invalid"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` for a public file"),
        (status = 415, description = "The body is a form, or has a content coding"),
        (status = 422, description = "The type or the digest is not the expected one"),
    )
)]
pub(super) async fn upload_raw(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let (upload, fields) = receive(app, &cx, call).await?;
    created(app, &upload.commit(fields).await?)
}

/// Returns `true` if the query names the file whose bytes are the body.
pub(super) fn has_filename(call: &Call) -> Result<bool, Problem> {
    Ok(read_query(call)?.filename.is_some())
}

/// Reads the query. As in a form, an empty field counts as absent.
fn read_query(call: &Call) -> Result<UploadQuery, Problem> {
    call.query_without_empty(&FIELD_NAMES)
}

/// Receives the bytes of one file, described by the query.
pub(super) async fn receive(
    app: &App,
    cx: &Context,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
    let sent = read_query(&call)?;
    let Some(filename) = &sent.filename else {
        return Err(Problem::invalid_parameter("filename", "is missing"));
    };
    let filename = Filename::parse(filename)
        .map_err(|error| Problem::invalid_parameter("filename", error.to_string()))?;
    let dedup = sent.dedup.map(|dedup| dedup.to_string());
    let fields = collect_fields([
        ("person", &sent.person),
        ("person_id", &sent.person_id),
        ("category", &sent.category),
        ("name", &sent.name),
        ("description", &sent.description),
        ("visibility", &sent.visibility),
        ("dedup", &dedup),
        ("accept", &sent.accept),
        ("sha256", &sent.sha256),
    ])
    .map_err(|fault| Problem::invalid_parameter(&fault.field, fault.detail))?;
    let file = IncomingFile {
        filename,
        declared_type: call.head.file_type()?,
        expected_sha256: fields.sha256,
        accept: fields.accept.clone(),
    };
    let declared_bytes = call.head.declared_bytes();
    let mut upload = app.service.open_session(cx, declared_bytes).await?;
    upload.add_file(file, call.into_file_body()).await?;
    Ok((upload, fields))
}
