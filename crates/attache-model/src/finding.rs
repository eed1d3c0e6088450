//! Findings: the results of a backend's self-check, for its operator.

use std::error::Error;

use crate::with_causes;

/// The severity of a [`Finding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingLevel {
    /// Everything is as it should be, or merely worth knowing.
    Fine,
    /// The service works, but not as well or as safely as it could.
    Warning,
    /// The service does not work like this.
    Failure,
}

/// One result of a backend's self-check. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: FindingLevel,
    /// A line for people.
    pub text: String,
}

impl Finding {
    /// Creates a finding about something that is fine.
    pub fn fine(text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Fine, text.into())
    }

    /// Creates a finding about something that could be better.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Warning, text.into())
    }

    /// Creates a finding about something that does not work, with the error and its causes.
    pub fn failure(error: &(dyn Error + 'static)) -> Self {
        Self::new(FindingLevel::Failure, with_causes(error))
    }

    /// Creates a finding about two clocks that differ by `skew_ms` milliseconds; `whose` is the owner of
    /// the other clock.
    pub fn of_clock_skew(whose: &str, skew_ms: i64) -> Self {
        let seconds = skew_ms.unsigned_abs() / 1000;
        if seconds < 5 {
            return Self::fine(format!("the clock of {whose} agrees with this machine's"));
        }
        let side = if skew_ms > 0 { "ahead of" } else { "behind" };
        Self::warning(format!(
            "the clock of {whose} is {seconds} s {side} this machine's: leases and links go by both"
        ))
    }

    fn new(level: FindingLevel, text: String) -> Self {
        Self { level, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_skew_is_a_warning_from_5_seconds() {
        for (skew_ms, level, word) in [
            (0, FindingLevel::Fine, "agrees"),
            (-4_999, FindingLevel::Fine, "agrees"),
            (5_000, FindingLevel::Warning, "5 s ahead of"),
            (-90_000, FindingLevel::Warning, "90 s behind"),
        ] {
            let finding = Finding::of_clock_skew("the database", skew_ms);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.text.contains(word), "{finding:?}");
        }
    }
}
