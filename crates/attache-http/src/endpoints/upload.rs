//! `POST /v1/files`: a form, JSON with base64, or the bytes as they are.

use attache_model::{Context, Filename, MediaType};
use attache_service::{CommittedFile, IncomingFile, UploadFields, UploadSession};
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Answer;
use super::form::{self, FormFields as _};
use super::json_upload::{self, JsonUpload};
use super::upload_fields::{FIELD_NAMES, FieldCollector, read_fields};
use crate::Route;
use crate::app::App;
use crate::call::{Call, is_form, is_json};
use crate::problem::{Problem, ProblemKind};
use crate::response::json;
use crate::views::UploadedFilesView;
use crate::wire::base64;
use crate::wire::json_body::read_json;
use crate::wire::query::StrictQuery;

/// A form: file parts under any name, and fields in any order.
#[derive(ToSchema)]
#[schema(as = UploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(crate) struct UploadForm {
    /// One or more files; the parts may have any name.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
    /// Whom the files are about, by the tenant's identifier; an unknown one registers a person.
    person: Option<String>,
    /// Whom the files are about, by our id.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Their group.
    category: Option<String>,
    /// What people read as their name; the filename by default.
    name: Option<String>,
    /// A free text.
    description: Option<String>,
    /// `private` (default) or `public`.
    visibility: Option<String>,
    /// Whether an existing, equal, unclaimed record is to be answered instead of a new one.
    dedup: Option<bool>,
    /// A comma list of the only types to take.
    accept: Option<String>,
    /// The SHA-256 the bytes must have; for one file.
    sha256: Option<String>,
}

/// A file as JSON.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadJson)]
pub(crate) struct UploadJson {
    /// The file's name.
    filename: String,
    /// The bytes in base64; padding is optional.
    content: String,
    /// What the bytes are said to be.
    content_type: Option<String>,
    /// Whom the file is about, by the tenant's identifier; an unknown one registers a person.
    person: Option<String>,
    /// Whom the file is about, by our id.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Its group.
    category: Option<String>,
    /// What people read as its name; the filename by default.
    name: Option<String>,
    /// A free text.
    description: Option<String>,
    /// `private` (default) or `public`.
    visibility: Option<String>,
    /// Whether an existing, equal, unclaimed record is to be answered instead of a new one.
    dedup: Option<bool>,
    /// A comma list of the only types to take.
    accept: Option<String>,
    /// The SHA-256 the bytes must have.
    sha256: Option<String>,
}

/// Store files.
///
/// As a form (`multipart/form-data`), as JSON with base64 content, or as the bytes themselves with
/// `filename` and the fields in the query. All files of one request are stored or none.
#[utoipa::path(
    post, path = "/v1/files", operation_id = "upload_files", tag = "files",
    params(
        ("filename" = Option<String>, Query, description = "The file's name, where the body is its bytes"),
        ("person" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("person_id" = Option<String>, Query, description = "With `filename`: as in the form", format = Uuid),
        ("category" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("name" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("description" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("visibility" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("dedup" = Option<bool>, Query, description = "With `filename`: as in the form"),
        ("accept" = Option<String>, Query, description = "With `filename`: as in the form"),
        ("sha256" = Option<String>, Query, description = "With `filename`: as in the form"),
    ),
    request_body(content(
        (UploadForm = "multipart/form-data"),
        (UploadJson = "application/json"),
        (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 201, description = "The records, in the order of the files", body = UploadedFilesView, headers(("Location" = String, description = "The record, where there is one file"))),
        (status = 200, description = "Every file was there already, and `dedup` had the records answered", body = UploadedFilesView),
        (status = 400, description = "The body or the query cannot be read"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` where the record is to be public"),
        (status = 413, description = "The body is too large, or has too many files"),
        (status = 415, description = "The body is none of the three"),
        (status = 422, description = "A field, the type or the digest is not right"),
        (status = 503, description = "Try again"),
        (status = 507, description = "There is no room left"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn upload_files(app: &App, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let mut query = StrictQuery::parse(call.head.query())?;
    let filename = query.take("filename");
    if call.head.content_type().is_some_and(is_form) {
        refuse_query_of_form(call.head.query())?;
    }
    let (upload, fields) = if let Some(filename) = filename {
        receive_bytes(app, &cx, call, query, &filename).await?
    } else {
        query.finish()?;
        receive_by_type(app, &cx, call).await?
    };
    created(app, &upload.commit(fields).await?)
}

/// Headers that change what the bytes mean, and would be stored wrongly if they were ignored.
pub(crate) fn refuse_partial_and_coded(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_RANGE) {
        let detail = "part of a file cannot be uploaded: send the whole, without Content-Range";
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

/// A form says everything itself. Taking it for raw bytes would store its envelope as the file.
fn refuse_query_of_form(query: Option<&str>) -> Result<(), Problem> {
    match StrictQuery::parse(query)?.into_pairs().first() {
        None => Ok(()),
        Some((name, _)) => Err(Problem::invalid_parameter(
            name,
            "belongs into the form, where the body is one",
        )),
    }
}

/// What curl declares where nothing was declared, and says nothing about a file.
const CURLS_DEFAULT: &str = "application/x-www-form-urlencoded";

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
            "send multipart/form-data, or application/json with base64 content, or the bytes \
             themselves with ?filename= in the query",
        )),
    }
}

/// The bytes as they are, everything else in the query.
async fn receive_bytes(
    app: &App,
    cx: &Context,
    call: Call,
    mut query: StrictQuery,
    filename: &str,
) -> Result<(UploadSession, UploadFields), Problem> {
    let filename = Filename::parse(filename)
        .map_err(|error| Problem::invalid_parameter("filename", error.to_string()))?;
    let mut fields = FieldCollector::default();
    for name in FIELD_NAMES {
        if let Some(text) = query.take(name) {
            fields
                .take(name, &text)
                .map_err(|fault| Problem::invalid_parameter(&fault.field, fault.detail))?;
        }
    }
    query.finish()?;
    let fields = fields
        .finish()
        .map_err(|fault| Problem::invalid_parameter(&fault.field, fault.detail))?;
    let file = IncomingFile {
        filename,
        declared_type: call
            .head
            .content_type()
            .and_then(|text| MediaType::parse(text).ok())
            .filter(|declared| declared.essence() != CURLS_DEFAULT),
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
        let url = app.public_url.to(&Route::File(file.record.id));
        if let Ok(location) = HeaderValue::try_from(url) {
            response.headers_mut().insert(LOCATION, location);
        }
    }
    Ok(response)
}
