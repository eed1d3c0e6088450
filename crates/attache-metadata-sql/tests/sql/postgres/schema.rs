//! Addresses and servers that are refused.

use attache_metadata::{MetadataRepository as _, RepositoryErrorKind};
use attache_metadata_sql::{OpenError, PostgresOptions, PostgresRepository};

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place};

#[tokio::test]
async fn error_never_contains_the_address() -> Result<(), BoxError> {
    let mut refused = Vec::new();
    for url in [
        "mysql://user:hunter2@127.0.0.1/files",
        "postgres://user:hunter2@127.0.0.1:port/files",
        "postgres://user:hunter2@127.0.0.1:1/files",
    ] {
        let mut options = PostgresOptions::new(url);
        options.acquire_for = std::time::Duration::from_secs(2);
        refused.push(PostgresRepository::open(options).await.unwrap_err());
        refused.push(PostgresRepository::migrate(url).await.unwrap_err());
    }
    let mut all_shown = Vec::new();
    for error in refused {
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            shown.push_str(&error.to_string());
            source = error.source();
        }
        assert!(!shown.contains("hunter2"), "{shown}");
        all_shown.push(shown);
    }
    // Nobody listens at the last: that is the reason, not that a pool waited for it.
    for shown in &all_shown[4..] {
        assert!(shown.to_lowercase().contains("refused"), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn read_only_server_is_not_healthy() -> Result<(), BoxError> {
    let place = Place::<ServerDatabase>::new().await?;
    place
        .database
        .execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
            current_database()); END $$",
        )
        .await?;
    let repository = place.patient().await?;
    let unhealthy = repository.health().await.unwrap_err();
    assert_eq!(unhealthy.kind(), RepositoryErrorKind::Unavailable);
    let refused = place.tenant(&repository, "north").await;
    assert!(refused.is_err(), "nothing is written");
    Ok(())
}

/// Other crates spawn the futures of the whole life of a repository.
#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let options = PostgresOptions::new("nowhere");
    sendable(PostgresRepository::migrate("nowhere"));
    sendable(async {
        let repository = PostgresRepository::open(options).await?;
        repository.close().await;
        Ok::<_, OpenError>(())
    });
}
