//! The text of a store's marker.

use std::fmt;
use std::str::FromStr as _;

use attache_model::InstallationId;

use super::IdentityError;

/// The first line, so that an operator who finds the file knows what it is.
const TITLE: &str = "attache installation";

/// The most of an unreadable marker that an error shows.
const SHOWN_CHARS: usize = 80;

/// The store's half of an installation's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The id, the same as in the database.
    pub id: InstallationId,
    /// The latest generation of the database that this store has seen.
    pub generation: u64,
}

impl Marker {
    /// Parses a marker.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Marker`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        Self::read(text).ok_or_else(|| IdentityError::Marker {
            found: text.chars().take(SHOWN_CHARS).collect(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let id = lines.next()?.strip_prefix("id ")?;
        let generation = lines.next()?.strip_prefix("generation ")?;
        Some(Self {
            id: InstallationId::from_str(id).ok()?,
            generation: generation.parse().ok()?,
        })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, generation } = self;
        write!(f, "{TITLE}\nid {id}\ngeneration {generation}\n")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn marker_reads_as_it_was_written() {
        let marker = Marker {
            id: InstallationId::from_uuid(Uuid::from_u128(7)),
            generation: 42,
        };
        let text = marker.to_string();
        assert_eq!(Marker::parse(&text).unwrap(), marker);
        // A later version may add lines.
        assert_eq!(Marker::parse(&format!("{text}more 1\n")).unwrap(), marker);
        for cut in 0..text.len() - 2 {
            let refused = Marker::parse(&text[..cut]);
            assert!(refused.is_err(), "{:?}", &text[..cut]);
        }
    }
}
