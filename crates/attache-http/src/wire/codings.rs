//! Lists of codings, as in `Content-Encoding` and `Transfer-Encoding`.

use http::{HeaderMap, HeaderName};

/// Returns `true` if a header names any coding but one: names are compared without regard to case, in all
/// lines of the header and all elements of a line.
pub(crate) fn names_other_than(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    let lines = headers.get_all(name).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(expected.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_ENCODING;

    use super::*;

    #[test]
    fn every_element_of_every_line_counts() {
        for (lines, expected) in [
            (&[][..], false),
            (&["identity"], false),
            (&["Identity"], false),
            (&["identity, IDENTITY"], false),
            (&["identity", ""], false),
            (&[" , identity\t,"], false),
            (&["gzip"], true),
            (&["identity, gzip"], true),
            (&["identity", "br"], true),
            (&["identity;q=1"], true),
            (&["\u{ff}"], true),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let line = http::HeaderValue::from_bytes(line.as_bytes()).unwrap();
                headers.append(CONTENT_ENCODING, line);
            }
            let found = names_other_than(&headers, &CONTENT_ENCODING, "identity");
            assert_eq!(found, expected, "{lines:?}");
        }
    }
}
