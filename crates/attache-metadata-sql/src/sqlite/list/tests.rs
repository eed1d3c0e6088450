//! The cost of a list: the index it walks, and the steps that SQLite takes for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attache_metadata::{FileQuery, PageKey, PageRequest};
use attache_model::MediaType;

use super::*;
use crate::SqliteRepository;
use crate::list::page;
use crate::list::samples::{STATES, TENANT, is_residual, query, somewhere, sorts};
use crate::session::Session as _;
use crate::sqlite::session::complete;

async fn open() -> (tempfile::TempDir, SqliteSession) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attache.db");
    SqliteRepository::migrate(&path).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA synchronous = OFF")
        .unwrap();
    (directory, SqliteSession::new(connection))
}

/// Returns the query with a type that no file has.
fn rare(mut query: FileQuery) -> FileQuery {
    if query.content_type.is_some() {
        query.content_type = MediaType::parse("image/png").ok();
    }
    query
}

async fn explain(session: &mut SqliteSession, statement: &Statement<'_>) -> Vec<String> {
    let mut explained = statement.clone();
    explained.sql = format!("EXPLAIN QUERY PLAN {}", statement.sql).into();
    let steps = session.rows(explained, |row| Ok(row.text(3)?.to_owned()));
    steps.await.unwrap()
}

/// No statement of a list reads a table from end to end, sorts, or seeks by anything but the end of
/// its index.
#[tokio::test]
async fn every_list_walks_one_index_in_order() {
    let (_directory, mut session) = open().await;
    for sort in sorts() {
        for filters in 0..256 {
            for state in STATES {
                for after in [None, Some(somewhere(sort.field))] {
                    let query = query(filters, state, sort);
                    let request = PageRequest { limit: 100, after };
                    let plan = ListPlan::new(TENANT, &query, &request);
                    for statement in [SqliteSession::records(&plan), SqliteSession::stop(&plan)] {
                        let steps = explain(&mut session, &statement).await;
                        check_steps(&plan, &request, &statement, &steps);
                    }
                }
            }
        }
    }
}

fn check_steps(
    plan: &ListPlan<'_>,
    request: &PageRequest,
    statement: &Statement<'_>,
    steps: &[String],
) {
    let shown = || format!("{}\n{steps:#?}", statement.sql);
    let bad = ["SCAN", "TEMP B-TREE", "AUTOMATIC"];
    let is_bad = |step: &String| bad.iter().any(|bad| step.contains(bad));
    assert!(!steps.iter().any(is_bad), "{}", shown());
    let index = index(plan);
    let is_walk = |step: &&String| {
        step.starts_with("SEARCH files USING ")
            && step.contains(&format!("INDEX {index} (tenant_id=? AND "))
    };
    let found: Vec<_> = steps.iter().filter(is_walk).collect();
    let walks = 1 + usize::from(plan.states == StateFilter::Any);
    assert_eq!(found.len(), walks, "{}", shown());
    if request.after.is_some() {
        let seek = format!("({},id)", sort_column(plan.field));
        assert!(found.iter().all(|step| step.contains(&seek)), "{}", shown());
    }
}

/// Writes files numbered up to `count`: every thousandth active, the others archived.
fn populate(session: &SqliteSession, from: i64, count: i64) {
    let seed = "INSERT OR IGNORE INTO tenants VALUES (1, 'north', 1); \
        INSERT OR IGNORE INTO people VALUES (x'00000000000000000000000000000003', 1, 'PT-1', 1); \
        INSERT OR IGNORE INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, \
            stored_bytes, created_at) \
            VALUES (zeroblob(16), 1, 'key', 'live', 3, zeroblob(32), 3, 1)";
    session.connection.execute_batch(seed).unwrap();
    let sql = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) \
        INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
            content_type, size_bytes, sha256, visibility, key, created_at, updated_at, \
            archived_at, used_at, used_by, seq) \
        SELECT CAST(printf('%016d', i) AS BLOB), 1, zeroblob(16), \
            x'00000000000000000000000000000003', 'images', printf('File %d', i), 'a.pdf', 'application/pdf', \
            i % 40, zeroblob(32), 'private', printf('key %d', i), i / 3, 1, \
            iif(i % 1000 = 0, NULL, 2), iif(i % 1000 = 0 AND i % 2000 = 0, 2, NULL), \
            iif(i % 1000 = 0 AND i % 2000 = 0, 'holder', NULL), i \
        FROM n";
    session.connection.execute(sql, (from, count)).unwrap();
}

/// Counts the steps of SQLite's machine for one page, a measure that does not depend on the hour.
fn steps(session: &mut SqliteSession, query: &FileQuery, after: Option<PageKey>) -> u64 {
    steps_of(session, query, after, 100)
}

fn steps_of(
    session: &mut SqliteSession,
    query: &FileQuery,
    after: Option<PageKey>,
    limit: u32,
) -> u64 {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let handler = move || {
        count.fetch_add(1, Ordering::Relaxed);
        false
    };
    session
        .connection
        .progress_handler(1, Some(handler))
        .unwrap();
    let request = PageRequest { limit, after };
    complete(|| Box::pin(page(session, TENANT, query, &request))).unwrap();
    let none = None::<fn() -> bool>;
    session.connection.progress_handler(1, none).unwrap();
    taken.load(Ordering::Relaxed)
}

/// Five times as many records make no page dearer: not the first, not one far down, not one that
/// finds nothing.
#[tokio::test]
async fn page_cost_is_independent_of_record_count() {
    let (_directory, mut session) = open().await;
    let mut queries = Vec::new();
    for sort in sorts() {
        for state in STATES {
            for filters in [0, 1, 2, 4, 8, 128, 0b11, 0b110, 0b100_0000, 0b110_0001] {
                for after in [None, Some(somewhere(sort.field))] {
                    queries.push((rare(query(filters, state, sort)), after));
                }
            }
        }
    }
    populate(&session, 1, 10_000);
    // The dearest page with few records, without residual filters and with them.
    let mut dearest = [0, 0];
    for (query, after) in &queries {
        let taken = steps(&mut session, query, after.clone());
        let most = &mut dearest[usize::from(is_residual(query))];
        *most = taken.max(*most);
    }
    populate(&session, 10_001, 50_000);
    for (query, after) in &queries {
        let taken = steps(&mut session, query, after.clone());
        let most = dearest[usize::from(is_residual(query))];
        assert!(
            taken <= most + most / 10,
            "{taken} of {most}: {query:?} {after:?}"
        );
    }
}

/// Records with much text are not read once they have filled a page.
#[tokio::test]
async fn page_cost_is_bounded_by_text() {
    let (_directory, mut session) = open().await;
    populate(&session, 1, 2000);
    let taken = |session: &mut SqliteSession| {
        let active_and_archived = query(0, StateFilter::Any, sorts().next().unwrap());
        steps_of(session, &active_and_archived, None, 1000)
    };
    let short = taken(&mut session);
    let sql = "UPDATE files SET description = printf('%.*c', 4096, 'x')";
    session.connection.execute(sql, []).unwrap();
    let long = taken(&mut session);
    assert!(long < short / 4, "{long} steps of {short}");
}

/// A filter that finds little ends a page after the budget, but not the list, and loses nothing.
#[tokio::test]
async fn page_with_few_matches_has_a_cursor() {
    let (_directory, mut session) = open().await;
    populate(&session, 1, 12_000);
    for sort in sorts() {
        let of_no_such_type = rare(query(0b100_0000, StateFilter::Any, sort));
        let found = walk(&mut session, &of_no_such_type).await;
        assert_eq!(found, [0, 0, 0], "12 000 entries, 5000 a page");
        let mut claimed = query(0b10, StateFilter::Any, sort);
        claimed.used = Some(true);
        claimed.content_type = MediaType::parse("application/pdf").ok();
        let found = walk(&mut session, &claimed).await;
        assert_eq!(
            found.iter().sum::<usize>(),
            6,
            "every two thousandth: {found:?}"
        );
    }
}

/// Returns the number of records on each page of a list; all of them different.
async fn walk(session: &mut SqliteSession, query: &FileQuery) -> Vec<usize> {
    let (mut counts, mut seen) = (Vec::new(), std::collections::HashSet::new());
    let mut after = None;
    loop {
        let request = PageRequest { limit: 100, after };
        let found = page(session, TENANT, query, &request).await.unwrap();
        counts.push(found.files.len());
        assert!(found.files.iter().all(|file| seen.insert(file.id)));
        after = found.next;
        if after.is_none() {
            return counts;
        }
    }
}
