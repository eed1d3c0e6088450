//! The return type of handlers, and the few shapes of a response.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use attache_model::RequestId;

use crate::problem::{Problem, ProblemKind};
use crate::wire::response_body::ResponseBody;

/// The outcome of a request.
pub(crate) type Answer = Result<Response<ResponseBody>, Problem>;

/// Returns a JSON response that no cache may keep.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "a response could not be serialized");
        Problem::new(
            ProblemKind::Internal,
            "the response could not be serialized",
        )
    })?;
    let mut response = with_body(status, bytes);
    insert_json_headers(response.headers_mut());
    Ok(response)
}

/// Inserts the headers of a JSON response: its type, and that no cache may keep it.
pub(crate) fn insert_json_headers(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Returns a response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<ResponseBody> {
    with_body(status, Bytes::new())
}

fn with_body(status: StatusCode, bytes: impl Into<Bytes>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(bytes));
    *response.status_mut() = status;
    response
}

impl Problem {
    /// Writes the problem document.
    pub(crate) fn into_response(self, request_id: &RequestId) -> Response<ResponseBody> {
        let (status, headers, document) = self.into_parts(request_id);
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = with_body(status, body);
        *response.headers_mut() = headers;
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem);
        // What is missing now may exist soon: no cache may remember this.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}
