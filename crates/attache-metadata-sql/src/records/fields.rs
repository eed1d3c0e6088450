//! The fields of a record after a change, apart from its person, who has to be looked up.

use attache_metadata::Change;
use attache_metadata::{FileChange, Refusal};
use attache_model::{FileRecord, Revision};

/// Refuses a change that was meant for another revision.
pub(super) fn check_revision(
    record: &FileRecord,
    expected: Option<Revision>,
) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != record.revision => Err(Refusal::RevisionMismatch {
            current: record.revision,
        }),
        _ => Ok(()),
    }
}

/// Returns the record with its own fields changed.
pub(super) fn with_fields(before: &FileRecord, change: &FileChange) -> FileRecord {
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name = name.clone();
    }
    if let Some(filename) = &change.filename {
        after.filename = filename.clone();
    }
    after.visibility = change.visibility.unwrap_or(after.visibility);
    alter(&mut after.description, &change.description);
    alter(&mut after.category, &change.category);
    after
}

fn alter<T: Clone>(field: &mut Option<T>, change: &Change<T>) {
    match change {
        Change::Keep => {}
        Change::Set(value) => *field = Some(value.clone()),
        Change::Clear => *field = None,
    }
}
