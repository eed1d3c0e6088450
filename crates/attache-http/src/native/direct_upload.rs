//! `/v1/uploads`: uploads that are begun with a key, and sent by the bearer of a URL.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_model::{Context, Filename, MediaType};
use attache_service::{PendingUpload, ServiceError, UploadRequest, UploadTarget};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::params::{UploadLinkQuery, UploadPath};
use super::record::record;
use super::upload_fields::read_fields;
use super::upload_headers::refuse_partial_and_coded;
use super::views::{FileView, PendingUploadView, UploadReceiptView, UploadView};
use crate::answer::{Answer, empty, json};
use crate::call::Call;
use crate::paths;
use crate::problem::{Problem, ProblemKind};
use crate::schema;
use crate::state::App;
use crate::wire::scalars::whole;

/// The upload to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUpload)]
pub(super) struct NewUploadBody {
    /// Name of the file.
    #[schema(value_type = schema::SentFilename)]
    filename: String,
    /// Type of the bytes. They must be sent with this type, and be of it.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Exact number of bytes.
    #[serde(default, deserialize_with = "whole")]
    size_bytes: Option<u64>,
    /// SHA-256 of the bytes.
    #[schema(value_type = Option<schema::SentSha256>)]
    sha256: Option<String>,
    /// Number of seconds in which the bytes must be sent; 3600 by default.
    #[schema(minimum = 1, maximum = 86_400)]
    #[serde(default, deserialize_with = "whole")]
    expires_in: Option<u64>,
    /// Identifier of the person the file is about; an unknown one registers a person when the bytes
    /// have arrived.
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
}

/// Begin an upload.
///
/// Responds with a URL that takes the bytes, from anyone who has it.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "uploads",
    request_body = NewUploadBody,
    responses(
        (status = 201, description = "The pending upload", body = PendingUploadView, headers(("Location" = String, description = "URL of the upload"))),
        (status = 403, description = "The key lacks `files:write`, or `links:create` for a public file"),
        (status = 413, description = "The body, or the file, is too large"),
    )
)]
pub(super) async fn begin_upload(app: &App, cx: Context, call: Call) -> Answer {
    call.no_query()?;
    let request = read_request(&call.json(app, &cx).await?)?;
    let begun = app.service.begin_upload(&cx, request).await?;
    let mut response = json(StatusCode::CREATED, &pending_view(app, &begun))?;
    let url = app.public_url.to(paths::upload(begun.upload.id));
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

fn pending_view(app: &App, begun: &PendingUpload) -> PendingUploadView {
    let upload = &begun.upload;
    let (method, headers) = match &begun.target {
        UploadTarget::Service(_) => {
            let content_type = upload.content_type.to_string();
            let headers = BTreeMap::from([("Content-Type".to_owned(), content_type)]);
            ("PUT", headers)
        }
        UploadTarget::Store(signed) => (signed.method, signed.headers.iter().cloned().collect()),
    };
    PendingUploadView {
        id: upload.id.to_string(),
        state: upload.state(app.service.clock().now()).as_str(),
        url: app.public_url.to_target(begun),
        method,
        headers,
        expires_at: upload.expires_at.to_string(),
    }
}

/// Read an upload.
///
/// It is forgotten a day after it expires, or with its record.
#[utoipa::path(
    get, path = "/v1/uploads/{id}", tag = "uploads",
    params(UploadPath),
    responses(
        (status = 200, description = "The upload, and its record once it is complete", body = UploadView),
        (status = 404, description = "The tenant has no such upload"),
    )
)]
pub(super) async fn get_upload(app: &App, cx: Context, call: Call) -> Answer {
    let UploadPath { id } = call.path()?;
    call.no_query()?;
    let status = app.service.find_upload(&cx, id).await?;
    json(StatusCode::OK, &UploadView::from(&status))
}

/// Complete an upload whose bytes were sent directly to the store.
///
/// Verifies the bytes as in any upload and creates the record. For an upload that is already complete, it
/// responds with the record again.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", tag = "uploads",
    params(UploadPath),
    responses(
        (status = 200, description = "The record", body = FileView),
        (status = 400, description = "The length of the bytes differs from the declared one"),
        (status = 404, description = "The tenant has no such upload, or its record was deleted"),
        (status = 409, description = "The bytes have not arrived"),
        (status = 410, description = "The upload has expired"),
        (status = 413, description = "The file is too large"),
        (status = 422, description = "The type or the digest of the bytes differs from the declared one"),
    )
)]
pub(super) async fn complete_upload(app: &App, cx: Context, call: Call) -> Answer {
    let UploadPath { id } = call.path()?;
    call.no_query()?;
    record(&app.service.complete_upload(&cx, id).await?)
}

/// Cancel an upload.
///
/// Its URL takes no bytes from then on.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", tag = "uploads",
    params(UploadPath),
    responses(
        (status = 204, description = "The upload is cancelled, and bytes already sent are deleted"),
        (status = 404, description = "The tenant has no such upload"),
        (status = 409, description = "The upload is complete: delete the file instead"),
    )
)]
pub(super) async fn cancel_upload(app: &App, cx: Context, call: Call) -> Answer {
    let UploadPath { id } = call.path()?;
    call.no_query()?;
    app.service.cancel_upload(&cx, id).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Send the bytes of an upload, by its URL.
///
/// Completes the upload and responds with a receipt; reading the record takes a key. A refused attempt
/// can be repeated until the URL expires.
#[utoipa::path(
    put, path = "/v1/uploads/{id}/content", tag = "uploads",
    params(UploadPath, UploadLinkQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes, with the declared type"),
    responses(
        (status = 201, description = "The receipt", body = UploadReceiptView, headers(("Location" = String, description = "URL of the record"))),
        (status = 400, description = "The body is incomplete, or its length differs from the declared one"),
        (status = 403, description = "The URL is invalid, or has expired"),
        (status = 404, description = "The upload was cancelled"),
        (status = 409, description = "The upload is complete"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body has a content coding"),
        (status = 422, description = "The type or the digest of the bytes differs from the declared one"),
    )
)]
pub(super) async fn send_upload(app: &App, call: Call) -> Answer {
    let UploadPath { id } = call.path()?;
    let pairs = call.head.link_pairs()?;
    let declared_type = call.head.file_type()?;
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
        .map_err(problem_for_bearer)?;
    let mut response = json(StatusCode::CREATED, &UploadReceiptView::from(&file))?;
    if let Ok(location) = HeaderValue::try_from(app.public_url.to(paths::file(file.id))) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Converts an error for the bearer of the URL, who must not learn the declared digest: it identifies the
/// file.
fn problem_for_bearer(error: ServiceError) -> Problem {
    match error {
        ServiceError::DigestMismatch { actual, .. } => Problem::new(
            ProblemKind::DigestMismatch,
            format!("the bytes have the sha256 {actual}, which differs from the declared one"),
        ),
        error => error.into(),
    }
}
