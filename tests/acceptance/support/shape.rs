//! Compares JSON with the example on a page: not the values, but everything a client depends on.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Fails unless `found` has all that `printed` has, of the same types: each member of an object, and in
/// each element of a list the members of the first printed element. A URL has to be a URL, a timestamp
/// a timestamp. Additional members are fine.
#[track_caller]
pub(crate) fn assert_shape(printed: &str, found: &Value) {
    let printed: Value = serde_json::from_str(printed).unwrap();
    if let Err(difference) = compare(&printed, found, "the response") {
        panic!("{difference}\nprinted: {printed:#}\nfound: {found:#}");
    }
}

fn compare(printed: &Value, found: &Value, place: &str) -> Result<(), String> {
    match (printed, found) {
        (Value::Object(printed), Value::Object(found)) => {
            printed.iter().try_for_each(|(name, printed)| {
                let place = format!("{place}.{name}");
                let found = found.get(name);
                let found = found.ok_or_else(|| format!("{place} is missing"))?;
                compare(printed, found, &place)
            })
        }
        (Value::Array(printed), Value::Array(found)) => {
            let Some(printed) = printed.first() else {
                return Ok(());
            };
            if found.is_empty() {
                return Err(format!("{place} is empty"));
            }
            found
                .iter()
                .zip(0..)
                .try_for_each(|(found, at)| compare(printed, found, &format!("{place}[{at}]")))
        }
        _ if kind(printed) == kind(found) => Ok(()),
        _ => Err(format!("{place} is {}, not {}", kind(found), kind(printed))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "an integer",
        Value::Number(_) => "a fraction",
        Value::String(text) if text.starts_with("http://") || text.starts_with("https://") => {
            "a URL"
        }
        Value::String(text) if OffsetDateTime::parse(text, &Rfc3339).is_ok() => "a timestamp",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[test]
fn shape_differences_are_found() {
    let printed =
        r#"{"id":1,"at":"2022-01-30T00:24:48.259289-05:00","url":"https://a/b","of":[{"x":null}]}"#;
    let same = serde_json::json!({
        "id": 7, "at": "2026-01-31T12:00:00.000Z", "url": "http://c", "of": [{"x": null, "y": 1}],
    });
    assert_shape(printed, &same);
    for (member, value) in [
        ("id", Value::from("7")),
        ("id", Value::from(7.5)),
        ("at", Value::from("noon")),
        ("at", Value::from(1_769_860_800)),
        ("url", Value::from("/c")),
        ("of", serde_json::json!([])),
        ("of", serde_json::json!([{"x": null}, {}])),
        ("of", serde_json::json!([{"x": "1"}])),
    ] {
        let mut other = same.clone();
        other[member] = value;
        let printed = serde_json::from_str(printed).unwrap();
        assert!(compare(&printed, &other, "it").is_err(), "{other}");
    }
}
