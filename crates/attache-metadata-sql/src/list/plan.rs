//! The plan of a list: which index leads, between which positions, and what is left to filter.
//!
//! A page walks one index whose columns begin with what the plan calls *leading* and end with the
//! sort value and the id. Filters that the index does not cover are *residual*: they are applied to
//! at most [`SCAN_BUDGET`] entries of the walk, and a page that found too little in them ends short,
//! at the last entry it looked at.

use attache_metadata::{
    FileQuery, PageKey, PageRequest, SortDirection, SortField, SortValue, StateFilter,
};
use attache_model::{
    Category, FileId, Filename, MediaType, PersonId, Sha256Digest, TenantId, Timestamp,
};
use uuid::Uuid;

/// The most entries of the leading index that one page looks at, where filters are residual.
pub(crate) const SCAN_BUDGET: u32 = 5000;

/// The condition that narrows the walked index before its sort value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leading<'q> {
    /// Every file of the tenant.
    Tenant,
    /// Files about a person.
    Person(PersonId),
    /// Files with a person, or without one.
    HasPerson(bool),
    /// Files in a category.
    Category(&'q Category),
    /// Claimed files, or free ones.
    Used(bool),
    /// Files with certain bytes.
    Sha256(&'q Sha256Digest),
}

/// A filter that the walked index does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Residual<'q> {
    Person(PersonId),
    HasPerson(bool),
    Category(&'q Category),
    Used(bool),
    Sha256(&'q Sha256Digest),
    Filename(&'q Filename),
    ContentType(&'q MediaType),
    CreatedAfter(Timestamp),
    CreatedBefore(Timestamp),
    NamePrefix(&'q str),
}

/// One end of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) key: PageKey,
    /// True if the position itself is part of the walk.
    pub(crate) inclusive: bool,
}

impl Bound {
    /// Returns the position just before every record with this sort value.
    fn before(value: SortValue) -> PageKey {
        let id = FileId::from_uuid(Uuid::nil());
        PageKey { value, id }
    }

    /// Returns the position just behind every record with this sort value.
    fn behind(value: SortValue) -> PageKey {
        let id = FileId::from_uuid(Uuid::max());
        PageKey { value, id }
    }
}

/// The plan of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListPlan<'q> {
    pub(crate) tenant: TenantId,
    pub(crate) leading: Leading<'q>,
    pub(crate) states: StateFilter,
    pub(crate) field: SortField,
    pub(crate) direction: SortDirection,
    pub(crate) lower: Option<Bound>,
    pub(crate) upper: Option<Bound>,
    pub(crate) residual: Vec<Residual<'q>>,
    /// The most records the page holds.
    pub(crate) limit: u32,
}

impl<'q> ListPlan<'q> {
    /// Plans a page.
    pub(crate) fn new(tenant: TenantId, query: &'q FileQuery, page: &PageRequest) -> Self {
        let leading = choose_leading(query);
        let mut plan = Self {
            tenant,
            leading,
            states: query.state,
            field: query.sort.field,
            direction: query.sort.direction,
            lower: None,
            upper: None,
            residual: residual_filters(query, leading),
            limit: page.limit.clamp(1, SCAN_BUDGET),
        };
        plan.bound_by_query(query);
        if let Some(after) = &page.after {
            plan.bound_by_position(after);
        }
        plan
    }

    /// Returns `true` if the page must look at more entries than it returns.
    pub(crate) fn is_residual(&self) -> bool {
        !self.residual.is_empty()
    }

    /// Ends the walk at `last`, which is still part of it.
    pub(crate) fn stop_at(&mut self, last: PageKey) {
        let bound = Bound {
            key: last,
            inclusive: true,
        };
        match self.direction {
            SortDirection::Ascending => self.upper = Some(bound),
            SortDirection::Descending => self.lower = Some(bound),
        }
    }

    /// Turns the filters on the sort value into ends of the walk.
    fn bound_by_query(&mut self, query: &FileQuery) {
        match self.field {
            SortField::CreatedAt => {
                if let Some(after) = query.uploaded_after {
                    self.raise_lower(Bound::behind(SortValue::CreatedAt(after)), false);
                }
                if let Some(before) = query.uploaded_before {
                    self.drop_upper(Bound::before(SortValue::CreatedAt(before)), false);
                }
            }
            SortField::Name => {
                if let Some(prefix) = query.name_prefix.as_deref().filter(|p| !p.is_empty()) {
                    self.raise_lower(Bound::before(SortValue::Name(prefix.to_owned())), true);
                    if let Some(end) = behind_prefix(prefix) {
                        self.drop_upper(Bound::before(SortValue::Name(end)), false);
                    }
                }
            }
            SortField::SizeBytes | SortField::Seq => {}
        }
    }

    fn bound_by_position(&mut self, after: &PageKey) {
        match self.direction {
            SortDirection::Ascending => self.raise_lower(after.clone(), false),
            SortDirection::Descending => self.drop_upper(after.clone(), false),
        }
    }

    /// Keeps the tighter of two lower ends. One condition on the index, not two: of two, a planner
    /// may seek by the looser and walk over everything that the pages before have returned.
    fn raise_lower(&mut self, key: PageKey, inclusive: bool) {
        let keep = self
            .lower
            .as_ref()
            .is_some_and(|bound| is_less(&key, &bound.key));
        if !keep {
            self.lower = Some(Bound { key, inclusive });
        }
    }

    fn drop_upper(&mut self, key: PageKey, inclusive: bool) {
        let keep = self
            .upper
            .as_ref()
            .is_some_and(|bound| is_less(&bound.key, &key));
        if !keep {
            self.upper = Some(Bound { key, inclusive });
        }
    }
}

/// Compares two positions in the same order; positions of different orders are never less.
fn is_less(left: &PageKey, right: &PageKey) -> bool {
    use SortValue::{CreatedAt, Name, Seq, SizeBytes};
    match (&left.value, &right.value) {
        (CreatedAt(a), CreatedAt(b)) => (a, left.id) < (b, right.id),
        (Name(a), Name(b)) => (a, left.id) < (b, right.id),
        (SizeBytes(a), SizeBytes(b)) => (a, left.id) < (b, right.id),
        (Seq(a), Seq(b)) => (a.get(), left.id) < (b.get(), right.id),
        _ => false,
    }
}

/// Picks the narrowest filter that has an index in the requested order.
fn choose_leading(query: &FileQuery) -> Leading<'_> {
    if query.sort.field == SortField::CreatedAt {
        if let Some(sha256) = &query.sha256 {
            return Leading::Sha256(sha256);
        }
        if query.person.is_none() {
            if let Some(category) = &query.category {
                return Leading::Category(category);
            }
            if let Some(used) = query.used {
                return Leading::Used(used);
            }
            if let Some(has) = query.has_person {
                return Leading::HasPerson(has);
            }
        }
    }
    query.person.map_or(Leading::Tenant, Leading::Person)
}

fn residual_filters<'q>(query: &'q FileQuery, leading: Leading<'q>) -> Vec<Residual<'q>> {
    let by_created = query.sort.field == SortField::CreatedAt;
    let by_name = query.sort.field == SortField::Name;
    let person = query.person.filter(|id| leading != Leading::Person(*id));
    // A file about a person has one.
    let has_person = query.has_person.filter(|has| match leading {
        Leading::Person(_) => !has,
        leading => leading != Leading::HasPerson(*has),
    });
    let category = query.category.as_ref();
    let category = category.filter(|it| leading != Leading::Category(it));
    let used = query.used.filter(|it| leading != Leading::Used(*it));
    let sha256 = query.sha256.as_ref();
    let sha256 = sha256.filter(|it| leading != Leading::Sha256(it));
    let after = query.uploaded_after.filter(|_| !by_created);
    let before = query.uploaded_before.filter(|_| !by_created);
    let prefix = query.name_prefix.as_deref();
    let prefix = prefix.filter(|prefix| !by_name && !prefix.is_empty());
    [
        person.map(Residual::Person),
        has_person.map(Residual::HasPerson),
        category.map(Residual::Category),
        used.map(Residual::Used),
        sha256.map(Residual::Sha256),
        query.filename.as_ref().map(Residual::Filename),
        query.content_type.as_ref().map(Residual::ContentType),
        after.map(Residual::CreatedAfter),
        before.map(Residual::CreatedBefore),
        prefix.map(Residual::NamePrefix),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the least text that is greater than every text beginning with `prefix`, by bytes; `None`
/// where there is none. UTF-8 sorts as its code points do, so the last one that can grow is made to.
pub(crate) fn behind_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Surrogates are no characters: the range steps over them.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use attache_metadata::Sort;

    use super::*;

    fn page(after: Option<PageKey>) -> PageRequest {
        PageRequest { limit: 10, after }
    }

    fn key(millis: i64, id: u128) -> PageKey {
        PageKey {
            value: SortValue::CreatedAt(Timestamp::from_millis(millis)),
            id: FileId::from_uuid(Uuid::from_u128(id)),
        }
    }

    #[test]
    fn tighter_of_two_bounds_counts() {
        let query = FileQuery {
            uploaded_before: Some(Timestamp::from_millis(50)),
            uploaded_after: Some(Timestamp::from_millis(10)),
            ..FileQuery::default()
        };
        let tenant = TenantId::new(1);
        for (after, upper) in [
            (None, Bound::before(key(50, 0).value)),
            (Some(key(40, 7)), key(40, 7)),
            (Some(key(90, 7)), Bound::before(key(50, 0).value)),
        ] {
            let page = page(after);
            let plan = ListPlan::new(tenant, &query, &page);
            assert_eq!(plan.upper.unwrap().key, upper);
            assert_eq!(plan.lower.unwrap().key, Bound::behind(key(10, 0).value));
            assert!(plan.residual.is_empty());
        }
    }

    #[test]
    fn filter_without_index_is_residual() {
        let query = FileQuery {
            used: Some(false),
            name_prefix: Some("a".to_owned()),
            sort: Sort {
                field: SortField::SizeBytes,
                direction: SortDirection::Ascending,
            },
            ..FileQuery::default()
        };
        let page = page(None);
        let plan = ListPlan::new(TenantId::new(1), &query, &page);
        assert_eq!(plan.leading, Leading::Tenant);
        assert_eq!(
            plan.residual,
            [Residual::Used(false), Residual::NamePrefix("a")]
        );
    }

    #[test]
    fn prefix_ends_before_next_code_point() {
        for (prefix, end) in [
            ("ab", Some("ac")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(behind_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
