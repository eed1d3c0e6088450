//! What an error says together with its causes, on one line.

use std::error::Error;

/// Joins what an error and its sources say by `: `, for logs and operators. A source that says no more
/// than the end of what was said already is left out: some errors tell their causes themselves.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.ends_with(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Told>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn chain(texts: &[&'static str]) -> Option<Box<Told>> {
        let (first, rest) = texts.split_first()?;
        Some(Box::new(Told(first, chain(rest))))
    }

    #[test]
    fn every_cause_is_told_once() {
        for (texts, told) in [
            (&["put failed"][..], "put failed"),
            (
                &["put failed", "no answer", "timed out"],
                "put failed: no answer: timed out",
            ),
            // The second tells the third itself.
            (
                &["open failed", "io: no such file", "no such file"],
                "open failed: io: no such file",
            ),
            // What stands behind a repetition is told all the same.
            (&["a", "a", "b"], "a: b"),
        ] {
            let error = chain(texts).unwrap();
            assert_eq!(with_causes(error.as_ref()), told);
        }
    }
}
