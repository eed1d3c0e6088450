//! A server that hangs or is gone: calls end, and then fail at once until it is back.

use std::time::Duration;

use attache_metadata::{MetadataRepository as _, RepositoryErrorKind, TenancyRepository as _};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_testkit::ThrowawayPostgres;
use tokio::time::{Instant, sleep};

use super::ServerDatabase;
use crate::database::{BoxError, Place};

/// Far above what a call needs that does not wait, far below what one needs that does.
const AT_ONCE: Duration = Duration::from_millis(700);

async fn open(server: &ThrowawayPostgres) -> Result<PostgresRepository, BoxError> {
    let place = Place::on(ServerDatabase::on(server)?).await?;
    let repository = PostgresRepository::open(PostgresOptions::new(&place.database.url)).await?;
    repository.health().await?;
    Ok(repository)
}

/// Calls until a call fails at once; fails itself if one takes long.
async fn fails_at_once_soon(repository: &PostgresRepository) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let started = Instant::now();
        let failed = repository.has_tenants().await.unwrap_err();
        assert_eq!(failed.kind(), RepositoryErrorKind::Unavailable);
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "{:?}",
            started.elapsed()
        );
        if started.elapsed() < AT_ONCE {
            break;
        }
        assert!(Instant::now() < deadline, "calls go on waiting");
    }
    for _ in 0..20 {
        let started = Instant::now();
        repository.health().await.unwrap_err();
        repository.has_tenants().await.unwrap_err();
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    }
}

async fn works_soon(repository: &PostgresRepository) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = repository.health().await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    repository.has_tenants().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_server_fails_calls_until_it_thaws() -> Result<(), BoxError> {
    let server = ThrowawayPostgres::start()?;
    let repository = open(&server).await?;
    server.freeze()?;
    fails_at_once_soon(&repository).await;
    server.thaw()?;
    works_soon(&repository).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_server_fails_calls_until_it_starts() -> Result<(), BoxError> {
    let server = ThrowawayPostgres::start()?;
    let repository = open(&server).await?;
    server.crash()?;
    fails_at_once_soon(&repository).await;
    server.restart()?;
    works_soon(&repository).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_server_does_not_hold_up_closing() -> Result<(), BoxError> {
    let server = ThrowawayPostgres::start()?;
    let repository = open(&server).await?;
    server.freeze()?;
    let closed = tokio::time::timeout(Duration::from_secs(20), repository.close());
    closed.await?;
    repository.health().await.unwrap_err();
    server.thaw()?;
    // Closed is closed, though the server is back.
    sleep(Duration::from_secs(1)).await;
    repository.health().await.unwrap_err();
    Ok(())
}
