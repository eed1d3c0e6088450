//! The head of a part: its few header lines.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::wire::parameters::{Parameters, is_token};
use crate::wire::{encoded_word, percent};

/// The fields in the head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartHead {
    pub(super) name: String,
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
}

/// A fault of a head, as the end of a sentence.
type Problem = Cow<'static, str>;

impl PartHead {
    /// Reads the header lines of a part, each with its CRLF, without the empty line that ends them.
    pub(super) fn parse(lines: &[u8]) -> Result<Self, Problem> {
        let mut disposition = None;
        let mut content_type = None;
        let mut encoding = None;
        for line in lines.split_inclusive(|b| *b == b'\n') {
            let (name, value) = split(line.strip_suffix(b"\r\n").unwrap_or(line))?;
            let slot = match name.to_ascii_lowercase().as_slice() {
                b"content-disposition" => &mut disposition,
                b"content-type" => &mut content_type,
                b"content-transfer-encoding" => &mut encoding,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(format!("{} is given twice", text("header name", name)?).into());
            }
        }
        if let Some(encoding) = encoding {
            check_transfer_encoding(encoding)?;
        }
        let (name, filename) = read_disposition(disposition.ok_or("has no Content-Disposition")?)?;
        Ok(Self {
            name,
            filename,
            content_type: content_type
                .filter(|value| !value.is_empty())
                .map(|value| text("Content-Type", value))
                .transpose()?,
        })
    }
}

/// Splits a header line at its colon.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    if line.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        return Err("a header line holds a control character".into());
    }
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err("a header is folded over several lines".into());
    }
    let colon = memchr::memchr(b':', line).ok_or("a header line has no colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a header's name is not a token".into());
    }
    Ok((name, value.trim_ascii()))
}

/// Accepts the encodings that change nothing. The others are deprecated here (RFC 7578, 4.7), and
/// storing the encoded bytes would store other bytes than the client means.
fn check_transfer_encoding(value: &[u8]) -> Result<(), Problem> {
    let plain: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
    if plain.iter().any(|known| value.eq_ignore_ascii_case(known)) {
        Ok(())
    } else {
        Err("Content-Transfer-Encoding is not 7bit, 8bit or binary".into())
    }
}

/// Reads the name and the filename.
///
/// `filename*` is forbidden in form data (RFC 7578, 4.2), but clients send it for a name that is not
/// ASCII, alone or beside a `filename` that only stands in for it. So a well-formed one wins. Alone, it must
/// be well-formed: ignoring it would turn a file into a text field.
fn read_disposition(value: &[u8]) -> Result<(String, Option<String>), Problem> {
    let parameters =
        Parameters::parse(value).map_err(|problem| format!("Content-Disposition {problem}"))?;
    if parameters.essence != b"form-data" {
        return Err("Content-Disposition is not form-data".into());
    }
    let name = parameters
        .get("name")
        .ok_or("Content-Disposition has no name")?;
    let extended = parameters.get("filename*").map(read_extended);
    let filename = match (parameters.get("filename"), extended) {
        (_, Some(Ok(extended))) if !extended.is_empty() => Some(extended),
        (Some(plain), _) => Some(read_plain(plain)?),
        (None, extended) => extended.transpose()?,
    };
    Ok((decode_form_escapes(text("name", name)?), filename))
}

fn read_plain(value: &[u8]) -> Result<String, Problem> {
    let name = text("filename", value)?;
    Ok(encoded_word::decode(&name).unwrap_or_else(|| decode_form_escapes(name)))
}

fn text(what: &str, bytes: &[u8]) -> Result<String, Problem> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("{what} is not UTF-8").into()),
    }
}

/// Decodes the three escapes that browsers apply to names (WHATWG HTML, "multipart/form-data encoding
/// algorithm"). Browsers leave every other `%` alone, and so does this.
fn decode_form_escapes(text: String) -> String {
    if !text.contains('%') {
        return text;
    }
    text.replace("%22", "\"")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
}

/// Reads `UTF-8'language'percent-encoded` (RFC 8187), or the same in another charset (RFC 5987).
fn read_extended(value: &[u8]) -> Result<String, Problem> {
    let malformed = || Problem::from("filename* is not UTF-8''percent-encoded");
    let mut pieces = value.splitn(3, |b| *b == b'\'');
    let (Some(charset), Some(_language), Some(encoded)) =
        (pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(malformed());
    };
    let charset = Encoding::for_label_no_replacement(charset).ok_or_else(malformed)?;
    let bytes = percent::decode_bytes(encoded).map_err(|_| malformed())?;
    let decoded = charset.decode_without_bom_handling_and_without_replacement(&bytes);
    decoded.map(Cow::into_owned).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disposition(value: &str) -> Result<(String, Option<String>), String> {
        let lines = format!("Content-Disposition: {value}\r\n");
        let head = PartHead::parse(lines.as_bytes()).map_err(Cow::into_owned)?;
        Ok((head.name, head.filename))
    }

    #[test]
    fn names_and_filenames_of_clients_are_read() {
        for (value, name, filename) in [
            (r#"form-data; name="a""#, "a", None),
            ("FORM-DATA; Name=a; FileName=b.pdf", "a", Some("b.pdf")),
            (r#"form-data; filename="b"; name="""#, "", Some("b")),
            (r#"form-data; name="a"; filename="""#, "a", Some("")),
            (
                r#"form-data; name="a"; filename="naïve 中文.pdf""#,
                "a",
                Some("naïve 中文.pdf"),
            ),
            (
                r#"form-data; name="a"; filename="x\"y\\z""#,
                "a",
                Some(r#"x"y\z"#),
            ),
            (
                r#"form-data; name="a"; filename="C:\scans\b.pdf""#,
                "a",
                Some(r"C:\scans\b.pdf"),
            ),
            (
                r#"form-data; name="a%22%0D%0A"; filename="%22""#,
                "a\"\r\n",
                Some("\""),
            ),
            (
                r#"form-data; name="a"; filename="50%25 %0d%2f""#,
                "a",
                Some("50%25 %0d%2f"),
            ),
            (
                r#"form-data; name="a"; filename="%2522""#,
                "a",
                Some("%2522"),
            ),
            (
                r#"form-data; name="a"; filename="a;b=c.pdf""#,
                "a",
                Some("a;b=c.pdf"),
            ),
            (
                "form-data; name=a; filename*=utf-8''na%C3%AFve.pdf",
                "a",
                Some("naïve.pdf"),
            ),
            ("form-data; name=a; filename*=UTF-8'fr'b", "a", Some("b")),
            (r#"form-data; name="x; filename=y""#, "x; filename=y", None),
            (
                "form-data; name=a; filename=b; filename*=nonsense",
                "a",
                Some("b"),
            ),
        ] {
            let expected = (name.to_owned(), filename.map(str::to_owned));
            assert_eq!(disposition(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn well_formed_extended_filename_wins() {
        for (value, filename) in [
            (
                "form-data; name=a; filename=\"=?utf-8?B?w6kvYg==?=\"; filename*=utf-8''%C3%A9%2Fb",
                "é/b",
            ),
            (
                "form-data; name=a; filename*=utf-8''%C3%A9; filename=_",
                "é",
            ),
            (r#"form-data; name=a; filename="=?utf-8?B?w6k=?=""#, "é"),
            ("form-data; name=a; filename=b; filename*=UTF-8''%FF", "b"),
            ("form-data; name=a; filename=b; filename*=UTF-8''", "b"),
            ("form-data; name=a; filename*=iso-8859-1'en'%A3", "£"),
        ] {
            let expected = ("a".to_owned(), Some(filename.to_owned()));
            assert_eq!(disposition(value), Ok(expected), "{value}");
        }
    }

    #[test]
    fn malformed_disposition_is_refused() {
        for (value, problem) in [
            ("form-data", "has no name"),
            ("form-data; filename=\"b\"", "has no name"),
            ("attachment; name=\"a\"", "is not form-data"),
            ("form-data; name=a; name=b", "twice"),
            ("form-data; name=a; filename=b; filename=c", "twice"),
            ("form-data; name=\"a", "does not end"),
            ("form-data; name=a; filename*=b.pdf", "filename*"),
            ("form-data; name=a; filename*=klingon''b", "filename*"),
            ("form-data; name=a; filename*=UTF-8''%zz", "filename*"),
            ("form-data; name=a; filename*=UTF-8''%4", "filename*"),
            ("form-data; name=a; filename*=UTF-8''%FF", "filename*"),
        ] {
            let found = disposition(value).unwrap_err();
            assert!(found.contains(problem), "{value}: {found}");
        }
    }

    #[test]
    fn malformed_head_is_refused() {
        const GOOD: &str = "Content-Disposition: form-data; name=a\r\n";
        for (lines, problem) in [
            ("", "no Content-Disposition"),
            ("Content-Type: text/plain\r\n", "no Content-Disposition"),
            (&format!("{GOOD}{GOOD}"), "twice"),
            (
                &format!("{GOOD}Content-Type: a/b\r\ncontent-type: a/b\r\n"),
                "twice",
            ),
            (&format!("{GOOD}no colon\r\n"), "no colon"),
            (&format!("{GOOD}: x\r\n"), "not a token"),
            (&format!("{GOOD}X : y\r\n"), "not a token"),
            (&format!("{GOOD} folded: y\r\n"), "folded"),
            (&format!("{GOOD}X: a\0b\r\n"), "control character"),
            (&format!("{GOOD}X: a\rb\r\n"), "control character"),
            (
                &format!("{GOOD}Content-Transfer-Encoding: base64\r\n"),
                "Transfer-Encoding",
            ),
            (
                &format!("{GOOD}Content-Transfer-Encoding:\r\n"),
                "Transfer-Encoding",
            ),
        ] {
            let found = PartHead::parse(lines.as_bytes()).unwrap_err();
            assert!(found.contains(problem), "{lines:?}: {found}");
        }
        let broken = b"Content-Disposition: form-data; name=\"\xff\"\r\n";
        assert_eq!(PartHead::parse(broken).unwrap_err(), "name is not UTF-8");
    }

    #[test]
    fn filename_beside_an_unreadable_one_is_read() {
        let lines = b"Content-Disposition: form-data; name=a; filename=\"\xe9\"; filename*=UTF-8''%C3%A9\r\n\
            Content-Type:\r\n";
        let head = PartHead::parse(lines).unwrap();
        assert_eq!(head.filename.as_deref(), Some("é"));
        assert_eq!(head.content_type, None, "an empty type is none");
    }

    #[test]
    fn other_headers_are_ignored_and_type_is_kept() {
        let lines = b"X-Odd: \xff\r\nCONTENT-TYPE:  Text/Plain; charset=x \r\n\
            content-transfer-encoding: 8BIT\r\nContent-Disposition: form-data; name=a\r\n";
        let head = PartHead::parse(lines).unwrap();
        assert_eq!(head.content_type.as_deref(), Some("Text/Plain; charset=x"));
        assert_eq!(head.filename, None);
    }
}
