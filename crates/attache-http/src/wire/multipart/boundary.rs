//! The boundary that a request's `Content-Type` declares.

use http::HeaderValue;

use super::error::{MultipartError, Place};
use crate::wire::content_type::ContentType;

/// The longest boundary that RFC 2046 allows, in bytes.
const MAX_BOUNDARY_BYTES: usize = 70;

/// The separator of the parts of a body: 1 to 70 of the characters that RFC 2046 allows, the last of
/// them not a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boundary(Vec<u8>);

impl Boundary {
    /// Reads the `boundary` of a `multipart/form-data` content type, quoted or not.
    ///
    /// # Errors
    ///
    /// [`MultipartError::Syntax`] if the type is another one, or if its boundary is missing, given
    /// twice or not one that RFC 2046 allows.
    pub(crate) fn from_content_type(value: &HeaderValue) -> Result<Self, MultipartError> {
        let refused = |problem| MultipartError::syntax(Place::ContentType, problem);
        let content_type = ContentType::parse(value.as_bytes()).map_err(refused)?;
        if !content_type.is_form() {
            return Err(refused("is not multipart/form-data"));
        }
        let boundary = content_type.parameter("boundary").map_err(refused)?;
        let boundary = boundary.ok_or_else(|| refused("has no boundary"))?;
        Self::parse(boundary).map_err(refused)
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, &'static str> {
        if bytes.is_empty() || bytes.len() > MAX_BOUNDARY_BYTES {
            return Err("has a boundary that is not 1 to 70 characters long");
        }
        if bytes.ends_with(b" ") {
            return Err("has a boundary that ends in a space");
        }
        if !bytes.iter().copied().all(is_boundary_character) {
            return Err("has a boundary with a character that RFC 2046 does not allow there");
        }
        Ok(Self(bytes))
    }

    /// Returns the bytes before each part but the first: the line break belongs to the boundary, not to
    /// the part that it ends.
    pub(super) fn delimiter(&self) -> Vec<u8> {
        [b"\r\n--", self.0.as_slice()].concat()
    }
}

const fn is_boundary_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'\''
                | b'('
                | b')'
                | b'+'
                | b'_'
                | b','
                | b'-'
                | b'.'
                | b'/'
                | b':'
                | b'='
                | b'?'
                | b' '
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str) -> Result<String, String> {
        let value = HeaderValue::from_bytes(content_type.as_bytes()).unwrap();
        let boundary = Boundary::from_content_type(&value).map_err(|e| e.to_string())?;
        Ok(String::from_utf8(boundary.0).unwrap())
    }

    #[test]
    fn quoted_and_bare_boundaries_are_read() {
        let longest = "b".repeat(70);
        for (content_type, boundary) in [
            ("multipart/form-data; boundary=x", "x"),
            ("Multipart/Form-Data;BOUNDARY=\"a b\"; charset=utf-8", "a b"),
            (
                "multipart/form-data; boundary=----=_Part_1_2.3",
                "----=_Part_1_2.3",
            ),
            (
                "multipart/form-data; boundary=a/b:c?d=(e),f'",
                "a/b:c?d=(e),f'",
            ),
            (
                "multipart/form-data; charset=\"x;y\"; boundary=--=_NextPart_0/1:2",
                "--=_NextPart_0/1:2",
            ),
            (
                "multipart/form-data; boundary=----WebKitFormBoundaryA0",
                "----WebKitFormBoundaryA0",
            ),
            (
                &format!("multipart/form-data; boundary={longest}"),
                &longest,
            ),
        ] {
            assert_eq!(
                read(content_type).as_deref(),
                Ok(boundary),
                "{content_type}"
            );
        }
    }

    #[test]
    fn boundary_outside_rfc_2046_is_refused() {
        for (content_type, problem) in [
            ("multipart/form-data", "has no boundary"),
            ("multipart/mixed; boundary=x", "not multipart/form-data"),
            ("application/json", "not multipart/form-data"),
            ("multipart/form-data; boundary=\"\"", "1 to 70"),
            (
                &format!("multipart/form-data; boundary={}", "b".repeat(71)),
                "1 to 70",
            ),
            ("multipart/form-data; boundary=\"a \"", "ends in a space"),
            ("multipart/form-data; boundary=a*b", "does not allow"),
            ("multipart/form-data; boundary=é", "does not allow"),
            ("multipart/form-data; boundary=\"a\tb\"", "does not allow"),
            ("multipart/form-data; boundary=a; boundary=b", "twice"),
        ] {
            let error = read(content_type).unwrap_err();
            assert!(error.starts_with("content type: "), "{error}");
            assert!(error.contains(problem), "{content_type}: {error}");
        }
    }
}
