//! Reads `value; name=value; name="quoted"`, the shape of `Content-Type` and `Content-Disposition`.

/// The parts of such a header value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    /// The text before the first semicolon, in lower case.
    pub(super) essence: Vec<u8>,
    /// Names in lower case, each once; values unquoted, as bytes in no particular encoding.
    list: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Parameters {
    /// Reads a value. Spaces around `;` and `=`, and empty parameters, are allowed.
    ///
    /// # Errors
    ///
    /// The fault, as the end of a sentence that begins with the header's name.
    pub(super) fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let (essence, mut rest) = value.split_at(end);
        let mut list: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            match rest.split_first() {
                None => break,
                Some((b';', after)) => rest = after.trim_ascii_start(),
                Some(_) => return Err("has text between a parameter and the next semicolon"),
            }
            if matches!(rest.first(), None | Some(b';')) {
                continue;
            }
            let (name, value, after) = parameter(rest)?;
            if list.iter().any(|(known, _)| *known == name) {
                return Err("gives a parameter twice");
            }
            list.push((name, value));
            rest = after;
        }
        Ok(Self {
            essence: essence.trim_ascii().to_ascii_lowercase(),
            list,
        })
    }

    /// Returns the value of a parameter whose name is given in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.list.iter().find(|(known, _)| known == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }
}

type Parameter<'a> = (Vec<u8>, Vec<u8>, &'a [u8]);

/// Reads one `name=value`; returns both and the rest.
fn parameter(text: &[u8]) -> Result<Parameter<'_>, &'static str> {
    let equals = memchr::memchr(b'=', text).ok_or("has a parameter without a value")?;
    let name = text[..equals].trim_ascii_end();
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("has a parameter whose name is not a token");
    }
    let text = text[equals + 1..].trim_ascii_start();
    let (value, after) = match text.split_first() {
        Some((b'"', quoted)) => unquote(quoted)?,
        _ => bare(text)?,
    };
    Ok((name.to_ascii_lowercase(), value, after))
}

/// Reads a value without quotes: everything up to a space or semicolon. More than a token may hold
/// is accepted, as boundaries and filenames often come unquoted.
fn bare(text: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let end = text
        .iter()
        .position(|b| matches!(b, b';' | b' ' | b'\t'))
        .unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    if value.is_empty() {
        return Err("has a parameter without a value");
    }
    if value.contains(&b'"') {
        return Err("has a quotation mark inside an unquoted value");
    }
    Ok((value.to_vec(), after))
}

/// Reads up to the closing quotation mark. A backslash escapes only a quotation mark or another
/// backslash: before anything else it is itself, as in the `C:\scans\a.pdf` that some clients send.
fn unquote(text: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [] => return Err("has a quoted value that does not end"),
            [b'"', after @ ..] => return Ok((value, after)),
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                value.push(*escaped);
                rest = after;
            }
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
        }
    }
}

/// Returns `true` for a byte that a token may contain (RFC 9110, 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        for (text, essence, expected) in [
            ("form-data", "form-data", vec![]),
            ("Form-Data ; NAME=a", "form-data", vec![("name", "a")]),
            ("x;a=1;b=\"2\";", "x", vec![("a", "1"), ("b", "2")]),
            ("x;;a = \"1\" ; ;b=2", "x", vec![("a", "1"), ("b", "2")]),
            (r#"x; a="\"b\\;c""#, "x", vec![("a", r#""b\;c"#)]),
            (
                r#"x; a="C:\scans\a.pdf""#,
                "x",
                vec![("a", r"C:\scans\a.pdf")],
            ),
            ("x; a=\"\"", "x", vec![("a", "")]),
            ("x; a=--=_7/(:?)", "x", vec![("a", "--=_7/(:?)")]),
            ("x; a=\"naïve\"", "x", vec![("a", "naïve")]),
        ] {
            let parsed = Parameters::parse(text.as_bytes()).unwrap();
            assert_eq!(parsed.essence, essence.as_bytes(), "{text}");
            let list = expected
                .iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
            assert_eq!(parsed.list, list.collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn ambiguous_values_are_refused() {
        for text in [
            "x; a=1; A=2",
            "x; a",
            "x; a=",
            "x; =1",
            "x; a b=1",
            "x; a=1 2",
            "x; a=\"1",
            "x; a=\"1\\\"",
            "x; a=\"1\"2",
            "x; a=1\"2\"",
        ] {
            assert!(Parameters::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn token_set_is_that_of_rfc_9110() {
        let expected = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        for byte in 0..=u8::MAX {
            assert_eq!(is_token(byte), expected(byte), "{byte:#x}");
        }
    }
}
