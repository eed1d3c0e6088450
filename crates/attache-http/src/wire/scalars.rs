//! Booleans and whole numbers, in every notation that clients write.

use std::fmt;

use serde::de::{Deserializer, Error as _, Unexpected, Visitor};

/// The end of the sentence that refuses a text as a boolean.
pub(crate) const NO_BOOLEAN: &str = "must be `true` or `false`";

/// The largest whole number up to which every one has an exact floating-point notation.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a boolean from text. Beside `true` and `false`, HTML forms send `on`, Python `True`, and others
/// `1` and `0`.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["true", "on", "1"]) {
        Some(true)
    } else if is(["false", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Reads an optional whole number of JSON. `900.0` and `9e2` are whole too (JSON Schema, 4.2.3).
pub(crate) fn whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let Some(number) = deserializer.deserialize_any(WholeVisitor)? else {
        return Ok(None);
    };
    let fitting = T::try_from(number).map_err(|_| D::Error::custom("the number is out of range"));
    fitting.map(Some)
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Option<i128>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.fract() != 0.0 {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        if number.abs() > MAX_EXACT {
            return Err(E::custom("the number is out of range"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole, and within the exact range"
        )]
        let number = number as i128;
        Ok(Some(number))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn booleans_of_all_clients_are_read() {
        for text in ["true", "True", "TRUE", "on", "On", "1"] {
            assert_eq!(boolean(text), Some(true), "{text}");
        }
        for text in ["false", "False", "FALSE", "off", "0"] {
            assert_eq!(boolean(text), Some(false), "{text}");
        }
        for text in ["", "2", "01", "maybe", " true", "tru"] {
            assert_eq!(boolean(text), None, "{text:?}");
        }
    }

    #[derive(Debug, Deserialize)]
    struct Sent {
        #[serde(default, deserialize_with = "whole")]
        seconds: Option<u64>,
        #[serde(default, deserialize_with = "whole")]
        kind: Option<i8>,
    }

    #[test]
    fn whole_numbers_are_read_in_any_notation() {
        for (text, seconds) in [
            ("900", Some(900)),
            ("900.0", Some(900)),
            ("9e2", Some(900)),
            ("9.0E+2", Some(900)),
            ("0.0", Some(0)),
            ("-0.0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("9007199254740992.0", Some(1 << 53)),
            ("null", None),
        ] {
            let sent: Sent = serde_json::from_str(&format!("{{\"seconds\":{text}}}")).unwrap();
            assert_eq!(sent.seconds, seconds, "{text}");
        }
        assert_eq!(serde_json::from_str::<Sent>("{}").unwrap().seconds, None);
        let sent: Sent = serde_json::from_str("{\"kind\":-3.0}").unwrap();
        assert_eq!(sent.kind, Some(-3));
    }

    #[test]
    fn other_numbers_are_refused() {
        for (text, problem) in [
            ("900.5", "a whole number"),
            ("\"900\"", "a whole number"),
            ("true", "a whole number"),
            ("[900]", "a whole number"),
            ("-1", "out of range"),
            ("-1.0", "out of range"),
            ("1e300", "out of range"),
            ("1e17", "out of range"),
            ("18446744073709551616", "out of range"),
        ] {
            let sent = serde_json::from_str::<Sent>(&format!("{{\"seconds\":{text}}}"));
            let error = sent.unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        assert!(serde_json::from_str::<Sent>("{\"kind\":128.0}").is_err());
    }
}
