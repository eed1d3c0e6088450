//! Bytes on their way out: with a key, by a link, or because they are public.

use attache_model::{FileId, MediaType};
use attache_service::{ByteRange, Download, ServiceError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::Answer;
use crate::app::App;
use crate::call::{Call, RequestHead};
use crate::problem::{Problem, ProblemKind};
use crate::response::{ResponseBody, empty};
use crate::wire::conditional::{Precondition, evaluate};
use crate::wire::content_disposition::{Disposition, content_disposition};
use crate::wire::entity_tag::StrongEntityTag;
use crate::wire::query::{QueryError, StrictQuery};
use crate::wire::range::{self, RangeOutcome};

/// Nothing in a served file may run, load or be framed, whatever it is.
const SANDBOX: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Who may keep a copy, and who may embed it.
#[derive(Debug, Clone, Copy)]
enum Audience {
    /// The holder of a key, and no page of another site.
    Key,
    /// The bearer of a link, from any page.
    Link,
    /// Anybody; a cache asks each time, so that what was deleted is not served.
    Public,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As the operator chose: through the service, or from the store by a redirect.
    AsChosen,
    /// Through the service, for clients that follow no redirect.
    Through,
}

/// Read a file's bytes.
#[utoipa::path(
    get, path = "/v1/files/{id}/content", operation_id = "read_content", tag = "content",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("disposition" = Option<String>, Query, description = "`attachment` (default), or `inline` for types that can do no harm in a browser"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>),
        (status = 307, description = "The store has the bytes, where the operator chose so"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `content:read`"),
        (status = 404, description = "The tenant has no such file, or it is archived"),
        (status = 409, description = "The file is being inspected"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn read_content(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    let inline = asks_inline(&call)?;
    let download = app.service.open_download(&cx, id, inline).await?;
    serve(download, &call.head.parts, Audience::Key, Way::AsChosen).await
}

/// Read the bytes of a public file, without a key.
///
/// The file is found by its id; the name in the URL is for people.
#[utoipa::path(
    get, path = "/v1/public/{id}/{filename}", operation_id = "read_public", tag = "content",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("filename" = String, Path, description = "Any name"),
        ("disposition" = Option<String>, Query, description = "`attachment` (default), or `inline` for types that can do no harm in a browser"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>),
        (status = 307, description = "The store has the bytes, where the operator chose so"),
        (status = 404, description = "There is no such public file"),
    )
)]
pub(crate) async fn read_public(app: &App, id: FileId, call: Call) -> Answer {
    let inline = asks_inline(&call)?;
    let request_id = call.head.request_id.clone();
    let download = app.service.open_public(id, inline, request_id).await?;
    serve(download, &call.head.parts, Audience::Public, Way::AsChosen).await
}

/// The bytes of a public file as an attachment, whoever asks, and never by a redirect.
pub(crate) async fn stream_public(app: &App, id: FileId, head: &RequestHead) -> Answer {
    let request_id = head.request_id.clone();
    let download = app.service.open_public(id, false, request_id).await?;
    serve(download, &head.parts, Audience::Public, Way::Through).await
}

/// Bytes that the holder of a key may read, and never by a redirect.
pub(crate) async fn stream_to_key(download: Download, head: &RequestHead) -> Answer {
    serve(download, &head.parts, Audience::Key, Way::Through).await
}

/// Read bytes by a link.
#[utoipa::path(
    get, path = "/v1/links/{id}/{filename}", operation_id = "read_link", tag = "links",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("filename" = String, Path, description = "The name the link was made with"),
        ("Tenant" = i64, Query, description = "As the link has it"),
        ("Action" = String, Query, description = "As the link has it"),
        ("Expires" = i64, Query, description = "When the link ends, in seconds since 1970"),
        ("KeyId" = String, Query, description = "As the link has it"),
        ("Signature" = String, Query, description = "As the link has it"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>),
        (status = 307, description = "The store has the bytes, where the operator chose so"),
        (status = 403, description = "The link is not valid, or has expired"),
        (status = 404, description = "The file was archived or deleted"),
    )
)]
pub(crate) async fn read_link(app: &App, id: FileId, filename: &str, call: Call) -> Answer {
    let download = open_link(app, id, filename, &call.head).await?;
    serve(download, &call.head.parts, Audience::Link, Way::AsChosen).await
}

/// Read bytes by a link, without a redirect.
///
/// The same links as at `/v1/links/…`. The bytes come from here, wherever the operator chose to have
/// downloads answered.
#[utoipa::path(
    get, path = "/v1/streams/{id}/{filename}", operation_id = "stream_link", tag = "links",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("filename" = String, Path, description = "The name the link was made with"),
        ("Tenant" = i64, Query, description = "As the link has it"),
        ("Action" = String, Query, description = "As the link has it"),
        ("Expires" = i64, Query, description = "When the link ends, in seconds since 1970"),
        ("KeyId" = String, Query, description = "As the link has it"),
        ("Signature" = String, Query, description = "As the link has it"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>),
        (status = 403, description = "The link is not valid, or has expired"),
        (status = 404, description = "The file was archived or deleted"),
    )
)]
pub(crate) async fn stream_link(app: &App, id: FileId, filename: &str, call: Call) -> Answer {
    let download = open_link(app, id, filename, &call.head).await?;
    serve(download, &call.head.parts, Audience::Link, Way::Through).await
}

async fn open_link(
    app: &App,
    id: FileId,
    filename: &str,
    head: &RequestHead,
) -> Result<Download, ServiceError> {
    let pairs = head.link_pairs()?;
    let request_id = head.request_id.clone();
    app.service
        .open_link(id, filename, &pairs, request_id)
        .await
}

fn asks_inline(call: &Call) -> Result<bool, Problem> {
    let mut query = StrictQuery::parse(call.head.query())?;
    let disposition = query.take("disposition");
    query.finish()?;
    match disposition.as_deref() {
        None | Some("attachment") => Ok(false),
        Some("inline") => Ok(true),
        Some(_) => Err(QueryError::new("disposition", "is neither inline nor attachment").into()),
    }
}

async fn serve(download: Download, request: &Parts, audience: Audience, way: Way) -> Answer {
    let tag = StrongEntityTag::of_bytes(&download.record.sha256);
    let size_bytes = download.record.size_bytes;
    match evaluate(&request.method, &request.headers, &tag, None) {
        Precondition::Proceed => {}
        Precondition::NotModified => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            insert_cache_headers(response.headers_mut(), &tag, audience);
            return Ok(response);
        }
        Precondition::Failed => {
            return Err(Problem::new(
                ProblemKind::PreconditionFailed,
                "the bytes are not those If-Match names",
            ));
        }
    }
    if way == Way::AsChosen
        && request.method != Method::HEAD
        && let Some(response) = redirect(&download, audience).await?
    {
        return Ok(response);
    }
    let outcome = range::evaluate(&request.method, &request.headers, size_bytes, &tag, None);
    let (status, wanted) = match outcome {
        RangeOutcome::Full => (StatusCode::OK, None),
        RangeOutcome::Partial { first, last } => {
            let wanted = ByteRange {
                offset_bytes: first,
                length_bytes: last - first + 1,
            };
            (StatusCode::PARTIAL_CONTENT, Some(wanted))
        }
        RangeOutcome::Unsatisfiable => {
            let detail = format!("the file has {size_bytes} bytes");
            let problem = Problem::new(ProblemKind::RangeNotSatisfiable, detail);
            return Err(problem.with_header(CONTENT_RANGE, &format!("bytes */{size_bytes}")));
        }
    };

    let length_bytes = wanted.map_or(size_bytes, |range| range.length_bytes);
    let body = if request.method == Method::HEAD {
        ResponseBody::default()
    } else {
        ResponseBody::stream(download.content.open(wanted).await?.stream, length_bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    insert_cache_headers(headers, &tag, audience);
    insert_content_headers(headers, &download, audience);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length_bytes));
    if let Some(content_range) = outcome.content_range(size_bytes) {
        headers.insert(CONTENT_RANGE, content_range);
    }
    Ok(response)
}

/// To the store, where bytes are to come from there: whole or a range, as the client asks again.
async fn redirect(
    download: &Download,
    audience: Audience,
) -> Result<Option<Response<ResponseBody>>, Problem> {
    let content_type = served_type(download, audience);
    let disposition = served_disposition(download);
    // It is written in visible ASCII.
    let disposition = disposition.to_str().unwrap_or("attachment");
    let redirect = download
        .redirect(content_type.as_str(), disposition)
        .await?;
    let Some(location) = redirect.and_then(|request| HeaderValue::try_from(request.url).ok())
    else {
        return Ok(None);
    };
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    // It is a permission, and a short one.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    insert_safety_headers(headers, audience);
    Ok(Some(response))
}

/// What any page may embed must not run there.
fn served_type(download: &Download, audience: Audience) -> &MediaType {
    let embeddable = matches!(audience, Audience::Link | Audience::Public);
    match &download.record.content_type {
        script if embeddable && script.is_script() => &MediaType::OCTET_STREAM,
        other => other,
    }
}

fn served_disposition(download: &Download) -> HeaderValue {
    let disposition = if download.inline {
        Disposition::Inline
    } else {
        Disposition::Attachment
    };
    content_disposition(disposition, download.served_name.as_str())
}

fn insert_cache_headers(headers: &mut HeaderMap, tag: &StrongEntityTag, audience: Audience) {
    headers.insert(ETAG, tag.to_header_value());
    let cache = match audience {
        Audience::Key | Audience::Link => "private, no-store",
        Audience::Public => "public, no-cache",
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
}

fn insert_content_headers(headers: &mut HeaderMap, download: &Download, audience: Audience) {
    let record = &download.record;
    let content_type = HeaderValue::try_from(served_type(download, audience).as_str());
    headers.insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(CONTENT_DISPOSITION, served_disposition(download));
    if let Ok(digest) = HeaderValue::try_from(format!(
        "sha-256=:{}:",
        STANDARD.encode(record.sha256.as_bytes())
    )) {
        headers.insert(HeaderName::from_static("repr-digest"), digest);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    insert_safety_headers(headers, audience);
}

/// What keeps a browser from doing anything with the bytes but saving or showing them.
fn insert_safety_headers(headers: &mut HeaderMap, audience: Audience) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let embedders = match audience {
        Audience::Key => "same-origin",
        Audience::Link | Audience::Public => "cross-origin",
    };
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static(embedders));
}
