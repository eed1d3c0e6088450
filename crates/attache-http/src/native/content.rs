//! Downloads: with a key, by a link, or of a public file.

use attache_model::{Context, FileId, FileRecord, MediaType};
use attache_service::{ByteRange, Download};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, LAST_MODIFIED, LOCATION,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::params::{FilePath, LinkQuery, NamedFilePath};
use crate::answer::{Answer, empty};
use crate::call::{Call, RequestHead};
use crate::page_policy::Audience;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;
use crate::wire::conditional::{Precondition, evaluate, last_modified};
use crate::wire::content_disposition::{Disposition, content_disposition};
use crate::wire::entity_tag::StrongEntityTag;
use crate::wire::range::{self, RangeOutcome};
use crate::wire::response_body::ResponseBody;

/// The way that bytes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// As configured: through the service, or by a redirect to the store.
    Configured,
    /// Through the service, for clients that follow no redirect.
    Proxied,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ContentQuery {
    /// `attachment` (default), or `inline` for types that are safe in a browser.
    disposition: Option<DispositionParam>,
}

/// The way a browser is to treat the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Disposition)]
pub(crate) enum DispositionParam {
    /// Save the file.
    Attachment,
    /// Show it in place, if its type allows.
    Inline,
}

impl ContentQuery {
    fn is_inline(&self) -> bool {
        self.disposition == Some(DispositionParam::Inline)
    }
}

/// Read a file's bytes.
///
/// Whole, or one range of them.
#[utoipa::path(
    get, path = "/v1/files/{id}/content", tag = "content",
    params(FilePath, ContentQuery),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 307, description = "Redirect to the store, if the operator configured so"),
        (status = 404, description = "The tenant has no such file, or it is archived"),
        (status = 409, description = "The file is being inspected"),
    )
)]
pub(super) async fn read_content(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    let inline = call
        .query_without_empty::<ContentQuery>(&["disposition"])?
        .is_inline();
    let download = app.service.open_download(&cx, id, inline).await?;
    serve(
        app,
        download,
        &call.head.parts,
        Audience::Key,
        Delivery::Configured,
    )
    .await
}

/// Read the bytes of a public file, without a key.
///
/// The file is found by its id; the name in the URL is for people.
#[utoipa::path(
    get, path = "/v1/public/{id}/{filename}", tag = "content",
    params(NamedFilePath, ContentQuery),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 307, description = "Redirect to the store, if the operator configured so"),
        (status = 404, description = "There is no such public file"),
    )
)]
pub(super) async fn read_public(app: &App, call: Call) -> Answer {
    let NamedFilePath { id, .. } = call.path()?;
    let inline = call
        .query_without_empty::<ContentQuery>(&["disposition"])?
        .is_inline();
    let request_id = call.head.request_id.clone();
    let download = app.service.open_public(id, inline, request_id).await?;
    serve(
        app,
        download,
        &call.head.parts,
        Audience::Public,
        Delivery::Configured,
    )
    .await
}

/// Serves the bytes of a public file as an attachment, never by a redirect.
pub(crate) async fn stream_public(app: &App, id: FileId, head: &RequestHead) -> Answer {
    let request_id = head.request_id.clone();
    let download = app.service.open_public(id, false, request_id).await?;
    serve(
        app,
        download,
        &head.parts,
        Audience::Public,
        Delivery::Proxied,
    )
    .await
}

/// Serves bytes to the holder of a key, never by a redirect.
pub(crate) async fn stream_to_key(app: &App, download: Download, head: &RequestHead) -> Answer {
    serve(app, download, &head.parts, Audience::Key, Delivery::Proxied).await
}

/// Read bytes by a link.
///
/// The URL that `create_link` returns; it needs no key.
#[utoipa::path(
    get, path = "/v1/links/{id}/{filename}", tag = "links",
    params(NamedFilePath, LinkQuery),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 307, description = "Redirect to the store, if the operator configured so"),
        (status = 403, description = "The link is invalid, or has expired"),
        (status = 404, description = "The file was archived or deleted"),
    )
)]
pub(super) async fn read_link(app: &App, call: Call) -> Answer {
    let download = open_link(app, &call.head).await?;
    serve(
        app,
        download,
        &call.head.parts,
        Audience::Link,
        Delivery::Configured,
    )
    .await
}

/// Read bytes by a link, without a redirect.
///
/// Takes the same links as `/v1/links/…`, and always serves the bytes itself.
#[utoipa::path(
    get, path = "/v1/streams/{id}/{filename}", tag = "links",
    params(NamedFilePath, LinkQuery),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 403, description = "The link is invalid, or has expired"),
        (status = 404, description = "The file was archived or deleted"),
    )
)]
pub(super) async fn stream_link(app: &App, call: Call) -> Answer {
    let download = open_link(app, &call.head).await?;
    serve(
        app,
        download,
        &call.head.parts,
        Audience::Link,
        Delivery::Proxied,
    )
    .await
}

async fn open_link(app: &App, head: &RequestHead) -> Result<Download, Problem> {
    let NamedFilePath { id, filename } = head.params.read()?;
    let pairs = head.link_pairs()?;
    let request_id = head.request_id.clone();
    let opened = app.service.open_link(id, &filename, &pairs, request_id);
    Ok(opened.await?)
}

async fn serve(
    app: &App,
    download: Download,
    request: &Parts,
    audience: Audience,
    delivery: Delivery,
) -> Answer {
    let tag = StrongEntityTag::of_bytes(&download.record.sha256);
    let size_bytes = download.record.size_bytes;
    // The bytes of a file never change.
    let modified = Some(download.record.created_at);
    let (method, headers) = (&request.method, &request.headers);
    match evaluate(method, headers, &tag, modified) {
        Precondition::Proceed => {}
        Precondition::NotModified => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            insert_cache_headers(response.headers_mut(), &download.record, audience);
            return Ok(response);
        }
        Precondition::Failed => {
            return Err(Problem::new(
                ProblemKind::PreconditionFailed,
                "the bytes do not match If-Match or If-Unmodified-Since",
            ));
        }
    }
    if delivery == Delivery::Configured
        && request.method != Method::HEAD
        && let Some(response) = redirect(app, &download, audience).await?
    {
        return Ok(response);
    }
    let outcome = range::evaluate(method, headers, size_bytes, &tag, modified);
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
    insert_cache_headers(headers, &download.record, audience);
    insert_content_headers(headers, &download, audience);
    app.page_policy.protect_file(headers, audience);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length_bytes));
    if let Some(content_range) = outcome.content_range(size_bytes) {
        headers.insert(CONTENT_RANGE, content_range);
    }
    Ok(response)
}

/// Returns a redirect to the store, if bytes come from there; the client repeats its range there.
async fn redirect(
    app: &App,
    download: &Download,
    audience: Audience,
) -> Result<Option<Response<ResponseBody>>, Problem> {
    let content_type = served_type(download, audience);
    let disposition = served_disposition(download);
    // It is always visible ASCII.
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
    // The URL is a short-lived permission.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    app.page_policy.protect_file(headers, audience);
    Ok(Some(response))
}

/// Returns the type to serve. A script that any page may embed is served as mere bytes.
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

fn insert_cache_headers(headers: &mut HeaderMap, record: &FileRecord, audience: Audience) {
    let tag = StrongEntityTag::of_bytes(&record.sha256);
    headers.insert(ETAG, tag.to_header_value());
    headers.extend(last_modified(record.created_at).map(|date| (LAST_MODIFIED, date)));
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
}
