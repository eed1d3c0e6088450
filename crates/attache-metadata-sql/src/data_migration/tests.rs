//! The list of tables against both schemas as they are.

use std::collections::BTreeMap;

use attache_testkit::ThrowawayPostgres;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::tables::{self, Kind};
use crate::{PostgresRepository, SqliteRepository};

/// The columns of each table, and what the database calls their type.
type Columns = BTreeMap<String, BTreeMap<String, String>>;

/// The listed columns, with what each kind is called in one of the databases.
fn listed(name_of: impl Fn(Kind) -> &'static str) -> Columns {
    let tables = tables::all().map(|table| {
        let columns = table.columns.iter();
        let columns = columns.map(|(name, kind)| ((*name).to_owned(), name_of(*kind).to_owned()));
        (table.name.to_owned(), columns.collect())
    });
    tables.collect()
}

#[tokio::test]
async fn every_stored_column_of_sqlite_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("attache.db");
    SqliteRepository::migrate(&path).await.unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    // Of a column, `hidden` is 2 or 3 where it is generated.
    let sql = "SELECT t.name, c.name, c.type FROM sqlite_schema AS t \
        JOIN pragma_table_xinfo(t.name) AS c WHERE t.type = 'table' AND c.hidden = 0 \
        AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT IN ('_sqlx_migrations', 'installation')";
    let mut found = Columns::new();
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let table = found.entry(row.get(0).unwrap()).or_default();
        table.insert(row.get(1).unwrap(), row.get(2).unwrap());
    }
    // The rowid of SQLite's own, which nothing refers to.
    found.get_mut("files").unwrap().remove("row_number");
    let expected = listed(|kind| match kind {
        Kind::Integer => "INTEGER",
        Kind::Text => "TEXT",
        Kind::Bytes | Kind::Uuid => "BLOB",
    });
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_stored_column_of_postgres_is_listed() {
    let url = ThrowawayPostgres::shared().create_database().unwrap();
    PostgresRepository::migrate(&url).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let sql = "SELECT table_name::text, column_name::text, data_type::text, \
        is_identity::text = 'YES' FROM information_schema.columns \
        WHERE table_schema = 'public' AND is_generated = 'NEVER' \
        AND table_name NOT IN ('_sqlx_migrations', 'installation')";
    let (mut found, mut numbered) = (Columns::new(), Vec::new());
    for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if row.get(3) {
            numbered.push((table.clone(), column.clone()));
        }
        found.entry(table).or_default().insert(column, row.get(2));
    }
    let expected = listed(|kind| match kind {
        Kind::Integer => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
        Kind::Uuid => "uuid",
    });
    assert_eq!(found, expected);
    let of_list = tables::all().filter(|table| table.is_numbered);
    let mut of_list: Vec<_> = of_list
        .map(|table| (table.name.to_owned(), table.key().to_owned()))
        .collect();
    numbered.sort();
    of_list.sort();
    assert_eq!(numbered, of_list);
}

#[tokio::test]
async fn first_column_of_each_table_is_its_whole_key() {
    let url = ThrowawayPostgres::shared().create_database().unwrap();
    PostgresRepository::migrate(&url).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for table in tables::all() {
        let sql = "SELECT array_agg(a.attname::text) FROM pg_index AS i \
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) \
            WHERE i.indrelid = $1::regclass AND i.indisprimary";
        let query = sqlx::query_scalar(sql).bind(table.name);
        let key: Vec<String> = query.fetch_one(&mut connection).await.unwrap();
        assert_eq!(key, [table.key()], "{}", table.name);
    }
}
