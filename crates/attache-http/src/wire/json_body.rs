//! JSON bodies, read so that what does not fit is named.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;
use serde_path_to_error::Path;

use crate::problem::{Problem, ProblemKind};

/// Reads a JSON object: broken JSON is a malformed body, a value that does not fit an invalid field.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be taken for an object whose fields stand in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        return Err(Problem::new(
            ProblemKind::InvalidField,
            "the body is not a JSON object",
        ));
    }
    let mut deserializer = Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = field_of(error.path(), error.inner());
        match error.into_inner() {
            error if error.is_data() => misfit(field, &error),
            // A null or a number too large for its field is called a fault of the syntax, too.
            error if is_json(bytes) => misfit(field, &error),
            error => malformed(&error),
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn is_json(bytes: &[u8]) -> bool {
    // What is ignored is not looked at for being UTF-8.
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        ProblemKind::MalformedBody,
        format!("the JSON is broken: {error}"),
    )
}

fn misfit(field: Option<String>, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    // Where in the text it stands helps nobody: the field is named.
    let text = text.split(" at line ").next().unwrap_or_default();
    let Some(field) = field else {
        return Problem::new(
            ProblemKind::InvalidField,
            format!("the JSON is not right: {text}"),
        );
    };
    let detail = if text.starts_with("missing field") {
        "is missing".to_owned()
    } else if let Some((_, known)) = text.split_once("expected one of ") {
        format!("is unknown or read-only; known are {known}")
    } else {
        format!("is not right: {text}")
    };
    Problem::invalid_field(&field, detail)
}

/// The field an error is about: where it was found, or the one that it says is missing.
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
    use attache_model::RequestId;
    use http_body_util::BodyExt;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[expect(dead_code, reason = "read from the outside only")]
        holder: String,
    }

    /// The problem's type and the field it names.
    async fn problem(text: &str) -> (String, Option<String>) {
        let problem = read_json::<Sent>(text.as_bytes()).unwrap_err();
        let response = problem.into_response(&RequestId::parse("r").unwrap());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let slug = document["type"]
            .as_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned();
        (
            slug,
            document["errors"][0]["field"].as_str().map(str::to_owned),
        )
    }

    #[tokio::test]
    async fn broken_json_and_json_that_does_not_fit_are_told_apart() {
        assert!(read_json::<Sent>(b" {\"holder\": \"a\"} ").is_ok());
        for broken in ["", "{", "[1,", "{\"holder\":\"a\"}}", "nonsense"] {
            assert_eq!(problem(broken).await.0, "malformed-body", "{broken}");
        }
        for (misfit, field) in [
            ("{\"holder\":null}", Some("holder")),
            ("{\"holder\":7}", Some("holder")),
            ("{}", Some("holder")),
            ("{\"holder\":\"a\",\"more\":1}", Some("more")),
            ("[\"a\"]", None),
            ("[]", None),
            ("\"a\"", None),
        ] {
            let expected = ("invalid-field".to_owned(), field.map(str::to_owned));
            assert_eq!(problem(misfit).await, expected, "{misfit}");
        }
    }
}
