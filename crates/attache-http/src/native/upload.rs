//! `POST /v1/files`: a form, JSON with base64, or the bytes themselves.

use attache_model::{Context, Filename, MediaType};
use attache_service::{CommittedFile, IncomingFile, UploadFields, UploadSession};
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::form;
use super::json_upload::{self, JsonUpload};
use super::upload_fields::{FieldCollector, collect_fields, read_fields};
use super::views::UploadedFilesView;
use crate::answer::{Answer, json};
use crate::call::{Call, is_form, is_json};
use crate::paths;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;
use crate::wire::json_body::read_json;
use crate::wire::{base64, query};

/// A form: file parts with any name, and fields in any order.
#[derive(ToSchema)]
#[schema(as = UploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(super) struct UploadForm {
    /// One or more files, in parts with any name.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Identifier of the person the files are about; an unknown one registers a person.
    person: Option<String>,
    /// ID of the person the files are about.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Category of the files.
    category: Option<String>,
    /// Display name of the files; the filename by default.
    name: Option<String>,
    /// Description.
    description: Option<String>,
    /// `private` (default) or `public`.
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    accept: Option<String>,
    /// SHA-256 that the bytes must have; for one file.
    sha256: Option<String>,
}

/// A file as JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadJson)]
pub(super) struct UploadJson {
    /// Name of the file.
    filename: String,
    /// Bytes in base64; padding is optional.
    content: String,
    /// Declared type of the bytes.
    content_type: Option<String>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    person: Option<String>,
    /// ID of the person the file is about.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Category.
    category: Option<String>,
    /// Display name; the filename by default.
    name: Option<String>,
    /// Description.
    description: Option<String>,
    /// `private` (default) or `public`.
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    accept: Option<String>,
    /// SHA-256 that the bytes must have.
    sha256: Option<String>,
}

/// The name of a file whose bytes are the body, and its fields as in the form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    /// Name of the file, if the body is its bytes. The other parameters need it.
    filename: Option<String>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    person: Option<String>,
    /// ID of the person the file is about.
    #[param(format = Uuid)]
    person_id: Option<String>,
    /// Category.
    category: Option<String>,
    /// Display name; the filename by default.
    name: Option<String>,
    /// Description.
    description: Option<String>,
    /// `private` (default) or `public`.
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    #[serde(default, deserialize_with = "query::boolean")]
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    accept: Option<String>,
    /// SHA-256 that the bytes must have.
    sha256: Option<String>,
}

/// Store files.
///
/// Takes a form (`multipart/form-data`), JSON with base64 content, or the bytes themselves with
/// `filename` and the fields in the query. All files of one request are stored, or none.
#[utoipa::path(
    post, path = "/v1/files", tag = "files",
    params(UploadQuery),
    request_body(content(
        (UploadForm = "multipart/form-data"),
        (UploadJson = "application/json"),
        (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 201, description = "The records, in the order of the files", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record, if there is one file"))),
        (status = 200, description = "Every file existed, and `dedup` returned its record", body = UploadedFilesView),
        (status = 400, description = "The body or the query is malformed"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` for a public file"),
        (status = 413, description = "The body is too large, or has too many files"),
        (status = 415, description = "The body has none of the three types"),
        (status = 422, description = "A field, the type or the digest is invalid"),
    )
)]
pub(super) async fn upload_files(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    if call.head.content_type().is_some_and(is_form) {
        refuse_query(&call, "belongs in the form, if the body is one")?;
    }
    let sent: UploadQuery = call.query()?;
    let (upload, fields) = if let Some(filename) = &sent.filename {
        receive_bytes(app, &cx, &sent, filename, call).await?
    } else {
        refuse_query(&call, "needs the parameter `filename`")?;
        receive_by_type(app, &cx, call).await?
    };
    created(app, &upload.commit(fields).await?)
}

/// Refuses headers that change the meaning of the bytes: if they were ignored, the file would be stored
/// wrongly.
pub(crate) fn refuse_partial_and_coded(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_RANGE) {
        let detail =
            "part of a file cannot be uploaded: send the whole file, without Content-Range";
        return Err(Problem::new(ProblemKind::MalformedBody, detail));
    }
    let coded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| coding != "identity");
    let transfer = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .any(|coding| coding != "chunked");
    if coded || transfer {
        let detail = "send the bytes as they are, without Content-Encoding";
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
    }
    let digests = [
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("repr-digest"),
    ];
    if digests.iter().any(|name| headers.contains_key(name)) {
        let detail = "digests in headers are not verified here: give the field sha256 instead";
        return Err(Problem::new(ProblemKind::MalformedBody, detail));
    }
    Ok(())
}

/// Refuses any parameter beside a body that has fields of its own. With `filename`, a form would
/// otherwise be stored as the bytes of the file.
fn refuse_query(call: &Call, detail: &str) -> Result<(), Problem> {
    match query::pairs(call.head.query())?.first() {
        None => Ok(()),
        Some((name, _)) => Err(Problem::invalid_parameter(name, detail)),
    }
}

/// The type that curl declares by default. It says nothing about the file.
const CURL_DEFAULT_TYPE: &str = "application/x-www-form-urlencoded";

async fn receive_by_type(
    app: &App,
    cx: &Context,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
    match call.head.content_type() {
        Some(declared) if is_form(declared) => {
            form::receive(app, cx, call, FieldCollector::default()).await
        }
        Some(declared) if is_json(declared) => {
            json_upload::receive(app, cx, call, read_upload).await
        }
        _ => Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "send multipart/form-data, application/json with base64 content, or the bytes \
             themselves with ?filename= in the query",
        )),
    }
}

/// Receives the bytes of one file, described by the query.
async fn receive_bytes(
    app: &App,
    cx: &Context,
    sent: &UploadQuery,
    filename: &str,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
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
        declared_type: call
            .head
            .content_type()
            .and_then(|text| MediaType::parse(text).ok())
            .filter(|declared| declared.essence() != CURL_DEFAULT_TYPE),
        expected_sha256: fields.sha256,
        accept: fields.accept.clone(),
    };
    let declared_bytes = call.head.declared_bytes();
    let mut upload = app.service.open_session(cx, declared_bytes).await?;
    upload.add_file(file, call.into_file_body()).await?;
    Ok((upload, fields))
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

fn created(app: &App, files: &[CommittedFile]) -> Answer {
    let all_known = files.iter().all(|file| file.deduplicated);
    let status = if all_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = json(status, &UploadedFilesView::from(files))?;
    if let [file] = files {
        let url = app.public_url.to(paths::file(file.record.id));
        if let Ok(location) = HeaderValue::try_from(url) {
            response.headers_mut().insert(LOCATION, location);
        }
    }
    Ok(response)
}
