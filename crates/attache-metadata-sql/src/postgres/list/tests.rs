//! The indexes that a list walks, as Postgres plans it, and the pages of the disk it touches.

use std::time::Duration;

use attache_metadata::{FileQuery, PageKey, PageRequest, SortDirection};
use attache_testkit::ThrowawayPostgres;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::*;
use crate::PostgresRepository;
use crate::columns::Columns;
use crate::list::index;
use crate::list::samples::{STATES, TENANT, is_residual, query, somewhere, sorts};
use crate::session::Session as _;

async fn open() -> PgConnection {
    let url = ThrowawayPostgres::shared().create_database().unwrap();
    PostgresRepository::migrate(&url).await.unwrap();
    let session = crate::postgres::connect::session(&url).unwrap();
    let mut connection = session.connect().await.unwrap();
    // Foreign keys and triggers sleep: the files of these tests have no bytes.
    execute(&mut connection, "SET session_replication_role = replica").await;
    execute(&mut connection, "SET statement_timeout = 0").await;
    connection
}

async fn execute(connection: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// The distribution of files over tenants, people and categories.
#[derive(Debug, Clone, Copy)]
enum Spread {
    /// Over ten tenants, the first of which has every second; of each tenant, every tenth file is
    /// archived, as many are claimed, and people and categories have some.
    Even,
    /// Nearly all are of one tenant; one of its people has half of them, each other person a few; one
    /// category has nearly all; few are archived or claimed, and the same bytes are kept often.
    Skewed,
}

impl Spread {
    /// The values of tenant, person, category, number of the bytes, archived and claimed of file `i`.
    const fn values(self) -> [&'static str; 6] {
        match self {
            Self::Even => [
                "CASE WHEN i % 2 = 0 THEN 1 ELSE i % 10 + 1 END",
                "CASE WHEN i / 2 % 8 < 6 THEN lpad(to_hex(i / 2 % 2 + 2), 32, '0')::uuid END",
                "CASE WHEN i % 3 = 0 THEN 'images' ELSE 'papers' END",
                "i / 2 % 500",
                "i / 2 % 10 = 0",
                "i / 2 % 10 = 1",
            ],
            Self::Skewed => [
                "CASE WHEN i % 1000 = 0 THEN i % 10 + 1 ELSE 1 END",
                "lpad(to_hex(CASE WHEN i % 2 = 0 THEN 3 ELSE i % 30000 END), 32, '0')::uuid",
                "CASE WHEN i % 500 = 0 THEN 'papers' ELSE 'images' END",
                "CASE WHEN i % 10 = 0 THEN i ELSE 3 END",
                "i % 700 = 0",
                "i % 700 = 1",
            ],
        }
    }
}

/// Writes files numbered up to `count`, of which the server knows nothing yet.
async fn populate(connection: &mut PgConnection, spread: Spread, from: i64, count: i64) {
    let [tenant, person, category, bytes, archived, claimed] = spread.values();
    let sql = format!(
        "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
            content_type, size_bytes, sha256, visibility, key, created_at, updated_at, \
            archived_at, used_at, used_by, seq) \
        SELECT lpad(to_hex(i), 32, '0')::uuid, {tenant}, lpad(to_hex(i), 32, '0')::uuid, \
            {person}, {category}, 'File ' || i, 'a.pdf', \
            'application/pdf', i % 4000, decode(lpad(to_hex({bytes}), 64, '0'), 'hex'), \
            'private', 'key ' || i, i / 3, 1, CASE WHEN {archived} THEN 1 END, \
            CASE WHEN {claimed} THEN 1 END, CASE WHEN {claimed} THEN 'holder' END, i \
        FROM generate_series({from}, {count}) AS i"
    );
    execute(
        connection,
        "ALTER TABLE files SET (autovacuum_enabled = off)",
    )
    .await;
    execute(connection, &sql).await;
}

/// Lets the server count what there is, and note that everyone sees all of it. A vacuum may not note
/// that while the last commit is not on disk yet (the server of the tests does not wait for it) or a
/// session holds an older snapshot; and until it is noted, walks that need no more than the index
/// look into the table all the same.
async fn analyze(connection: &mut PgConnection) {
    execute(connection, "ANALYZE files").await;
    for _ in 0..600 {
        execute(connection, "VACUUM files").await;
        let sql = "SELECT relallvisible >= relpages FROM pg_class WHERE oid = 'files'::regclass";
        let all_is_visible = sqlx::query_scalar(sql).fetch_one(&mut *connection).await;
        if all_is_visible.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a minute went by, and still not everyone sees all files");
}

async fn explain(
    connection: &mut PgConnection,
    options: &str,
    mut statement: Statement<'_>,
) -> Vec<String> {
    statement.sql = format!("EXPLAIN {options} {}", statement.sql).into();
    let steps = connection.rows(statement, |row| Ok(row.text(0)?.to_owned()));
    steps.await.unwrap()
}

/// The plan that is made once for all values, as for a statement that was prepared and run often.
async fn explain_generic(connection: &mut PgConnection, statement: &Statement<'_>) -> Vec<String> {
    let sql = &statement.sql;
    let values = vec!["NULL"; statement.values.len()].join(", ");
    // At once, as there are many thousands.
    let explained =
        format!("PREPARE walk AS {sql}; EXPLAIN EXECUTE walk ({values}); DEALLOCATE walk");
    let rows = sqlx::raw_sql(AssertSqlSafe(explained));
    let rows = rows.fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

/// Returns `true` if an index leads with all of these filters.
fn is_led(filters: u32) -> bool {
    matches!(filters, 0..16 | 128 | 129)
}

/// No walk reads the table from end to end, sorts, or uses another index than its own. Asked for every
/// set of filters, for the values at hand and for all values.
#[tokio::test]
async fn every_list_walks_one_index_in_order() {
    let mut connection = open().await;
    populate(&mut connection, Spread::Even, 1, 100_000).await;
    analyze(&mut connection).await;
    // An index is walked either way at the same cost: a filter on its entries one by one need
    // not be seen both ways with every other such filter.
    check_plans(&mut connection, |filters, direction| {
        let is_ascending = direction == SortDirection::Ascending;
        is_led(filters) || is_ascending == (filters.count_ones() % 2 == 0)
    })
    .await;
}

/// Whatever the server knows or guesses of how the files are spread.
#[tokio::test]
async fn skewed_lists_walk_one_index_in_order() {
    let mut connection = open().await;
    let selection = |filters, _| is_led(filters);
    check_plans(&mut connection, selection).await;
    populate(&mut connection, Spread::Skewed, 1, 100_000).await;
    check_plans(&mut connection, selection).await;
    analyze(&mut connection).await;
    check_plans(&mut connection, selection).await;
}

/// Checks the plans of all lists with the selected filters and directions.
async fn check_plans(
    connection: &mut PgConnection,
    is_selected: impl Fn(u32, SortDirection) -> bool,
) {
    execute(connection, "SET plan_cache_mode = force_generic_plan").await;
    for sort in sorts() {
        for filters in (0..256).filter(|it| is_selected(*it, sort.direction)) {
            for state in STATES {
                for after in [None, Some(somewhere(sort.field))] {
                    let query = query(filters, state, sort);
                    let request = PageRequest { limit: 100, after };
                    let mut plan = ListPlan::new(TENANT, &query, &request);
                    if plan.is_residual() {
                        check_plan(connection, &plan, PgConnection::stop(&plan)).await;
                        plan.stop_at(somewhere(sort.field));
                    }
                    check_plan(connection, &plan, PgConnection::records(&plan)).await;
                }
            }
        }
    }
}

async fn check_plan(connection: &mut PgConnection, plan: &ListPlan<'_>, statement: Statement<'_>) {
    let steps = explain_generic(connection, &statement).await;
    check_steps(plan, &steps);
    let steps = explain(connection, "", statement).await;
    check_steps(plan, &steps);
}

fn check_steps(plan: &ListPlan<'_>, steps: &[String]) {
    let shown = || format!("{plan:?}\n{}", steps.join("\n"));
    for bad in ["Seq Scan on files", "Sort", "Bitmap", "Gather"] {
        // A sort *key* is also what a merge of two walks has.
        let is_bad = |step: &&String| step.contains(bad) && !step.contains("Sort Key");
        assert_eq!(steps.iter().find(is_bad), None, "{}", shown());
    }
    let index = format!(" using {} on files", index(plan));
    let mut walks = 0;
    for (place, step) in steps.iter().enumerate() {
        if step.contains(&index) {
            walks += 1;
            // The index has all the conditions; none is checked for its entries one by one.
            let below = steps[place + 1..].iter().map(|it| it.trim());
            let mut below = below.take_while(|it| !it.starts_with("->"));
            assert!(
                below.any(|it| it.starts_with("Index Cond: ")),
                "{}",
                shown()
            );
            assert!(!below.any(|it| it.starts_with("Filter: ")), "{}", shown());
        }
    }
    let expected = 1 + usize::from(plan.states == StateFilter::Any);
    assert_eq!(walks, expected, "{}", shown());
}

/// Counts the pages of the disk that a page of the list touches.
async fn touched(connection: &mut PgConnection, query: &FileQuery, after: Option<PageKey>) -> i64 {
    let request = PageRequest { limit: 100, after };
    let mut plan = ListPlan::new(TENANT, query, &request);
    let options = "(ANALYZE, BUFFERS, TIMING OFF)";
    let mut touched = 0;
    if plan.is_residual() {
        let stop = PgConnection::stop(&plan);
        touched += buffers(&explain(connection, options, stop.clone()).await);
        let field = plan.field;
        let read = move |row: &dyn Columns| list::position(row, field);
        if let Some(last) = connection.optional(stop, read).await.unwrap() {
            plan.stop_at(last);
        }
    }
    touched + buffers(&explain(connection, options, PgConnection::records(&plan)).await)
}

/// Pages found in memory or read, of a line such as `Buffers: shared hit=12 read=3 dirtied=3`.
fn buffers(steps: &[String]) -> i64 {
    let line = steps.iter().find(|step| step.contains("Buffers: shared"));
    let words = line.into_iter().flat_map(|it| it.split(' '));
    let counts = words.filter_map(|word| {
        let count = word.strip_prefix("hit=");
        count.or_else(|| word.strip_prefix("read="))
    });
    counts.filter_map(|it| it.parse::<i64>().ok()).sum()
}

/// Five times as many records make no page dearer, not the first, not one far down, not one of which
/// little is found.
#[tokio::test]
async fn page_cost_is_independent_of_record_count() {
    let mut connection = open().await;
    let mut queries = Vec::new();
    for sort in sorts() {
        for state in STATES {
            for filters in [0, 1, 2, 4, 8, 128, 0b11, 0b110, 0b100_0000, 0b100_0010] {
                for after in [None, Some(somewhere(sort.field))] {
                    queries.push((query(filters, state, sort), after));
                }
            }
        }
    }
    populate(&mut connection, Spread::Even, 1, 40_000).await;
    analyze(&mut connection).await;
    // The dearest page with few records, without residual filters and with them.
    let mut dearest = [0, 0];
    for (query, after) in &queries {
        let touched = touched(&mut connection, query, after.clone()).await;
        let most = &mut dearest[usize::from(is_residual(query))];
        *most = touched.max(*most);
    }
    populate(&mut connection, Spread::Even, 40_001, 200_000).await;
    analyze(&mut connection).await;
    for (query, after) in &queries {
        let touched = touched(&mut connection, query, after.clone()).await;
        let most = dearest[usize::from(is_residual(query))];
        assert!(
            touched > 0 && touched <= most + most / 2,
            "{touched} of {most}: {query:?} {after:?}"
        );
    }
}
