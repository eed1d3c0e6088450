//! The orders of a list: the column each sorts by, the index that holds it, the position of a row.

use attache_metadata::{PageKey, SortField, SortValue};
use attache_model::{DisplayName, FileId, FileSeq, Timestamp};

use super::plan::{Leading, ListPlan};
use crate::columns::Columns;
use crate::failure::{Failure, RowError};

/// Returns `true` if a position is one of the requested order.
pub(super) const fn is_in_order(position: &PageKey, field: SortField) -> bool {
    matches!(
        (&position.value, field),
        (SortValue::CreatedAt(_), SortField::CreatedAt)
            | (SortValue::Name(_), SortField::Name)
            | (SortValue::SizeBytes(_), SortField::SizeBytes)
            | (SortValue::Seq(_), SortField::Seq)
    )
}

/// Returns the column an order sorts by.
pub(crate) const fn sort_column(field: SortField) -> &'static str {
    match field {
        SortField::CreatedAt => "created_at",
        SortField::Name => "name",
        SortField::SizeBytes => "size_bytes",
        SortField::Seq => "seq",
    }
}

/// Returns the index a plan walks.
#[cfg_attr(
    not(any(feature = "sqlite", test)),
    expect(dead_code, reason = "SQLite is given the index, Postgres finds it")
)]
pub(crate) const fn index(plan: &ListPlan<'_>) -> &'static str {
    match (plan.leading, plan.field) {
        (Leading::Tenant, SortField::CreatedAt) => "files_by_created",
        (Leading::Tenant, SortField::Name) => "files_by_name",
        (Leading::Tenant, SortField::SizeBytes) => "files_by_size",
        (Leading::Tenant, SortField::Seq) => "files_by_seq",
        (Leading::Person(_), SortField::CreatedAt) => "files_of_person_by_created",
        (Leading::Person(_), SortField::Name) => "files_of_person_by_name",
        (Leading::Person(_), SortField::SizeBytes) => "files_of_person_by_size",
        (Leading::Person(_), SortField::Seq) => "files_of_person_by_seq",
        (Leading::HasPerson(_), _) => "files_by_has_person",
        (Leading::Category(_), _) => "files_of_category_by_created",
        (Leading::Used(_), _) => "files_by_use",
        (Leading::Sha256(_), _) => "files_by_sha256",
    }
}

/// Reads a position from a row of the sort value and the id.
pub(crate) fn position(row: &dyn Columns, field: SortField) -> Result<PageKey, Failure> {
    let value = match field {
        SortField::CreatedAt => SortValue::CreatedAt(Timestamp::from_millis(row.integer(0)?)),
        SortField::Name => SortValue::Name(DisplayName::parse(row.text(0)?)?.as_str().to_owned()),
        SortField::SizeBytes => {
            let size = u64::try_from(row.integer(0)?);
            SortValue::SizeBytes(size.map_err(|_| RowError::Column("size_bytes"))?)
        }
        SortField::Seq => SortValue::Seq(FileSeq::new(row.integer(0)?)),
    };
    let id = FileId::from_uuid(row.id(1)?);
    Ok(PageKey { value, id })
}
