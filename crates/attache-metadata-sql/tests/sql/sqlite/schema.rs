//! Files that are not opened, and their permissions.

use attache_metadata_sql::{OpenError, SqliteOptions, SqliteRepository};

use crate::database::{BoxError, NEWEST, Place, SqliteFile};

#[tokio::test]
async fn missing_or_foreign_file_is_not_opened() -> Result<(), BoxError> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("attache.db");
    let missing = SqliteRepository::open(SqliteOptions::new(&path)).await;
    assert!(
        matches!(missing, Err(OpenError::Missing { .. })),
        "{missing:?}"
    );
    assert!(!path.exists());
    std::fs::write(&path, "")?;
    let empty = SqliteRepository::open(SqliteOptions::new(&path)).await;
    let older = OpenError::SchemaOlder {
        found: 0,
        needed: NEWEST,
    };
    assert_eq!(empty.unwrap_err().to_string(), older.to_string());
    std::fs::write(
        &path,
        "not a database, but long enough to look like a file of one".repeat(99),
    )?;
    let foreign = SqliteRepository::open(SqliteOptions::new(&path)).await;
    assert!(
        matches!(foreign, Err(OpenError::Database(_))),
        "{foreign:?}"
    );
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_readable_by_their_owner_only() -> Result<(), BoxError> {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::<SqliteFile>::new().await?;
    let _open = place.open_with_tenant().await?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.database.directory.path())? {
        let entry = entry?;
        let mode = entry.metadata()?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        names.push(entry.file_name());
    }
    assert_eq!(names.len(), 3, "file, log and index of the log: {names:?}");
    Ok(())
}

#[tokio::test]
async fn file_without_log_mode_is_not_opened() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let connection = place.database.connect()?;
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    let opened = place.open().await.map(drop);
    let error = opened.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("journal_mode is delete"), "{cause}");
    Ok(())
}

/// Other crates spawn the futures of the whole life of a repository.
#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let place = SqliteOptions::new("nowhere");
    sendable(SqliteRepository::migrate("nowhere"));
    sendable(async {
        let repository = SqliteRepository::open(place).await?;
        repository.close().await;
        Ok::<_, OpenError>(())
    });
}
