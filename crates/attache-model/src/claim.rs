//! Claims: a file is used by exactly one holder.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::names::normalised;
use crate::{InvalidValue, Timestamp};

/// The holder of a claim, a text chosen by the client such as `certificate:42`: Unicode NFC, 1 to 256 bytes
/// without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder(String);

impl Holder {
    /// Normalises a holder to Unicode NFC and checks it.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, longer than 256 bytes, or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        normalised("holder", text, 256).map(Self)
    }

    /// Returns the holder in Unicode NFD, as one may have been stored before they were normalised.
    pub fn decomposed(&self) -> String {
        self.0.nfd().collect()
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

/// A claim: the holder of a file, and the time since which it holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The holder.
    pub used_by: Holder,
    /// The time of the first claim; a retry does not change it.
    pub used_at: Timestamp,
}
