//! `/v1/uploads`: files that are promised first, and sent by whoever has the URL.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_model::{FileId, Filename, MediaType};
use attache_service::{PendingUpload, ServiceError, UploadRequest, UploadTarget};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Answer;
use super::record::record;
use super::upload::refuse_partial_and_coded;
use super::upload_fields::read_fields;
use crate::Route;
use crate::app::App;
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::response::{empty, json};
use crate::views::{FileView, PromisedUploadView, UploadReceiptView, UploadView};
use crate::wire::query::StrictQuery;

/// The file to promise.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUpload)]
pub(crate) struct NewUploadBody {
    /// The file's name.
    filename: String,
    /// What its bytes will be; they have to be sent as this, and to be this.
    content_type: String,
    /// How many bytes there will be, no more and no less.
    size_bytes: Option<u64>,
    /// The SHA-256 the bytes will have.
    sha256: Option<String>,
    /// How many seconds the bytes may take to be sent; 3600 by default.
    #[schema(minimum = 1, maximum = 86400)]
    expires_in: Option<u64>,
    /// Whom the file is about, by the tenant's identifier; an unknown one registers a person when the
    /// bytes are there.
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
}

/// Begin an upload.
///
/// Promises a file, and answers where its bytes are to be sent, by whoever has the URL.
#[utoipa::path(
    post, path = "/v1/uploads", operation_id = "begin_upload", tag = "uploads",
    request_body = NewUploadBody,
    responses(
        (status = 201, description = "Where to send the bytes", body = PromisedUploadView, headers(("Location" = String, description = "The upload"))),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` where the record is to be public"),
        (status = 413, description = "The body, or the file that is promised, is too large"),
        (status = 422, description = "A field is not right"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn begin_upload(app: &App, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let request = read_request(&call.json().await?)?;
    let promised = app.service.begin_upload(&cx, request).await?;
    let mut response = json(StatusCode::CREATED, &promised_view(app, &promised))?;
    let url = app.public_url.to(&Route::Upload(promised.upload.id));
    if let Ok(location) = HeaderValue::try_from(url) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn read_request(sent: &NewUploadBody) -> Result<UploadRequest, Problem> {
    let filename = Filename::parse(&sent.filename)
        .map_err(|error| Problem::invalid_field("filename", error.to_string()))?;
    let content_type = MediaType::parse(&sent.content_type)
        .map_err(|error| Problem::invalid_field("content_type", error.to_string()))?;
    let fields = read_fields([
        ("person", &sent.person),
        ("person_id", &sent.person_id),
        ("category", &sent.category),
        ("name", &sent.name),
        ("description", &sent.description),
        ("visibility", &sent.visibility),
        ("sha256", &sent.sha256),
    ])?;
    Ok(UploadRequest {
        size_bytes: sent.size_bytes,
        sha256: fields.sha256,
        person: fields.person,
        category: fields.category,
        name: fields.name,
        description: fields.description,
        visibility: fields.visibility,
        expires_in: sent.expires_in.map(Duration::from_secs),
        ..UploadRequest::new(filename, content_type)
    })
}

fn promised_view(app: &App, promised: &PendingUpload) -> PromisedUploadView {
    let upload = &promised.upload;
    let (method, headers) = match &promised.target {
        UploadTarget::Service(_) => {
            let content_type = upload.content_type.to_string();
            let headers = BTreeMap::from([("Content-Type".to_owned(), content_type)]);
            ("PUT", headers)
        }
        UploadTarget::Store(signed) => (signed.method, signed.headers.iter().cloned().collect()),
    };
    PromisedUploadView {
        id: upload.id.to_string(),
        state: upload.state(app.service.clock().now()).as_str(),
        url: app.public_url.to_target(promised),
        method,
        headers,
        expires_at: upload.expires_at.to_string(),
    }
}

/// Read an upload.
#[utoipa::path(
    get, path = "/v1/uploads/{id}", operation_id = "get_upload", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id", format = Uuid)),
    responses(
        (status = 200, description = "The upload, and the record it became", body = UploadView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`"),
        (status = 404, description = "The tenant has no such upload"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn get_upload(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let status = app.service.find_upload(&cx, id).await?;
    json(StatusCode::OK, &UploadView::from(&status))
}

/// Complete an upload whose bytes went straight to the store.
///
/// Checks them like any others and makes the record. An upload that is complete already answers its
/// record again.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", operation_id = "complete_upload", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id", format = Uuid)),
    responses(
        (status = 200, description = "The record", body = FileView),
        (status = 400, description = "The bytes have another length than was promised"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`"),
        (status = 404, description = "The tenant has no such upload, or its record was deleted"),
        (status = 409, description = "The bytes have not arrived"),
        (status = 410, description = "The upload has expired"),
        (status = 413, description = "The bytes are too many"),
        (status = 422, description = "The bytes are not as they were promised"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn complete_upload(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    record(&app.service.complete_upload(&cx, id).await?)
}

/// Cancel an upload.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", operation_id = "cancel_upload", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id", format = Uuid)),
    responses(
        (status = 204, description = "It is gone, with whatever was sent"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`"),
        (status = 404, description = "The tenant has no such upload"),
        (status = 409, description = "It is complete: delete the file instead"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn cancel_upload(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    app.service.cancel_upload(&cx, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Send the bytes of an upload, by its URL.
///
/// Completes the upload, and answers what was received; the record is for those with a key. A refused
/// attempt can be made again until the URL expires.
#[utoipa::path(
    put, path = "/v1/uploads/{id}/content", operation_id = "send_upload", tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload's id", format = Uuid),
        ("Tenant" = i64, Query, description = "As the URL has it"),
        ("Expires" = i64, Query, description = "When the URL ends, in seconds since 1970"),
        ("KeyId" = String, Query, description = "As the URL has it"),
        ("Signature" = String, Query, description = "As the URL has it"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes, as the promised type"),
    responses(
        (status = 201, description = "What was received", body = UploadReceiptView, headers(("Location" = String, description = "The record"))),
        (status = 400, description = "The body broke off, or has another length than was promised"),
        (status = 403, description = "The URL is not valid, or has expired"),
        (status = 404, description = "The upload was cancelled"),
        (status = 409, description = "The upload is complete"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is coded"),
        (status = 422, description = "The bytes are not as they were promised"),
    )
)]
pub(crate) async fn send_upload(app: &App, id: FileId, call: Call) -> Answer {
    let pairs = call.head.link_pairs()?;
    let declared_type = call.head.content_type().map(MediaType::parse);
    let declared_type = declared_type.and_then(Result::ok);
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let request_id = call.head.request_id.clone();
    let file = app
        .service
        .receive_upload(
            id,
            &pairs,
            declared_type.as_ref(),
            call.into_file_body(),
            request_id,
        )
        .await
        .map_err(told_to_bearer)?;
    let mut response = json(StatusCode::CREATED, &UploadReceiptView::from(&file))?;
    if let Ok(location) = HeaderValue::try_from(app.public_url.to(&Route::File(file.id))) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Whoever only has the URL is not told the digest that was promised: it says what the file is.
fn told_to_bearer(error: ServiceError) -> Problem {
    match error {
        ServiceError::DigestMismatch { actual, .. } => Problem::new(
            ProblemKind::DigestMismatch,
            format!("the bytes have the sha256 {actual}, which is not what was promised"),
        ),
        error => error.into(),
    }
}
