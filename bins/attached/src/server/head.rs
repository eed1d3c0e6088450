//! The checks of a request's head that hyper leaves to others. Where a proxy and a server read a head
//! differently, a request can be smuggled past the proxy.

use http::{Request, Version, header};

/// Returns `true` if every server on the way reads the head alike.
pub(super) fn is_unambiguous<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11 || (has_one_host(request) && has_plain_framing(request))
}

/// Returns `true` if the request names its host exactly once: the next server could route others
/// differently.
fn has_one_host<B>(request: &Request<B>) -> bool {
    request.headers().get_all(header::HOST).iter().count() == 1
}

/// Returns `true` if the body has no transfer coding, or is chunked once and nothing else. hyper takes any
/// list that ends in `chunked`, in any number of lines, and undoes that one.
fn has_plain_framing<B>(request: &Request<B>) -> bool {
    let mut lines = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |line: &http::HeaderValue| {
        line.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    };
    lines.next().is_none_or(is_chunked) && lines.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(version: Version, headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(*name, value);
        }
        request
    }

    #[test]
    fn http11_request_needs_exactly_one_host() {
        for (version, hosts, expected) in [
            (Version::HTTP_11, &["a"][..], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_2, &[], true),
        ] {
            let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let request = request(version, &hosts);
            assert_eq!(is_unambiguous(&request), expected, "{version:?} {hosts:?}");
        }
    }

    #[test]
    fn transfer_coding_is_chunked_once_or_none() {
        for (lines, expected) in [
            (&[][..], true),
            (&["chunked"], true),
            (&["Chunked"], true),
            (&["CHUNKED\t"], true),
            (&["chunked", "chunked"], false),
            (&["chunked", "identity"], false),
            (&["identity", "chunked"], false),
            (&["chunked, chunked"], false),
            (&["gzip, chunked"], false),
            (&["identity, chunked"], false),
            (&["chunked,"], false),
            (&[",chunked"], false),
            (&["chunked;a=b"], false),
            (&["xchunked"], false),
            (&["identity"], false),
            (&[""], false),
        ] {
            let mut headers = vec![("host", "a")];
            headers.extend(lines.iter().map(|line| ("transfer-encoding", *line)));
            let request = request(Version::HTTP_11, &headers);
            assert_eq!(is_unambiguous(&request), expected, "{lines:?}");
        }
    }
}
