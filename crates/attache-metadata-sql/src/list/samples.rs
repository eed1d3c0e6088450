//! Queries for the tests of both databases' lists.

use attache_metadata::{
    FileQuery, PageKey, Sort, SortDirection, SortField, SortValue, StateFilter,
};
use attache_model::{
    Category, FileId, FileSeq, Filename, MediaType, PersonId, Sha256Digest, TenantId, Timestamp,
};
use uuid::Uuid;

use super::ListPlan;
use attache_metadata::PageRequest;

pub(crate) const TENANT: TenantId = TenantId::new(1);

pub(crate) const STATES: [StateFilter; 3] =
    [StateFilter::Active, StateFilter::Archived, StateFilter::Any];

/// Returns every order.
pub(crate) fn sorts() -> impl Iterator<Item = Sort> {
    let fields = [
        SortField::CreatedAt,
        SortField::Name,
        SortField::SizeBytes,
        SortField::Seq,
    ];
    fields.into_iter().flat_map(|field| {
        [SortDirection::Ascending, SortDirection::Descending]
            .map(|direction| Sort { field, direction })
    })
}

/// Returns a position among some ten thousand records.
pub(crate) fn somewhere(field: SortField) -> PageKey {
    PageKey {
        value: match field {
            SortField::CreatedAt => SortValue::CreatedAt(Timestamp::from_millis(2_000)),
            SortField::Name => SortValue::Name("File 5".to_owned()),
            SortField::SizeBytes => SortValue::SizeBytes(20),
            SortField::Seq => SortValue::Seq(FileSeq::new(2_000)),
        },
        id: FileId::from_uuid(Uuid::from_u128(7)),
    }
}

/// Returns a query with a set of filters: bit by bit person, category, used, bytes, times, name, type
/// and filename together, has person.
pub(crate) fn query(filters: u32, state: StateFilter, sort: Sort) -> FileQuery {
    let has = |bit: u32| filters & (1 << bit) != 0;
    let mut digest = [0; 32];
    digest[31] = 3;
    FileQuery {
        person: has(0).then(|| PersonId::from_uuid(Uuid::from_u128(3))),
        category: has(1).then(|| Category::parse("images").unwrap()),
        used: has(2).then_some(true),
        sha256: has(3).then(|| Sha256Digest::from_bytes(digest)),
        uploaded_after: has(4).then(|| Timestamp::from_millis(10)),
        uploaded_before: has(4).then(|| Timestamp::from_millis(1 << 40)),
        name_prefix: has(5).then(|| "File".to_owned()),
        content_type: has(6).then(|| MediaType::parse("application/pdf").unwrap()),
        filename: has(6).then(|| Filename::parse("a.pdf").unwrap()),
        has_person: has(7).then_some(filters & 1 == 0),
        state,
        sort,
    }
}

/// Returns `true` if a query has filters that no index covers.
pub(crate) fn is_residual(query: &FileQuery) -> bool {
    let request = PageRequest {
        limit: 1,
        after: None,
    };
    ListPlan::new(TENANT, query, &request).is_residual()
}
