//! JSON bodies, read so that an error names the field that does not fit.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;
use serde_path_to_error::Path;

/// The reason why a JSON body was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// The text is not JSON.
    Malformed(String),
    /// The text is JSON, but not the object that is expected.
    Mismatch(String),
    /// A field of the object does not fit; the detail is the end of a sentence.
    Field {
        /// The path of the field.
        field: String,
        /// The fault.
        detail: String,
    },
}

/// Reads a JSON object.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Serde takes an array for an object whose fields stand in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        return Err(JsonError::Mismatch("the body is not a JSON object".into()));
    }
    let mut deserializer = Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = field_of(error.path(), error.inner());
        match error.into_inner() {
            error if error.is_data() => mismatch(field, &error),
            // Serde calls a null or a number too large for its field a fault of the syntax, too.
            error if is_json(bytes) => mismatch(field, &error),
            error => malformed(&error),
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn is_json(bytes: &[u8]) -> bool {
    // `IgnoredAny` does not check that strings are UTF-8.
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn malformed(error: &serde_json::Error) -> JsonError {
    JsonError::Malformed(format!("malformed JSON: {error}"))
}

fn mismatch(field: Option<String>, error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    // The field is named, so its line and column say nothing more.
    let text = text.split(" at line ").next().unwrap_or_default();
    let Some(field) = field else {
        return JsonError::Mismatch(format!("invalid JSON object: {text}"));
    };
    let detail = if text.starts_with("missing field") {
        "is missing".to_owned()
    } else if let Some((_, known)) = text.split_once("expected one of ") {
        format!("is unknown or read-only; known are {known}")
    } else {
        format!("is invalid: {text}")
    };
    JsonError::Field { field, detail }
}

/// Returns the field that an error is about: its path, or the name of the one that is missing.
fn field_of(path: &Path, error: &serde_json::Error) -> Option<String> {
    let path = path.to_string();
    if path != "." {
        return Some(path);
    }
    let text = error.to_string();
    let (name, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[expect(dead_code, reason = "read from the outside only")]
        holder: String,
    }

    #[test]
    fn malformed_json_and_mismatch_are_told_apart() {
        let read = |text: &str| read_json::<Sent>(text.as_bytes());
        assert!(read(" {\"holder\": \"a\"} ").is_ok());
        assert!(read("\u{feff}{\"holder\": \"a\"}").is_ok());
        for text in [
            "",
            "\u{feff}",
            "\u{feff}\u{feff}{}",
            "{",
            "[1,",
            "{\"holder\":\"a\"}}",
            "nonsense",
        ] {
            let error = read(text).unwrap_err();
            assert!(
                matches!(error, JsonError::Malformed(_)),
                "{text}: {error:?}"
            );
        }
        for (text, expected) in [
            ("{\"holder\":null}", Some("holder")),
            ("{\"holder\":7}", Some("holder")),
            ("{}", Some("holder")),
            ("{\"holder\":\"a\",\"more\":1}", Some("more")),
            ("[\"a\"]", None),
            ("[]", None),
            ("\"a\"", None),
        ] {
            match (read(text).unwrap_err(), expected) {
                (JsonError::Field { field, .. }, Some(expected)) => assert_eq!(field, expected),
                (JsonError::Mismatch(_), None) => {}
                (error, _) => panic!("{text}: {error:?}"),
            }
        }
    }
}
