//! The one error of this crate: a value that does not fit its type.

/// A value from outside that does not fit the type it was meant for.
///
/// The message says what was wrong and what would be right; it is safe to show to the caller, as it
/// never repeats more of the value than the part that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidValue {
    what: &'static str,
    problem: String,
}

impl InvalidValue {
    /// Describes a refused value: `what` names the noun («filename»), `problem` completes the
    /// sentence («is longer than 255 bytes»).
    pub fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self {
            what,
            problem: problem.into(),
        }
    }

    /// The noun that was refused, such as `filename`.
    pub fn what(&self) -> &'static str {
        self.what
    }
}
