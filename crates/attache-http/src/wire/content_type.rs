//! The one reader of `Content-Type`, for every decision about a body or a part of one.

use super::parameters::{Parameters, is_token};

/// A content type of the form `type/subtype`, with or without parameters.
///
/// The type decides how a body is read, so a parameter that nobody needs cannot spoil it: parameters
/// are read on request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentType<'a> {
    value: &'a [u8],
    essence: &'a [u8],
}

impl<'a> ContentType<'a> {
    /// Reads the type.
    ///
    /// # Errors
    ///
    /// The fault, as the end of a sentence that begins with the header's name.
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let essence = value[..end].trim_ascii();
        let is_name = |name: &[u8]| !name.is_empty() && name.iter().copied().all(is_token);
        let slash = memchr::memchr(b'/', essence);
        match slash.map(|at| (&essence[..at], &essence[at + 1..])) {
            Some((main, sub)) if is_name(main) && is_name(sub) => Ok(Self { value, essence }),
            _ => Err("is not a media type"),
        }
    }

    /// Returns `true` for a form with files.
    pub(crate) fn is_form(self) -> bool {
        self.is(FORM)
    }

    /// Returns `true` for JSON, including merge patches.
    pub(crate) fn is_json(self) -> bool {
        self.is("application/json") || self.is("application/merge-patch+json")
    }

    fn is(self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence.as_bytes())
    }

    /// Returns the value of a parameter whose name is given in lower case.
    ///
    /// # Errors
    ///
    /// As [`Parameters::parse`].
    pub(crate) fn parameter(self, name: &str) -> Result<Option<Vec<u8>>, &'static str> {
        let parameters = Parameters::parse(self.value)?;
        Ok(parameters.get(name).map(<[u8]>::to_vec))
    }
}

const FORM: &str = "multipart/form-data";

/// Returns `true` if the value means a form with files, even if it is broken behind the type: a form with
/// a fault must never be taken for something else.
pub(crate) fn means_form(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    value
        .split_at_checked(FORM.len())
        .is_some_and(|(essence, rest)| {
            essence.eq_ignore_ascii_case(FORM.as_bytes())
                && rest
                    .first()
                    .is_none_or(|byte| !is_token(*byte) && *byte != b'/')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_read_whatever_its_parameters() {
        for (value, is_form, is_json) in [
            ("application/json", false, true),
            ("Application/JSON; charset=utf-8", false, true),
            ("application/json; charset", false, true),
            ("application/merge-patch+json", false, true),
            ("application/jsonl", false, false),
            ("multipart/form-data; boundary=x", true, false),
            ("multipart/form-data;boundary=----=_Part_1", true, false),
            (" Multipart/Form-Data ; boundary", true, false),
            ("multipart/mixed", false, false),
            ("application/pdf; x=multipart/form-data", false, false),
        ] {
            let found = ContentType::parse(value.as_bytes()).unwrap();
            assert_eq!(
                (found.is_form(), found.is_json()),
                (is_form, is_json),
                "{value}"
            );
        }
        for value in [
            "", "json", "/", "a/", "/b", "a b/c", "a/b/c", "a/b c", "\u{e9}/a", "; a/b",
        ] {
            assert!(ContentType::parse(value.as_bytes()).is_err(), "{value:?}");
        }
    }

    #[test]
    fn broken_form_is_still_a_form() {
        for value in [
            &b"multipart/form-data"[..],
            b" Multipart/Form-Data;boundary=\"\"",
            b"multipart/form-data; boundary=\xe9",
            b"multipart/form-data, boundary=x",
            b"multipart/form-data boundary=x",
            b"multipart/form-data; boundary=\"x",
        ] {
            assert!(means_form(value), "{value:?}");
        }
        for value in [
            &b""[..],
            b"multipart/form",
            b"multipart/form-data2; boundary=x",
            b"multipart/form-data/x",
            b"multipart/mixed; boundary=x",
        ] {
            assert!(!means_form(value), "{value:?}");
        }
    }

    #[test]
    fn parameters_are_read_on_request() {
        let read = |value: &'static str| ContentType::parse(value.as_bytes())?.parameter("charset");
        assert_eq!(read("text/plain"), Ok(None));
        assert_eq!(
            read("text/plain; CHARSET=\"a;b\""),
            Ok(Some(b"a;b".to_vec()))
        );
        assert!(read("text/plain; charset").is_err());
        assert!(read("text/plain; charset=a; charset=b").is_err());
    }
}
