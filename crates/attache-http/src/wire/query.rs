//! Reads query strings strictly: what is not understood is refused, never dropped. Where a caller says
//! what it knows, that is read as strictly, and the rest is passed over.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::wire::percent;

/// The longest query string, in bytes.
const MAX_QUERY_BYTES: usize = 8 << 10;

/// How many parameters a query may have.
const MAX_PAIRS: usize = 64;

/// How much of a parameter's name a message repeats, in characters.
const MAX_SHOWN_CHARS: usize = 64;

/// A query string that cannot be taken as it is: a 400. The message is meant for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    parameter: Option<String>,
    problem: String,
}

impl QueryError {
    /// Refuses the value of a parameter; `problem` completes the sentence («is in the past»).
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

    /// The parameter that was refused, escaped and cut for display; `None` where it is the query
    /// as a whole.
    pub(crate) fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }
}

impl Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parameter {
            Some(parameter) => write!(f, "query parameter «{parameter}» {}", self.problem),
            None => write!(f, "the query {}", self.problem),
        }
    }
}

impl std::error::Error for QueryError {}

/// The parameters of a query, to be taken out one by one.
///
/// At most 64 parameters in 8 KiB, each given once, in valid percent-encoding and UTF-8; `+` is a
/// space. [`finish`](Self::finish) refuses those that nothing took.
#[derive(Debug)]
pub(crate) struct StrictQuery {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl StrictQuery {
    /// Reads the query of a URI, without its `?`. None at all is an empty one.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, QueryError> {
        Self::read(raw, |_| true)
    }

    /// Reads of a query only the parameters with these names. Whatever else is in it is ignored: how
    /// often it is given, how much of it there is within the 8 KiB, and how it is encoded.
    pub(crate) fn parse_known(
        raw: Option<&str>,
        names: &[&'static str],
    ) -> Result<Self, QueryError> {
        let is_known = |raw_name: &str| decode(raw_name).is_ok_and(|it| names.contains(&&*it));
        Self::read(raw, is_known)
    }

    /// Reads the pairs whose name, as it stands there, is `wanted`.
    fn read(raw: Option<&str>, wanted: impl Fn(&str) -> bool) -> Result<Self, QueryError> {
        let raw = raw.unwrap_or_default();
        if raw.len() > MAX_QUERY_BYTES {
            let problem = format!("is longer than {MAX_QUERY_BYTES} bytes");
            return Err(QueryError::whole(problem));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        let split = raw.split('&').filter(|pair| !pair.is_empty());
        let split = split.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        for (raw_name, raw_value) in split.filter(|(raw_name, _)| wanted(raw_name)) {
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
        Ok(Self {
            pairs,
            known: Vec::new(),
        })
    }

    /// Takes the value of a parameter; `None` where it is absent, empty text where it has none.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<String> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        let at = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.swap_remove(at).1)
    }

    /// Takes a value of a type that reads itself; `None` where the parameter is absent.
    ///
    /// # Errors
    ///
    /// What the type says against the value, under the parameter's name.
    pub(crate) fn take_parsed<T>(&mut self, name: &'static str) -> Result<Option<T>, QueryError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.take_with(name, |text| {
            text.parse::<T>()
                .map_err(|error| format!("is refused: {error}"))
        })
    }

    /// Takes `true` or `false`; `None` where the parameter is absent.
    pub(crate) fn take_bool(&mut self, name: &'static str) -> Result<Option<bool>, QueryError> {
        self.take_with(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("is neither «true» nor «false»".to_owned()),
        })
    }

    /// Takes a whole number within `range`; `None` where the parameter is absent. Digits only, and
    /// a sign where the type has one.
    pub(crate) fn take_integer<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, QueryError>
    where
        T: FromStr + PartialOrd + Display,
    {
        self.take_with(name, |text| {
            let number = text.parse::<T>().ok().filter(|_| !text.starts_with('+'));
            number.filter(|n| range.contains(n)).ok_or_else(|| {
                format!(
                    "is not a whole number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
        })
    }

    /// All parameters, for a reader with rules of its own.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }

    /// Refuses whatever was not taken.
    ///
    /// # Errors
    ///
    /// Names the first unknown parameter, and those that are known.
    pub(crate) fn finish(self) -> Result<(), QueryError> {
        let Some((name, _)) = self.pairs.first() else {
            return Ok(());
        };
        let problem = if self.known.is_empty() {
            "is unknown; none is known here".to_owned()
        } else {
            format!("is unknown; known are {}", self.known.join(", "))
        };
        Err(QueryError::new(name, problem))
    }

    fn take_with<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, QueryError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let value = read(&text).map_err(|problem| QueryError::new(name, problem))?;
        Ok(Some(value))
    }
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
mod tests {
    use attache_model::Category;
    use proptest::prelude::*;

    use super::*;

    fn parse(raw: &str) -> StrictQuery {
        StrictQuery::parse(Some(raw)).unwrap()
    }

    fn refused(raw: &str) -> String {
        StrictQuery::parse(Some(raw)).unwrap_err().to_string()
    }

    #[test]
    fn takes_decoded_values() {
        let mut query =
            parse("person=a%26b+c%2B&&na%C3%AFve=1&empty=&bare&eq=a=b&where%5Bx%5D=null");
        assert_eq!(query.take("person").as_deref(), Some("a&b c+"));
        assert_eq!(query.take("naïve").as_deref(), Some("1"));
        assert_eq!(query.take("empty").as_deref(), Some(""));
        assert_eq!(query.take("bare").as_deref(), Some(""));
        assert_eq!(query.take("eq").as_deref(), Some("a=b"));
        assert_eq!(query.take("where[x]").as_deref(), Some("null"));
        assert_eq!(query.take("absent"), None);
        assert_eq!(query.take("person"), None);
        assert_eq!(query.finish(), Ok(()));
        for nothing in [None, Some(""), Some("&")] {
            assert_eq!(StrictQuery::parse(nothing).unwrap().finish(), Ok(()));
        }
    }

    #[test]
    fn refuses_what_cannot_be_decoded_and_names_it() {
        for (raw, message) in [
            (
                "ok=1&a=%",
                "query parameter «a» has a % that two hex digits do not follow",
            ),
            (
                "a=%4",
                "query parameter «a» has a % that two hex digits do not follow",
            ),
            (
                "a=%zz",
                "query parameter «a» has a % that two hex digits do not follow",
            ),
            ("a=%ff", "query parameter «a» is not UTF-8 once decoded"),
            (
                "%ff=1",
                "query parameter «%ff» is not UTF-8 once decoded in its name",
            ),
            ("a=1&b=2&a=1", "query parameter «a» is given more than once"),
            ("a&%61=", "query parameter «a» is given more than once"),
        ] {
            assert_eq!(refused(raw), message);
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_what_is_known_read_as_strictly() {
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
            let mut query = StrictQuery::parse_known(Some(&raw), &["limit"]).unwrap();
            assert_eq!(query.take("limit").as_deref(), Some("1"), "{unknown}");
            assert_eq!(query.finish(), Ok(()), "{unknown}");
        }
        let refused = |raw: &str| StrictQuery::parse_known(Some(raw), &["limit"]).unwrap_err();
        for (raw, message) in [
            (
                "limit=1&l%69mit=1",
                "query parameter «limit» is given more than once",
            ),
            (
                "limit=%ff",
                "query parameter «limit» is not UTF-8 once decoded",
            ),
            (
                &"a".repeat(MAX_QUERY_BYTES + 1),
                "the query is longer than 8192 bytes",
            ),
        ] {
            assert_eq!(refused(raw).to_string(), message);
        }
    }

    #[test]
    fn is_capped() {
        let longest = format!("a={}", "b".repeat(MAX_QUERY_BYTES - 2));
        assert!(StrictQuery::parse(Some(&longest)).is_ok());
        assert_eq!(
            refused(&(longest + "b")),
            "the query is longer than 8192 bytes"
        );
        let many = |count| {
            (0..count)
                .map(|i| format!("p{i}="))
                .collect::<Vec<_>>()
                .join("&")
        };
        assert!(StrictQuery::parse(Some(&many(64))).is_ok());
        assert_eq!(refused(&many(65)), "the query has more than 64 parameters");
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_known_ones() {
        let mut query = parse("limit=1&staet=active");
        query.take("limit");
        query.take("state");
        query.take("state");
        let error = query.finish().unwrap_err();
        assert_eq!(error.parameter(), Some("staet"));
        let message = "query parameter «staet» is unknown; known are limit, state";
        assert_eq!(error.to_string(), message);
        let error = parse("a").finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "query parameter «a» is unknown; none is known here"
        );
    }

    #[test]
    fn a_hostile_name_is_cut_and_escaped() {
        let raw = format!("%0a%1b%E2%80%AE{}", "a".repeat(1000));
        let message = parse(&raw).finish().unwrap_err().to_string();
        assert!(
            message.starts_with(r"query parameter «\n\u{1b}\u{202e}a"),
            "{message}"
        );
        assert!(message.len() < 200);
    }

    #[test]
    fn typed_values() {
        let mut query = parse("category=images&other=-&yes=true&no=false&maybe=TRUE&none");
        let category = query.take_parsed::<Category>("category").unwrap().unwrap();
        assert_eq!(category.as_str(), "images");
        let error = query
            .take_parsed::<Category>("other")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("query parameter «other» is refused: category is"),
            "{error}"
        );
        assert_eq!(query.take_parsed::<Category>("absent"), Ok(None));
        assert_eq!(query.take_bool("yes"), Ok(Some(true)));
        assert_eq!(query.take_bool("no"), Ok(Some(false)));
        assert_eq!(query.take_bool("absent"), Ok(None));
        assert!(query.take_bool("maybe").is_err());
        assert!(query.take_bool("none").is_err());
    }

    #[test]
    fn integers_lie_in_their_range() {
        for (value, expected) in [
            ("1", Some(1)),
            ("1000", Some(1000)),
            ("0", None),
            ("1001", None),
            ("-1", None),
            ("%2B5", None),
            ("+5", None),
            ("5.0", None),
            ("", None),
            ("99999999999", None),
        ] {
            let found = parse(&format!("limit={value}")).take_integer("limit", 1_u32..=1000);
            match expected {
                Some(number) => assert_eq!(found, Ok(Some(number))),
                None => assert_eq!(
                    found.unwrap_err().to_string(),
                    "query parameter «limit» is not a whole number from 1 to 1000"
                ),
            }
        }
        assert_eq!(parse("").take_integer("limit", 1..=2), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_never_panics(raw in "[ -~]{0,60}|\\PC{0,40}|([%&=+a][0-9a-f%]?){0,30}") {
            if let Ok(query) = StrictQuery::parse(Some(&raw)) {
                prop_assert_eq!(query.pairs.is_empty(), query.finish().is_ok());
            }
        }

        #[test]
        fn what_is_encoded_is_taken(value in any::<String>()) {
            let encoded = percent_encoding::utf8_percent_encode(
                &value, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assume!(encoded.len() < 8000);
            prop_assert_eq!(parse(&format!("v={encoded}")).take("v"), Some(value));
        }
    }
}
