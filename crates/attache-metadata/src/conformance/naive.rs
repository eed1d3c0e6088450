//! A naive implementation of lists: filter all records, then sort them.

use std::cmp::Ordering;

use attache_model::FileRecord;

use crate::{FileQuery, Sort, SortDirection, SortField, StateFilter};

/// Returns the expected list, given all records of the tenant.
pub(super) fn list(records: &[FileRecord], query: &FileQuery) -> Vec<FileRecord> {
    let mut found: Vec<_> = records
        .iter()
        .filter(|record| matches(record, query))
        .cloned()
        .collect();
    found.sort_by(|left, right| compare(left, right, query.sort));
    found
}

fn matches(record: &FileRecord, query: &FileQuery) -> bool {
    let person = record.person.as_ref().map(|person| person.id);
    let state = match query.state {
        StateFilter::Active => record.archived_at.is_none(),
        StateFilter::Archived => record.archived_at.is_some(),
        StateFilter::Any => true,
    };
    let prefix = query.name_prefix.as_deref().unwrap_or_default();
    state
        && query.person.is_none_or(|id| person == Some(id))
        && query.has_person.is_none_or(|has| person.is_some() == has)
        && query
            .filename
            .as_ref()
            .is_none_or(|name| record.filename == *name)
        && (query.category.is_none() || record.category == query.category)
        && query.used.is_none_or(|used| record.claim.is_some() == used)
        && query.uploaded_after.is_none_or(|at| record.created_at > at)
        && query
            .uploaded_before
            .is_none_or(|at| record.created_at < at)
        && query
            .content_type
            .as_ref()
            .is_none_or(|wanted| record.content_type.is_same_type(wanted))
        && query.sha256.is_none_or(|digest| record.sha256 == digest)
        && record
            .name
            .as_str()
            .as_bytes()
            .starts_with(prefix.as_bytes())
}

fn compare(left: &FileRecord, right: &FileRecord, sort: Sort) -> Ordering {
    let by_value = match sort.field {
        SortField::CreatedAt => left.created_at.cmp(&right.created_at),
        SortField::Name => left
            .name
            .as_str()
            .as_bytes()
            .cmp(right.name.as_str().as_bytes()),
        SortField::SizeBytes => left.size_bytes.cmp(&right.size_bytes),
        SortField::Seq => left.seq.get().cmp(&right.seq.get()),
    };
    let ascending = by_value.then(left.id.cmp(&right.id));
    match sort.direction {
        SortDirection::Ascending => ascending,
        SortDirection::Descending => ascending.reverse(),
    }
}
