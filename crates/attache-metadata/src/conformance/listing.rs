//! Lists: every record once and in order, under all filters and concurrent changes.

use std::collections::HashSet;

use attache_model::{
    Context, DisplayName, FileId, FileRecord, Filename, Holder, MediaType, Timestamp,
};

use super::naive;
use super::world::{
    CheckResult, Problem, Tenancy, World, accepted, category, ensure, ensure_eq, person,
};
use crate::{FileQuery, PageRequest, Sort, SortDirection, SortField, StateFilter};

const NAMES: [&str; 8] = [
    "scan",
    "Scan",
    "scan 2",
    "sc",
    "émile",
    "zebra",
    "文書",
    "scan\u{10ffff}",
];
const CATEGORIES: [&str; 2] = ["images", "medical"];
const TYPES: [&str; 5] = [
    "application/pdf",
    "text/plain; charset=utf-8",
    "text/plain",
    "audio/x-wav",
    "audio/wav",
];
const PEOPLE: [&str; 3] = ["PT-1", "PT-2", "pt-1"];

/// Every order.
pub(super) fn sorts() -> impl Iterator<Item = Sort> {
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

/// Commits files with few different values in each field, so that every order has ties, then claims
/// and archives some.
async fn populate(world: &World, tenancy: &Tenancy, count: usize) -> Result<(), Problem> {
    let random = &world.random;
    let repository = world.repository();
    let start = world.now().as_millis();
    for number in 0..count {
        let offset = i64::try_from(random.below(40)).unwrap_or(0);
        let cx = tenancy.context_at(Timestamp::from_millis(start + offset));
        let content = format!("content {}", "x".repeat(number % 7));
        let mut draft = world.draft(&cx, &content).await?;
        // Keys differ by filename, so that creation times are not adjusted.
        draft.filename = Filename::parse(&format!("{number}.pdf"))?;
        draft.name = DisplayName::parse(random.pick(&NAMES))?;
        draft.content_type = MediaType::parse(random.pick(&TYPES))?;
        if random.below(4) > 0 {
            draft.person = Some(person(random.pick(&PEOPLE))?);
        }
        if random.below(3) > 0 {
            draft.category = category(random.pick(&CATEGORIES))?;
        }
        let record = world.commit(&cx, draft).await?.record;
        match random.below(5) {
            0 => drop(accepted(
                repository
                    .claim_file(&cx, record.id, &Holder::parse("h")?)
                    .await,
            )?),
            1 | 2 => drop(accepted(repository.archive_file(&cx, record.id).await)?),
            _ => {}
        }
    }
    Ok(())
}

/// Returns all records of a tenant.
async fn all_records(world: &World, cx: &Context) -> Result<Vec<FileRecord>, Problem> {
    let query = FileQuery {
        state: StateFilter::Any,
        ..FileQuery::default()
    };
    world.list(cx, &query, 1000).await
}

fn ids(records: &[FileRecord]) -> Vec<FileId> {
    records.iter().map(|record| record.id).collect()
}

/// Compares a list with that of the naive implementation.
async fn compare_with_naive(
    world: &World,
    cx: &Context,
    all: &[FileRecord],
    query: &FileQuery,
    limit: u32,
) -> CheckResult {
    let found = world.list(cx, query, limit).await?;
    let expected = naive::list(all, query);
    if found != expected {
        let (found, expected) = (ids(&found), ids(&expected));
        ensure_eq!(
            found,
            expected,
            "the files of {query:?} in pages of {limit}"
        );
        return Err(Problem::new(format!(
            "{query:?} returns records with other fields"
        )));
    }
    Ok(())
}

pub(super) async fn pages_hold_each_record_once(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let other = world.tenant("south").await?;
    populate(world, &tenancy, 60).await?;
    populate(world, &other, 10).await?;
    let cx = world.context(&tenancy);
    let all = all_records(world, &cx).await?;
    ensure_eq!(all.len(), 60, "files listed of 60 committed");
    for sort in sorts() {
        for state in [StateFilter::Active, StateFilter::Archived, StateFilter::Any] {
            let query = FileQuery {
                state,
                sort,
                ..FileQuery::default()
            };
            for limit in [1, 7, 1000] {
                compare_with_naive(world, &cx, &all, &query, limit).await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn paging_survives_concurrent_changes(world: &World) -> CheckResult {
    for (sort, number) in sorts().zip(0..) {
        for (state, label) in [(StateFilter::Active, "active"), (StateFilter::Any, "any")] {
            let tenancy = world.tenant(&format!("{label}-{number}")).await?;
            populate(world, &tenancy, 40).await?;
            page_under_change(world, &tenancy, sort, state).await?;
        }
    }
    Ok(())
}

/// Pages through a list. Between two pages, one record is added, one that was seen is deleted, and one
/// that was not seen yet is deleted.
async fn page_under_change(
    world: &World,
    tenancy: &Tenancy,
    sort: Sort,
    state: StateFilter,
) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(tenancy);
    let query = FileQuery {
        state,
        sort,
        ..FileQuery::default()
    };
    let mut expected = ids(&naive::list(&all_records(world, &cx).await?, &query));
    let mut seen: Vec<FileId> = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { limit: 3, after };
        let page = repository.list_files(&cx, &query, &page).await?;
        seen.extend(page.files.iter().map(|file| file.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        world.file(&world.context(tenancy), "newcomer").await?;
        // The next page begins after the last record, even if that was deleted.
        if let Some(last) = page.files.last().filter(|file| file.claim.is_none()) {
            accepted(repository.delete_file(&cx, last.id, None).await)?;
        }
        let unseen = expected.iter().rev().find(|id| !seen.contains(id)).copied();
        if let Some(unseen) = unseen
            && repository.delete_file(&cx, unseen, None).await?.is_ok()
        {
            expected.retain(|id| *id != unseen);
        }
    }
    let distinct: HashSet<_> = seen.iter().collect();
    ensure_eq!(
        distinct.len(),
        seen.len(),
        "different records on the pages by {sort:?}"
    );
    let there: HashSet<_> = expected.iter().copied().collect();
    seen.retain(|id| there.contains(id));
    ensure_eq!(
        seen,
        expected,
        "the records that existed throughout, by {sort:?}"
    );
    Ok(())
}

/// Returns a query with the given filters; values are drawn from the records, so that most match some.
fn random_query(world: &World, all: &[FileRecord], filters: u64) -> Result<FileQuery, Problem> {
    let random = &world.random;
    let any = || &all[random.index(all.len())];
    let has = |filter: u64| filters & (1 << filter) != 0;
    let mut query = FileQuery {
        state: random.pick(&[StateFilter::Active, StateFilter::Archived, StateFilter::Any]),
        ..FileQuery::default()
    };
    if has(0) {
        query.person = all
            .iter()
            .filter_map(|file| file.person.as_ref())
            .nth(random.index(20))
            .map(|person| person.id);
    }
    if has(1) {
        query.category = category(random.pick(&CATEGORIES))?;
    }
    if has(2) {
        query.used = Some(random.below(2) == 0);
    }
    if has(3) {
        query.uploaded_after = Some(any().created_at);
    }
    if has(4) {
        query.uploaded_before = Some(any().created_at);
    }
    if has(5) {
        query.content_type = Some(MediaType::parse(random.pick(&TYPES))?);
    }
    if has(6) {
        query.sha256 = Some(any().sha256);
    }
    if has(7) {
        query.name_prefix = Some(
            random
                .pick(&["", "s", "scan", "S", "é", "文", "q"])
                .to_owned(),
        );
    }
    if has(8) {
        query.has_person = Some(random.below(2) == 0);
    }
    if has(9) {
        query.filename = Some(any().filename.clone());
    }
    Ok(query)
}

pub(super) async fn filters_match_a_naive_implementation(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    populate(world, &tenancy, 300).await?;
    let cx = world.context(&tenancy);
    let all = all_records(world, &cx).await?;
    ensure_eq!(all.len(), 300, "files listed of 300 committed");
    let alone = (0..10).map(|filter| 1 << filter);
    let pairs = (0..10).flat_map(|a| (0..a).map(move |b| (1 << a) | (1 << b)));
    let drawn = (0..40).map(|_| world.random.below(1024));
    for filters in alone.chain(pairs).chain(drawn) {
        let mut query = random_query(world, &all, filters)?;
        for sort in sorts() {
            query.sort = sort;
            let limit = world.random.pick(&[9, 50, 1000]);
            compare_with_naive(world, &cx, &all, &query, limit).await?;
        }
    }
    Ok(())
}

pub(super) async fn time_bounds_are_exclusive(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let mut files = Vec::new();
    for number in 0..3 {
        let cx = world.context(&tenancy);
        files.push(world.file(&cx, &format!("page {number}")).await?);
    }
    let cx = world.context(&tenancy);
    let [first, middle, last] = files.as_slice() else {
        return Err(Problem::new("not three files"));
    };
    for sort in sorts() {
        for (after, before, expected) in [
            (Some(first), None, vec![middle.id, last.id]),
            (None, Some(last), vec![first.id, middle.id]),
            (Some(first), Some(last), vec![middle.id]),
            (Some(middle), Some(middle), vec![]),
            (Some(last), Some(first), vec![]),
        ] {
            let query = FileQuery {
                uploaded_after: after.map(|file| file.created_at),
                uploaded_before: before.map(|file| file.created_at),
                sort,
                ..FileQuery::default()
            };
            let mut found = ids(&world.list(&cx, &query, 1).await?);
            found.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            ensure_eq!(found, expected, "the files of {query:?}");
        }
    }
    Ok(())
}

pub(super) async fn prefixes_are_compared_by_bytes(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let names = [
        "a%b",
        "a_b",
        "A",
        "a",
        "ab",
        "a\u{10ffff}z",
        "b",
        "á",
        "中文",
    ];
    for name in names {
        let cx = world.context(&tenancy);
        let mut draft = world.draft(&cx, name).await?;
        draft.name = DisplayName::parse(name)?;
        world.commit(&cx, draft).await?;
    }
    let cx = world.context(&tenancy);
    let all = all_records(world, &cx).await?;
    let prefixes = [
        "",
        "a",
        "A",
        "a%",
        "a_",
        "_",
        "%",
        "a\u{10ffff}",
        "\u{10ffff}",
        "中",
        "abc",
        "*",
    ];
    for prefix in prefixes {
        for sort in sorts() {
            let query = FileQuery {
                name_prefix: Some(prefix.to_owned()),
                sort,
                ..FileQuery::default()
            };
            compare_with_naive(world, &cx, &all, &query, 4).await?;
        }
    }
    Ok(())
}

pub(super) async fn pages_keep_their_limit(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let first = PageRequest {
        limit: 5,
        after: None,
    };
    let repository = world.repository();
    let query = FileQuery::default();
    let page = repository.list_files(&cx, &query, &first).await?;
    ensure!(
        page.files.is_empty() && page.next.is_none(),
        "an empty list has a page"
    );
    for number in 0..6 {
        world
            .file(&world.context(&tenancy), &format!("page {number}"))
            .await?;
    }
    let page = repository.list_files(&cx, &query, &first).await?;
    ensure!(
        page.files.len() <= 5,
        "a page of 5 holds {}",
        page.files.len()
    );
    ensure!(page.next.is_some(), "a list of 6 ends after a page of 5");
    let listed = world.list(&cx, &query, 2).await?;
    ensure_eq!(listed.len(), 6, "files of a list in pages of 2");
    let listed = world.list(&cx, &query, u32::MAX).await?;
    ensure_eq!(listed.len(), 6, "files of a list with the largest limit");
    Ok(())
}
