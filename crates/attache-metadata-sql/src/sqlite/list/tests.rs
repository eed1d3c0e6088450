//! What a list costs: which index it walks, and how many steps SQLite takes for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attache_metadata::{PageKey, Sort, SortField};
use attache_model::{Category, FileId, FileSeq, Filename, PersonId, Sha256Digest};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use super::*;
use crate::SqliteRepository;

const TENANT: TenantId = TenantId::new(1);

async fn open() -> (tempfile::TempDir, SqliteConnection) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attache.db");
    SqliteRepository::migrate(&path).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path);
    let connection = options.synchronous(sqlx::sqlite::SqliteSynchronous::Off);
    (directory, connection.connect().await.unwrap())
}

fn sorts() -> impl Iterator<Item = Sort> {
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

fn somewhere(field: SortField) -> PageKey {
    PageKey {
        value: match field {
            SortField::CreatedAt => SortValue::CreatedAt(Timestamp::from_millis(20_000)),
            SortField::Name => SortValue::Name("File 5".to_owned()),
            SortField::SizeBytes => SortValue::SizeBytes(20),
            SortField::Seq => SortValue::Seq(FileSeq::new(20_000)),
        },
        id: FileId::from_uuid(Uuid::from_u128(7)),
    }
}

/// A query for every set of filters: bit by bit person, category, used, bytes, times, name, type
/// and filename together, somebody.
fn query(filters: u32, state: StateFilter, sort: Sort) -> FileQuery {
    let has = |bit: u32| filters & (1 << bit) != 0;
    FileQuery {
        person: has(0).then(|| PersonId::from_uuid(Uuid::from_u128(3))),
        category: has(1).then(|| Category::parse("images").unwrap()),
        used: has(2).then_some(false),
        sha256: has(3).then(|| Sha256Digest::from_bytes([1; 32])),
        uploaded_after: has(4).then(|| Timestamp::from_millis(10)),
        uploaded_before: has(4).then(|| Timestamp::from_millis(1 << 40)),
        name_prefix: has(5).then(|| "File".to_owned()),
        content_type: has(6).then(|| MediaType::parse("image/png").unwrap()),
        filename: has(6).then(|| Filename::parse("a.pdf").unwrap()),
        has_person: has(7).then_some(filters & 1 == 0),
        state,
        sort,
    }
}

async fn explain(connection: &mut SqliteConnection, statement: &Statement) -> Vec<String> {
    let mut explained = Statement {
        sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
        values: Vec::new(),
    };
    explained.values.clone_from(&statement.values);
    let rows = explained.query().fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(3)).collect()
}

/// No statement of a list reads a table from end to end, sorts, or seeks by anything but the end of
/// its index.
#[tokio::test]
async fn every_list_walks_one_index_in_order() {
    let (_directory, mut connection) = open().await;
    for sort in sorts() {
        for filters in 0..256 {
            for state in [StateFilter::Active, StateFilter::Archived, StateFilter::Any] {
                for after in [None, Some(somewhere(sort.field))] {
                    let query = query(filters, state, sort);
                    let request = PageRequest { limit: 100, after };
                    let plan = ListPlan::new(TENANT, &query, &request);
                    let index = index(&plan);
                    let walks = 1 + usize::from(state == StateFilter::Any);
                    for statement in [Statement::of_records(&plan), Statement::of_stop(&plan)] {
                        let steps = explain(&mut connection, &statement).await;
                        let told = format!("{}\n{steps:#?}", statement.sql);
                        let bad = ["SCAN", "TEMP B-TREE", "AUTOMATIC"];
                        let is_bad = |step: &String| bad.iter().any(|bad| step.contains(bad));
                        assert!(!steps.iter().any(is_bad), "{told}");
                        let is_walk = |step: &&String| {
                            step.starts_with("SEARCH files USING ")
                                && step.contains(&format!("INDEX {index} (tenant_id=? AND "))
                        };
                        let found: Vec<_> = steps.iter().filter(is_walk).collect();
                        assert_eq!(found.len(), walks, "{told}");
                        if request.after.is_some() {
                            let seek = format!("({},id)", sort_column(sort.field));
                            assert!(found.iter().all(|step| step.contains(&seek)), "{told}");
                        }
                    }
                }
            }
        }
    }
}

/// Writes files numbered up to `count`: every thousandth active, the others archived.
async fn populate(connection: &mut SqliteConnection, from: i64, count: i64) {
    let seed = "INSERT OR IGNORE INTO tenants VALUES (1, 'north', 1); \
        INSERT OR IGNORE INTO people VALUES (x'00000000000000000000000000000003', 1, 'PT-1', 1); \
        INSERT OR IGNORE INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, \
            stored_bytes, created_at) \
            VALUES (zeroblob(16), 1, 'key', 'live', 3, zeroblob(32), 3, 1)";
    sqlx::raw_sql(seed).execute(&mut *connection).await.unwrap();
    let sql = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) \
        INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
            content_type, size_bytes, sha256, visibility, key, created_at, updated_at, \
            archived_at, used_at, used_by) \
        SELECT CAST(printf('%016d', i) AS BLOB), 1, zeroblob(16), \
            x'00000000000000000000000000000003', 'images', printf('File %d', i), 'a.pdf', 'application/pdf', \
            i % 40, zeroblob(32), 'private', printf('key %d', i), i / 3, 1, \
            iif(i % 1000 = 0, NULL, 2), iif(i % 1000 = 0 AND i % 2000 = 0, 2, NULL), \
            iif(i % 1000 = 0 AND i % 2000 = 0, 'holder', NULL) \
        FROM n";
    let inserted = sqlx::query(sql).bind(from).bind(count);
    inserted.execute(connection).await.unwrap();
}

/// The steps of SQLite's machine for one page, a measure that does not depend on the hour.
async fn steps(
    connection: &mut SqliteConnection,
    query: &FileQuery,
    after: Option<PageKey>,
) -> u64 {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    connection
        .lock_handle()
        .await
        .unwrap()
        .set_progress_handler(1, move || {
            count.fetch_add(1, Ordering::Relaxed);
            true
        });
    let request = PageRequest { limit: 100, after };
    page(connection, TENANT, query, &request).await.unwrap();
    let mut handle = connection.lock_handle().await.unwrap();
    handle.remove_progress_handler();
    taken.load(Ordering::Relaxed)
}

/// Five times as many records make no page dearer, not the first, not one far down, not one that
/// finds nothing.
#[tokio::test]
async fn a_page_costs_the_same_however_many_records_there_are() {
    let (_directory, mut connection) = open().await;
    let mut queries = Vec::new();
    for sort in sorts() {
        for state in [StateFilter::Active, StateFilter::Archived, StateFilter::Any] {
            for filters in [0, 1, 2, 4, 8, 128, 0b11, 0b110, 0b100_0000, 0b110_0001] {
                for after in [None, Some(somewhere(sort.field))] {
                    queries.push((query(filters, state, sort), after));
                }
            }
        }
    }
    populate(&mut connection, 1, 10_000).await;
    // The dearest page with few records, without residual filters and with them.
    let mut dearest = [0, 0];
    for (query, after) in &queries {
        let taken = steps(&mut connection, query, after.clone()).await;
        let most = &mut dearest[usize::from(is_residual(query))];
        *most = taken.max(*most);
    }
    populate(&mut connection, 10_001, 50_000).await;
    for (query, after) in &queries {
        let taken = steps(&mut connection, query, after.clone()).await;
        let most = dearest[usize::from(is_residual(query))];
        assert!(
            taken <= most + most / 10,
            "{taken} of {most}: {query:?} {after:?}"
        );
    }
}

fn is_residual(query: &FileQuery) -> bool {
    let request = PageRequest {
        limit: 1,
        after: None,
    };
    ListPlan::new(TENANT, query, &request).is_residual()
}

/// A filter that finds little ends a page, but not the list, after the budget; and loses nothing.
#[tokio::test]
async fn a_page_with_few_matches_says_where_to_go_on() {
    let (_directory, mut connection) = open().await;
    populate(&mut connection, 1, 12_000).await;
    for sort in sorts() {
        let of_no_such_type = query(0b100_0000, StateFilter::Any, sort);
        let found = walk(&mut connection, &of_no_such_type).await;
        assert_eq!(found, [0, 0, 0], "12 000 entries, 5000 a page");
        let mut claimed = query(0b10, StateFilter::Any, sort);
        claimed.used = Some(true);
        claimed.content_type = MediaType::parse("application/pdf").ok();
        let found = walk(&mut connection, &claimed).await;
        assert_eq!(
            found.iter().sum::<usize>(),
            6,
            "every two thousandth: {found:?}"
        );
    }
}

/// How many records each page of a list holds; all of them different.
async fn walk(connection: &mut SqliteConnection, query: &FileQuery) -> Vec<usize> {
    let (mut counts, mut seen) = (Vec::new(), std::collections::HashSet::new());
    let mut after = None;
    loop {
        let request = PageRequest { limit: 100, after };
        let answered = page(connection, TENANT, query, &request).await.unwrap();
        counts.push(answered.files.len());
        assert!(answered.files.iter().all(|file| seen.insert(file.id)));
        after = answered.next;
        if after.is_none() {
            return counts;
        }
    }
}
