//! Error messages with their causes, on one line.

use std::error::Error;

/// Joins the messages of an error and its sources by `: `, for logs and operators.
///
/// A source whose message already ends the text is left out: some errors include their causes.
///
/// ```
/// let error = "x".parse::<u8>().unwrap_err();
/// assert_eq!(attache_model::with_causes(&error), "invalid digit found in string");
/// ```
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.ends_with(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Chained(&'static str, Option<Box<Chained>>);

    impl fmt::Display for Chained {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Chained {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn chain(texts: &[&'static str]) -> Option<Box<Chained>> {
        let (first, rest) = texts.split_first()?;
        Some(Box::new(Chained(first, chain(rest))))
    }

    #[test]
    fn causes_are_joined_without_repetition() {
        for (texts, expected) in [
            (&["put failed"][..], "put failed"),
            (
                &["put failed", "no answer", "timed out"],
                "put failed: no answer: timed out",
            ),
            // The second message includes the third.
            (
                &["open failed", "io: no such file", "no such file"],
                "open failed: io: no such file",
            ),
            // Messages after a repetition are kept.
            (&["a", "a", "b"], "a: b"),
        ] {
            let error = chain(texts).unwrap();
            assert_eq!(with_causes(error.as_ref()), expected);
        }
    }
}
