//! The error of this crate: a value that does not fit its type.

/// The error for an external value that does not fit its type.
///
/// The message says what is wrong and what would be valid. It is safe to show to the client: it repeats
/// at most the refused part of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidValue {
    what: &'static str,
    problem: String,
}

impl InvalidValue {
    /// Creates an error: `what` is the noun (`filename`), and `problem` completes the sentence (`is
    /// longer than 255 bytes`).
    pub fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self {
            what,
            problem: problem.into(),
        }
    }

    /// The noun of the refused value, such as `filename`.
    pub fn what(&self) -> &'static str {
        self.what
    }
}
