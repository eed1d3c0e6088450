//! Reads query strings strictly into typed structs: what is not understood is refused, never dropped.
//! The parsing is that of `serde_html_form`, behind a check of what it would accept tacitly: broken
//! encoding, and parameters given twice.

use std::fmt::{self, Display};
use std::num::IntErrorKind;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use utoipa::IntoParams;

use crate::wire::{percent, scalars};

/// The longest query string, in bytes.
const MAX_QUERY_BYTES: usize = 8 << 10;

/// The most parameters that a query may have.
const MAX_PAIRS: usize = 64;

/// The most characters of a parameter's name that a message repeats.
const MAX_SHOWN_CHARS: usize = 64;

/// A query string that is refused: a 400. The message is meant for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    parameter: Option<String>,
    problem: String,
}

impl QueryError {
    /// Refuses the value of a parameter; `problem` completes the sentence (`is in the past`).
    pub(crate) fn new(parameter: &str, problem: impl Into<String>) -> Self {
        let shown = parameter.chars().take(MAX_SHOWN_CHARS);
        Self {
            parameter: Some(shown.flat_map(char::escape_debug).collect()),
            problem: problem.into(),
        }
    }

    fn whole(problem: String) -> Self {
        Self {
            parameter: None,
            problem,
        }
    }

    /// Returns the refused parameter, escaped and shortened for display; `None` if the query as a whole
    /// was refused.
    pub(crate) fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }
}

impl Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parameter {
            Some(parameter) => write!(f, "query parameter `{parameter}` {}", self.problem),
            None => write!(f, "the query {}", self.problem),
        }
    }
}

impl std::error::Error for QueryError {}

/// Reads a query into a struct that denies unknown fields.
///
/// A query has at most 64 parameters in 8 KiB, each given once, in valid percent-encoding and UTF-8; `+`
/// is a space.
///
/// # Errors
///
/// Names the parameter, and what would be right.
pub(crate) fn read<T: DeserializeOwned>(raw: Option<&str>) -> Result<T, QueryError> {
    let raw = raw.unwrap_or_default();
    pairs(Some(raw))?;
    deserialize(raw)
}

/// Reads the parameters that a struct has, as strictly. Any other is ignored, however it is encoded and
/// as often as it is given.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn read_known<T: DeserializeOwned + IntoParams>(
    raw: Option<&str>,
) -> Result<T, QueryError> {
    let raw = raw.unwrap_or_default();
    check_length(raw)?;
    let known = T::into_params(|| None);
    let is_known = |pair: &&str| {
        let (name, _) = split(pair);
        decode(name).is_ok_and(|name| known.iter().any(|parameter| parameter.name == name))
    };
    let wanted: Vec<&str> = raw.split('&').filter(is_known).collect();
    read(Some(&wanted.join("&")))
}

/// Reads a query as [`read`], and takes some parameters for absent where they have no value.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn read_without_empty<T: DeserializeOwned>(
    raw: Option<&str>,
    optional: &[&str],
) -> Result<T, QueryError> {
    let raw = raw.unwrap_or_default();
    pairs(Some(raw))?;
    let has_meaning = |pair: &&str| {
        let (name, value) = split(pair);
        !value.is_empty() || decode(name).is_ok_and(|name| !optional.contains(&name.as_str()))
    };
    let present: Vec<&str> = raw.split('&').filter(has_meaning).collect();
    deserialize(&present.join("&"))
}

/// Refuses any parameter.
///
/// # Errors
///
/// Names the first.
pub(crate) fn read_none(raw: Option<&str>) -> Result<(), QueryError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoParameters {}

    read(raw).map(|NoParameters {}| ())
}

/// Returns the decoded pairs of a query, for a reader with rules of its own.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn pairs(raw: Option<&str>) -> Result<Vec<(String, String)>, QueryError> {
    let raw = raw.unwrap_or_default();
    check_length(raw)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (raw_name, raw_value) in raw.split('&').filter(|pair| !pair.is_empty()).map(split) {
        if pairs.len() == MAX_PAIRS {
            let problem = format!("has more than {MAX_PAIRS} parameters");
            return Err(QueryError::whole(problem));
        }
        let name = decode(raw_name)
            .map_err(|problem| QueryError::new(raw_name, format!("{problem} in its name")))?;
        let value =
            decode(raw_value).map_err(|problem| QueryError::new(&name, problem.to_string()))?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(QueryError::new(&name, "is given more than once"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn check_length(raw: &str) -> Result<(), QueryError> {
    if raw.len() > MAX_QUERY_BYTES {
        let problem = format!("is longer than {MAX_QUERY_BYTES} bytes");
        return Err(QueryError::whole(problem));
    }
    Ok(())
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

fn deserialize<T: DeserializeOwned>(raw: &str) -> Result<T, QueryError> {
    let form = serde_html_form::Deserializer::from_bytes(raw.as_bytes());
    serde_path_to_error::deserialize(form).map_err(|error| {
        let message = error.inner().to_string();
        match message.strip_prefix("missing field `") {
            Some(name) => QueryError::new(name.trim_end_matches('`'), "is missing"),
            None => QueryError::new(&error.path().to_string(), explain(&message)),
        }
    })
}

/// Turns serde's message into one that completes the sentence.
fn explain(message: &str) -> String {
    let (what, expected) = message.split_once(", ").unwrap_or((message, ""));
    if what.starts_with("unknown field ") {
        let known = expected.replace("there are no fields", "no parameter is expected");
        format!("is unknown; {known}")
    } else if what.starts_with("unknown variant ") {
        expected.replacen("expected", "must be", 1)
    } else {
        message.to_owned()
    }
}

/// Reads a value of a type that parses itself, with `#[serde(deserialize_with)]`.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    parsed_with(deserializer, |text| {
        text.parse::<T>()
            .map_err(|error| format!("is invalid: {error}"))
    })
}

/// Reads a value with a parser whose errors complete the sentence.
pub(crate) fn parsed_with<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    parse(&text).map(Some).map_err(D::Error::custom)
}

/// Reads a boolean, as [`scalars::boolean`].
pub(crate) fn boolean<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    parsed_with(deserializer, |text| {
        scalars::boolean(text).ok_or_else(|| scalars::NO_BOOLEAN.to_owned())
    })
}

/// Reads a whole number: digits only, and a minus sign if the type has one.
pub(crate) fn integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = std::num::ParseIntError>,
{
    parsed_with(deserializer, |text| match text.parse::<T>() {
        Ok(number) if !text.starts_with('+') => Ok(number),
        Err(error)
            if matches!(
                error.kind(),
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
            ) =>
        {
            Err("is out of range".to_owned())
        }
        _ => Err("must be a whole number".to_owned()),
    })
}

/// Decodes one side of a pair as HTML forms encode it.
fn decode(raw: &str) -> Result<String, percent::PercentError> {
    if raw.contains('+') {
        percent::decode(raw.replace('+', " ").as_bytes())
    } else {
        percent::decode(raw.as_bytes())
    }
}

#[cfg(test)]
mod tests;
