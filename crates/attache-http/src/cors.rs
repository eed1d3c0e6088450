//! Cross-origin access: signed and public routes are open to all web pages, others to a list of origins.

use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_DISPOSITION, CONTENT_LENGTH,
    CONTENT_RANGE, ETAG, LINK, LOCATION, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, Method, Request};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::origin::OriginPattern;

/// The time for which a browser may keep the response to a preflight.
const PREFLIGHT_LIFETIME: std::time::Duration = std::time::Duration::from_mins(10);

/// Returns the layer. `is_open` says if a path is open to all origins.
///
/// A page that may call may send any header: upload widgets, tracing and generated clients add their own,
/// and none of them grants anything. A browser adds no credentials by itself, since the response never
/// allows them.
pub(crate) fn layer(
    allowed_origins: Vec<OriginPattern>,
    is_open: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> CorsLayer {
    let allow = AllowOrigin::predicate(move |origin, request| {
        is_open(request.uri.path())
            || allowed_origins
                .iter()
                .any(|allowed| allowed.matches(origin.as_bytes()))
    });
    CorsLayer::new()
        .allow_origin(allow)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            ACCEPT_RANGES,
            ALLOW,
            CONTENT_DISPOSITION,
            CONTENT_LENGTH,
            CONTENT_RANGE,
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            HeaderName::from_static("repr-digest"),
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(PREFLIGHT_LIFETIME)
}

/// Returns `true` if a browser asks whether a page may send a request.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
