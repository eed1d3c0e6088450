//! The comparison of a database's half with a store's.

use attache_metadata::InstallationRow;
use attache_model::InstallationId;

use super::{IdentityError, Marker};

/// The standing of a database and a store that do not contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Both have the same id.
    Together {
        /// The id.
        id: InstallationId,
        /// The database's generation.
        generation: u64,
    },
    /// Neither has an id: both are new, or were written by a version without ids.
    New,
}

/// Compares a database's half with a store's.
///
/// # Errors
///
/// The contradiction.
pub fn compare_halves(
    row: Option<&InstallationRow>,
    marker: Option<Marker>,
) -> Result<Standing, IdentityError> {
    match (row, marker) {
        (None, None) => Ok(Standing::New),
        // The first opening did not get to the store's half.
        (Some(row), None) if row.generation == 0 => Ok(Standing::New),
        (Some(row), None) => Err(IdentityError::NoMarker { database: row.id }),
        (None, Some(marker)) => Err(IdentityError::LostDatabase { store: marker.id }),
        (Some(row), Some(marker)) if row.id != marker.id => Err(IdentityError::OtherStore {
            database: row.id,
            store: marker.id,
        }),
        (Some(row), Some(marker)) if row.generation < marker.generation => {
            Err(IdentityError::OlderDatabase {
                database: row.generation,
                store: marker.generation,
            })
        }
        (Some(row), Some(_)) => Ok(Standing::Together {
            id: row.id,
            generation: row.generation,
        }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> InstallationId {
        InstallationId::from_uuid(Uuid::from_u128(number))
    }

    fn row(number: u128, generation: u64) -> InstallationRow {
        InstallationRow {
            id: id(number),
            generation,
            signing_key: None,
        }
    }

    fn marker(number: u128, generation: u64) -> Marker {
        Marker {
            id: id(number),
            generation,
        }
    }

    #[test]
    fn matching_halves_are_together() {
        for (database, store) in [(0, 0), (1, 0), (7, 7), (8, 7)] {
            let found = compare_halves(Some(&row(1, database)), Some(marker(1, store)));
            let generation = database;
            let id = id(1);
            assert_eq!(found.unwrap(), Standing::Together { id, generation });
        }
    }

    #[test]
    fn halves_without_an_id_are_new() {
        assert_eq!(compare_halves(None, None).unwrap(), Standing::New);
        assert_eq!(
            compare_halves(Some(&row(1, 0)), None).unwrap(),
            Standing::New
        );
    }

    #[test]
    fn contradictions_are_told_apart() {
        let no_marker = compare_halves(Some(&row(1, 1)), None).unwrap_err();
        assert!(matches!(no_marker, IdentityError::NoMarker { database } if database == id(1)));
        let lost = compare_halves(None, Some(marker(1, 0))).unwrap_err();
        assert!(matches!(lost, IdentityError::LostDatabase { store } if store == id(1)));
        let other = compare_halves(Some(&row(1, 9)), Some(marker(2, 3))).unwrap_err();
        assert!(matches!(other, IdentityError::OtherStore { .. }), "{other}");
        // Even one that was never paired is another's.
        let other = compare_halves(Some(&row(1, 0)), Some(marker(2, 0))).unwrap_err();
        assert!(matches!(other, IdentityError::OtherStore { .. }), "{other}");
        let older = compare_halves(Some(&row(1, 6)), Some(marker(1, 7))).unwrap_err();
        assert!(matches!(
            older,
            IdentityError::OlderDatabase {
                database: 6,
                store: 7
            }
        ));
    }
}
