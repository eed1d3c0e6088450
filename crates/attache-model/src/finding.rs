//! What somebody who looked a backend over has to say to its operator.

use std::error::Error;

use crate::with_causes;

/// How much a [`Finding`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingLevel {
    /// As it should be, or merely good to know.
    Fine,
    /// The service works, but not as well or not as safely as it could.
    Warning,
    /// The service does not work like this.
    Failure,
}

/// One thing that was found when a backend was looked over. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: FindingLevel,
    /// A line for people.
    pub text: String,
}

impl Finding {
    /// Something that is as it should be.
    pub fn fine(text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Fine, text.into())
    }

    /// Something that could be better.
    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(FindingLevel::Warning, text.into())
    }

    /// Something that does not work, with all that the error and its sources say.
    pub fn failure(error: &(dyn Error + 'static)) -> Self {
        Self::new(FindingLevel::Failure, with_causes(error))
    }

    /// What two clocks that differ by so many milliseconds mean; `whose` is the other one.
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
    fn a_skew_matters_from_five_seconds_on() {
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
