use attache_model::Category;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    #[param(value_type = Option<String>)]
    #[serde(deserialize_with = "parsed")]
    category: Option<Category>,
    #[serde(deserialize_with = "boolean")]
    used: Option<bool>,
    #[serde(deserialize_with = "integer")]
    limit: Option<u32>,
    #[param(inline)]
    state: Option<State>,
    #[serde(rename = "where[x]")]
    text: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Active,
    Archived,
}

fn sample(raw: &str) -> Result<Sample, String> {
    read(Some(raw)).map_err(|error| error.to_string())
}

fn refused(raw: &str) -> String {
    sample(raw).unwrap_err()
}

#[test]
fn values_are_decoded_and_typed() {
    let found =
        sample("category=im%61ges&&used=true&limit=7&state=archived&where%5Bx%5D=a%26b+c%2B");
    let expected = Sample {
        category: Some(Category::parse("images").unwrap()),
        used: Some(true),
        limit: Some(7),
        state: Some(State::Archived),
        text: Some("a&b c+".to_owned()),
    };
    assert_eq!(found, Ok(expected));
    for (raw, text) in [
        ("where[x]=a=b", "a=b"),
        ("where[x]", ""),
        ("where[x]=na%C3%AFve", "naïve"),
    ] {
        assert_eq!(sample(raw).unwrap().text.as_deref(), Some(text));
    }
    for nothing in [None, Some(""), Some("&")] {
        assert_eq!(read(nothing), Ok(Sample::default()));
        assert_eq!(read_none(nothing), Ok(()));
    }
}

#[test]
fn undecodable_parameters_are_named() {
    for (raw, message) in [
        (
            "used=true&a=%",
            "query parameter `a` has a % that two hex digits do not follow",
        ),
        (
            "a=%4",
            "query parameter `a` has a % that two hex digits do not follow",
        ),
        (
            "a=%zz",
            "query parameter `a` has a % that two hex digits do not follow",
        ),
        ("a=%ff", "query parameter `a` is not UTF-8 once decoded"),
        (
            "%ff=1",
            "query parameter `%ff` is not UTF-8 once decoded in its name",
        ),
        ("a=1&b=2&a=1", "query parameter `a` is given more than once"),
        ("a&%61=", "query parameter `a` is given more than once"),
    ] {
        assert_eq!(refused(raw), message);
        assert_eq!(pairs(Some(raw)).unwrap_err().to_string(), message);
    }
}

#[test]
fn invalid_values_are_explained() {
    for (raw, message) in [
        (
            "used=yes",
            "query parameter `used` must be `true` or `false`",
        ),
        ("used=2", "query parameter `used` must be `true` or `false`"),
        ("used=", "query parameter `used` must be `true` or `false`"),
        (
            "state=any",
            "query parameter `state` must be `active` or `archived`",
        ),
        (
            "limit=ten",
            "query parameter `limit` must be a whole number",
        ),
        (
            "limit=%2B5",
            "query parameter `limit` must be a whole number",
        ),
        ("limit=", "query parameter `limit` must be a whole number"),
        (
            "limit=99999999999",
            "query parameter `limit` is out of range",
        ),
    ] {
        assert_eq!(refused(raw), message);
    }
    let message = refused("category=-");
    assert!(
        message.starts_with("query parameter `category` is invalid: category is"),
        "{message}"
    );
}

#[test]
fn unknown_parameter_is_named_with_the_known() {
    let error = read::<Sample>(Some("limit=1&staet=active")).unwrap_err();
    assert_eq!(error.parameter(), Some("staet"));
    let message = "query parameter `staet` is unknown; \
        expected one of `category`, `used`, `limit`, `state`, `where[x]`";
    assert_eq!(error.to_string(), message);
    let error = read_none(Some("a")).unwrap_err();
    let message = "query parameter `a` is unknown; no parameter is expected";
    assert_eq!(error.to_string(), message);
}

#[test]
fn missing_parameter_is_named() {
    #[derive(Debug, Deserialize)]
    struct Required {
        #[expect(dead_code, reason = "never read: it is missing")]
        holder: String,
    }
    let error = read::<Required>(None).unwrap_err();
    assert_eq!(error.to_string(), "query parameter `holder` is missing");
    assert_eq!(error.parameter(), Some("holder"));
}

#[test]
fn unknown_parameters_are_ignored_where_allowed() {
    let many = "p=&".repeat(200);
    for unknown in [
        "a[]=1&a[]=2",
        "a=%zz",
        "%ff=1",
        "%=",
        "Limit=2&limit%20=3",
        &many,
    ] {
        let raw = format!("{unknown}&l%69mit=1&{unknown}");
        let found = read_known::<Sample>(Some(&raw)).unwrap();
        assert_eq!(found.limit, Some(1), "{unknown}");
    }
    for (raw, message) in [
        (
            "limit=1&l%69mit=1",
            "query parameter `limit` is given more than once",
        ),
        (
            "limit=%ff",
            "query parameter `limit` is not UTF-8 once decoded",
        ),
        (
            &"a".repeat(MAX_QUERY_BYTES + 1),
            "the query is longer than 8192 bytes",
        ),
    ] {
        let error = read_known::<Sample>(Some(raw)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn length_and_count_are_capped() {
    let longest = format!("where[x]={}", "b".repeat(MAX_QUERY_BYTES - 9));
    assert!(sample(&longest).is_ok());
    assert_eq!(
        refused(&(longest + "b")),
        "the query is longer than 8192 bytes"
    );
    let many = |count| {
        let names = (0..count).map(|i| format!("p{i}="));
        pairs(Some(&names.collect::<Vec<_>>().join("&")))
    };
    assert_eq!(many(64).unwrap().len(), 64);
    let error = many(65).unwrap_err();
    assert_eq!(error.to_string(), "the query has more than 64 parameters");
}

#[test]
fn hostile_name_is_shortened_and_escaped() {
    let message = refused(&format!("%0a%1b%E2%80%AE{}", "a".repeat(1000)));
    let start = r"query parameter `\n\u{1b}\u{202e}a";
    assert!(message.starts_with(start), "{message}");
    assert!(message.len() < 250, "{message}");
}

proptest! {
    #[test]
    fn any_text_never_panics(raw in "[ -~]{0,60}|\\PC{0,40}|([%&=+a][0-9a-f%]?){0,30}") {
        if let Ok(pairs) = pairs(Some(&raw)) {
            prop_assert_eq!(pairs.is_empty(), read_none(Some(&raw)).is_ok());
        }
        _ = read_known::<Sample>(Some(&raw));
    }

    #[test]
    fn encoded_values_are_read_back(value in any::<String>()) {
        let encoded = percent_encoding::utf8_percent_encode(
            &value, percent_encoding::NON_ALPHANUMERIC).to_string();
        prop_assume!(encoded.len() < 8000);
        let found = sample(&format!("where[x]={encoded}")).unwrap();
        prop_assert_eq!(found.text, Some(value));
    }
}
