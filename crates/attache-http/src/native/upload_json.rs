//! `POST /v1/files/json`: a file as JSON with base64.

use attache_model::{Context, Filename, MediaType};
use attache_service::{IncomingFile, UploadFields, UploadSession};
use serde::Deserialize;
use utoipa::ToSchema;

use super::json_upload::{self, JsonUpload};
use super::upload_fields::read_fields;
use super::upload_headers::refuse_partial_and_coded;
use super::upload_response::created;
use super::views::UploadedFilesView;
use crate::answer::Answer;
use crate::call::{Call, require_json};
use crate::problem::Problem;
use crate::schema;
use crate::state::App;
use crate::wire::base64;
use crate::wire::json_body::read_json;

/// A file as JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadJson)]
pub(super) struct UploadJson {
    /// Name of the file.
    #[schema(value_type = schema::SentFilename)]
    filename: String,
    /// Bytes in base64; padding is optional.
    #[schema(value_type = schema::Base64, content_encoding = "base64")]
    content: String,
    /// Declared type of the bytes.
    #[schema(value_type = Option<schema::MediaType>)]
    content_type: Option<String>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    #[schema(value_type = Option<schema::Person>)]
    person: Option<String>,
    /// ID of the person the file is about.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Category.
    #[schema(value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Display name; the filename by default.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<String>,
    /// Description.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    /// `private` (default) or `public`.
    #[schema(value_type = Option<schema::Visibility>)]
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    #[schema(value_type = Option<schema::MediaTypes>)]
    accept: Option<String>,
    /// SHA-256 that the bytes must have.
    #[schema(value_type = Option<schema::SentSha256>)]
    sha256: Option<String>,
}

/// Store a file as JSON.
///
/// Takes the bytes in base64, for clients that can send nothing else: they are held in memory.
#[utoipa::path(
    post, path = "/v1/files/json", tag = "files",
    request_body = UploadJson,
    responses(
        (status = 201, description = "The record", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record"))),
        (status = 200, description = "The file existed, and `dedup` returned its record", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record"))),
        (status = 403, description = "The key lacks `files:write`, or `links:create` for a public file"),
        (status = 422, description = "A field, the type or the digest is invalid"),
    )
)]
pub(super) async fn upload_json(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    call.no_query()?;
    require_json(&call.head)?;
    let (upload, fields) = receive(app, &cx, call).await?;
    created(app, &upload.commit(fields).await?)
}

/// Receives a file as JSON.
pub(super) async fn receive(
    app: &App,
    cx: &Context,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
    json_upload::receive(app, cx, call, read_upload).await
}

fn read_upload(body: &[u8]) -> Result<JsonUpload, Problem> {
    let sent: UploadJson = read_json(body)?;
    let filename = Filename::parse(&sent.filename)
        .map_err(|error| Problem::invalid_field("filename", error.to_string()))?;
    let content = base64::decode(&sent.content)
        .map_err(|error| Problem::invalid_field("content", error.to_string()))?;
    let declared_type = sent
        .content_type
        .as_deref()
        .map(MediaType::parse)
        .transpose();
    let declared_type =
        declared_type.map_err(|error| Problem::invalid_field("content_type", error.to_string()))?;
    let fields = json_fields(&sent)?;
    let file = IncomingFile {
        filename,
        declared_type,
        expected_sha256: fields.sha256,
        accept: fields.accept.clone(),
    };
    Ok(JsonUpload {
        file,
        fields,
        content: content.into(),
    })
}

fn json_fields(sent: &UploadJson) -> Result<UploadFields, Problem> {
    let dedup = sent.dedup.map(|dedup| dedup.to_string());
    read_fields([
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
}
