//! Which web pages may read which answers: signed and public routes are open, others by a list.

use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, IF_MATCH, IF_NONE_MATCH, IF_RANGE, LINK, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::served::{Served, is_open_to_all_origins};

/// How long a browser may keep the answer to a preflight.
const PREFLIGHT_LIFETIME: std::time::Duration = std::time::Duration::from_mins(10);

pub(crate) fn layer(allowed_origins: Vec<String>, served: Vec<Served>) -> CorsLayer {
    let allow = AllowOrigin::predicate(move |origin, request| {
        is_open_to_all_origins(&served, request.uri.path())
            || allowed_origins
                .iter()
                .any(|allowed| allowed.as_bytes() == origin.as_bytes())
    });
    let request_id = HeaderName::from_static("x-request-id");
    let repr_digest = HeaderName::from_static("repr-digest");
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
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            IF_RANGE,
            RANGE,
            request_id.clone(),
            // Where dialects name the tenant.
            HeaderName::from_static("x-tenant"),
            HeaderName::from_static("tenant-id"),
        ])
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
