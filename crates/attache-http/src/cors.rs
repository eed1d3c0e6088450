//! Cross-origin access: signed and public routes are open to all web pages, others to a list of origins.

use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE, LINK, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The time for which a browser may keep the response to a preflight.
const PREFLIGHT_LIFETIME: std::time::Duration = std::time::Duration::from_mins(10);

/// Returns the layer. `is_open` says if a path is open to all origins; `more_headers` are request headers
/// beside those of the native API.
pub(crate) fn layer(
    allowed_origins: Vec<String>,
    is_open: impl Fn(&str) -> bool + Send + Sync + 'static,
    more_headers: impl Iterator<Item = HeaderName>,
) -> CorsLayer {
    let allow = AllowOrigin::predicate(move |origin, request| {
        is_open(request.uri.path())
            || allowed_origins
                .iter()
                .any(|allowed| allowed.as_bytes() == origin.as_bytes())
    });
    let request_id = HeaderName::from_static("x-request-id");
    let repr_digest = HeaderName::from_static("repr-digest");
    let mut request_headers = vec![
        AUTHORIZATION,
        CONTENT_TYPE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_RANGE,
        RANGE,
        request_id.clone(),
    ];
    request_headers.extend(more_headers);
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
        .allow_headers(request_headers)
        .expose_headers([
            ACCEPT_RANGES,
            CONTENT_DISPOSITION,
            CONTENT_LENGTH,
            CONTENT_RANGE,
            ETAG,
            LINK,
            LOCATION,
            RETRY_AFTER,
            WWW_AUTHENTICATE,
            repr_digest,
            request_id,
        ])
        .max_age(PREFLIGHT_LIFETIME)
}
