//! Marking a file as used by exactly one holder.

use std::fmt;

use crate::names::check_text;
use crate::{InvalidValue, Timestamp};

/// Who holds a file: a text of the claimant's own, such as `certificate:42`. 1 to 256 bytes, no
/// control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder(String);

impl Holder {
    /// Checks a holder.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_text("holder", text, 256)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fact that a file is used, by whom and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who holds the file.
    pub used_by: Holder,
    /// When the claim was first made; a retry does not move it.
    pub used_at: Timestamp,
}
