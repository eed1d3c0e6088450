//! The orders of a list: which column each sorts by, which index holds it, where a row stands in it.

use attache_metadata::{PageKey, SortField, SortValue};
use attache_model::{DisplayName, FileId, FileSeq, Timestamp};

use crate::columns::Columns;
use crate::listing::{Leading, ListPlan};
use crate::rows::RowError;

/// Whether a position is one of the order asked for.
pub(crate) const fn is_in_order(position: &PageKey, field: SortField) -> bool {
    matches!(
        (&position.value, field),
        (SortValue::CreatedAt(_), SortField::CreatedAt)
            | (SortValue::Name(_), SortField::Name)
            | (SortValue::SizeBytes(_), SortField::SizeBytes)
            | (SortValue::Seq(_), SortField::Seq)
    )
}

/// The column an order sorts by.
pub(crate) const fn sort_column(field: SortField) -> &'static str {
    match field {
        SortField::CreatedAt => "created_at",
        SortField::Name => "name",
        SortField::SizeBytes => "size_bytes",
        SortField::Seq => "seq",
    }
}

/// The index a plan walks.
#[cfg_attr(
    not(any(feature = "sqlite", test)),
    expect(dead_code, reason = "SQLite is told the index, Postgres finds it")
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
pub(crate) fn position<E>(row: &impl Columns, field: SortField) -> Result<PageKey, E>
where
    E: From<sqlx::Error> + From<RowError>,
{
    let value = match field {
        SortField::CreatedAt => SortValue::CreatedAt(Timestamp::from_millis(row.integer(0)?)),
        SortField::Name => {
            let name = DisplayName::parse(&row.text(0)?).map_err(RowError::from)?;
            SortValue::Name(name.as_str().to_owned())
        }
        SortField::SizeBytes => {
            let size = row.integer(0)?;
            let size = u64::try_from(size).map_err(|_| RowError::Column("size_bytes"))?;
            SortValue::SizeBytes(size)
        }
        SortField::Seq => SortValue::Seq(FileSeq::new(row.integer(0)?)),
    };
    let id = FileId::from_uuid(row.id(1)?);
    Ok(PageKey { value, id })
}
