//! Parsers of single values on the command line.

use std::time::Duration;

use attache::model::DisplayName;
use attache::signing::{ApiKey, ApiKeyId};
use attache::{Dialect, Dialects, InvalidValue, Scope, Scopes};

use super::nearest::hint;

/// The id of an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyIdArg(pub(crate) String);

pub(super) fn parse_key_name(text: &str) -> Result<String, InvalidValue> {
    DisplayName::parse(text).map(|name| name.as_str().to_owned())
}

pub(super) fn parse_scopes(text: &str) -> Result<Scopes, String> {
    let known = || Scope::ALL.map(Scope::as_str);
    let scopes: Scopes = text.parse().map_err(|_: InvalidValue| {
        let wrong = first_unknown(text, &known());
        let (hint, known) = (hint(wrong, known()), known().join(", "));
        format!("`{wrong}` is not a scope{hint}: known are {known}; omit the flag for all of them")
    })?;
    if scopes == Scopes::default() {
        return Err("name at least one scope, or omit the flag for all of them".to_owned());
    }
    Ok(scopes)
}

/// Parses a set of dialects.
pub(super) fn parse_dialects(text: &str) -> Result<Dialects, String> {
    text.parse().map_err(|error: InvalidValue| {
        let all = Dialects::all();
        let known: Vec<_> = all
            .iter()
            .map(Dialect::name)
            .chain(["all", "none"])
            .collect();
        let wrong = first_unknown(text, &known);
        format!("{error}{}", hint(wrong, known))
    })
}

/// Returns the first name of a comma-separated list that is not known.
fn first_unknown<'t>(list: &'t str, known: &[&str]) -> &'t str {
    let mut names = list.split(',').map(str::trim);
    names.find(|name| !known.contains(name)).unwrap_or(list)
}

pub(super) fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a duration such as 90d or 12h"))?;
    if lifetime.as_secs() == 0 {
        return Err("must be at least a second".to_owned());
    }
    Ok(lifetime)
}

/// Parses a duration that may be none at all.
pub(super) fn parse_delay(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a duration such as 10s, or 0s for none"))
}

/// Parses a key's id, or a whole key, of which it keeps only the id.
pub(super) fn parse_key_id(text: &str) -> Result<KeyIdArg, InvalidValue> {
    let id = match ApiKey::parse(text) {
        Ok(key) => key.key_id().clone(),
        Err(_) => ApiKeyId::parse(text)?,
    };
    Ok(KeyIdArg(id.as_str().to_owned()))
}

/// Parses a number of bytes, at least 1.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("must be at least 1".to_owned()),
        bytes => Ok(bytes),
    }
}

/// Parses a number of bytes: digits, optionally with `KiB`, `MiB`, `GiB` or `TiB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let refused = || "write bytes such as 5368709120, 512MiB or 5GiB".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(split.unwrap_or(text.len()));
    let shift = match unit.trim_start() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err(refused()),
    };
    let count: u64 = digits.parse().map_err(|_| refused())?;
    count.checked_mul(1 << shift).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_accept_binary_units() {
        for (text, bytes) in [
            ("1", 1),
            ("5368709120", 5 << 30),
            ("5GiB", 5 << 30),
            ("16 MiB", 16 << 20),
            ("8KiB", 8 << 10),
            ("10B", 10),
        ] {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        assert_eq!(parse_size("0").unwrap(), 0);
        for wrong in [
            "",
            "0",
            "0GiB",
            "5GB",
            "5G",
            "-1",
            "GiB",
            "1.5GiB",
            "99999999TiB",
        ] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn misspelt_dialect_is_refused_with_its_like() {
        assert_eq!(parse_dialects("dokstamp").unwrap().to_string(), "dokstamp");
        assert_eq!(parse_dialects("none").unwrap(), Dialects::none());
        let refused = parse_dialects("flexportal,dokstmap").unwrap_err();
        assert!(refused.contains("did you mean `dokstamp`?"), "{refused}");
    }

    #[test]
    fn pasted_key_is_reduced_to_its_id() {
        let key = ApiKey::generate(&attache::model::OsEntropy);
        let id = key.key_id().as_str();
        assert_eq!(parse_key_id(&key.reveal()).unwrap().0, id);
        assert_eq!(parse_key_id(id).unwrap().0, id);
        assert!(parse_key_id("att_wrong").is_err());
    }
}
