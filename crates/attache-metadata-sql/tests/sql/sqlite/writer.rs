//! The writer: groups, failures inside them, callers that go away, other processes, the end.

use std::sync::Arc;

use attache_metadata::FileRepository as _;
use attache_metadata::RepositoryErrorKind;
use attache_metadata_sql::{SqliteOptions, SqliteRepository};
use attache_model::{Context, FileId, Holder, Principal, PrincipalSeq, RequestId, TenantSlug};
use futures_util::future::join_all;
use rusqlite::Connection;

use crate::database::{BoxError, Database as _, Place, SqliteFile, upload};

/// A connection of another program to the same file.
fn other_program(place: &Place<SqliteFile>) -> Connection {
    place.database.connect().unwrap()
}

/// Keeps the writer waiting for another program's lock.
fn lock(place: &Place<SqliteFile>) -> Connection {
    let other = other_program(place);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// A context whose principal is in no database, so that what it uploads breaks a foreign key.
fn stranger(cx: &Context) -> Context {
    let principal = Principal {
        seq: PrincipalSeq::new(999),
        ..cx.principal().unwrap().clone()
    };
    Context::for_principal(principal, RequestId::parse("stranger").unwrap(), cx.now())
}

#[tokio::test]
async fn failed_change_of_group_fails_alone() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let stranger = stranger(&cx);
    let mut drafts = Vec::new();
    for number in 0..150 {
        drafts.push(place.draft(&*repository, &cx, number).await?);
    }
    let bad = |number: usize| number % 10 == 3;
    // All of them wait while the writer does, so that most are in one group.
    let other = lock(&place);
    let commits = drafts.iter().enumerate().map(|(number, draft)| {
        let cx = if bad(number) { &stranger } else { &cx };
        let upload = upload(draft.clone());
        let repository = &repository;
        async move { repository.commit_files(cx, &upload).await }
    });
    let mut commits = Box::pin(join_all(commits));
    assert!(futures_util::poll!(commits.as_mut()).is_pending());
    other.execute_batch("COMMIT")?;
    for (number, attempt) in commits.await.into_iter().enumerate() {
        match attempt {
            Ok(committed) => assert!(!bad(number) && committed.is_ok(), "{number}"),
            Err(error) => {
                assert!(bad(number), "{number}: {error}");
                assert_eq!(error.kind(), RepositoryErrorKind::Other);
            }
        }
    }
    for (number, draft) in drafts.iter().enumerate() {
        let found = repository.find_file(&cx, draft.id).await?;
        assert_eq!(found.is_some(), !bad(number), "{number}");
    }
    Ok(())
}

#[tokio::test]
async fn broken_foreign_key_of_lone_change_is_an_error() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let (id, blob, lease) = (draft.id, draft.blob, draft.lease);
    let failed = repository
        .commit_files(&stranger(&cx), &upload(draft))
        .await;
    assert!(failed.is_err(), "{failed:?}");
    assert!(repository.find_file(&cx, id).await?.is_none());
    let second = std::time::Duration::from_secs(1);
    assert!(repository.renew_lease(&cx, blob, lease, second).await?);
    Ok(())
}

#[tokio::test]
async fn change_of_departed_caller_is_made() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let (left, stayed) = (
        place.draft(&*repository, &cx, 1).await?,
        place.draft(&*repository, &cx, 2).await?,
    );
    let ids = [left.id, stayed.id];
    let left = upload(left);
    let other = lock(&place);
    let mut leaving = Box::pin(repository.commit_files(&cx, &left));
    // Polled once, the change waits for the writer; then its caller is gone.
    assert!(futures_util::poll!(leaving.as_mut()).is_pending());
    drop(leaving);
    other.execute_batch("COMMIT")?;
    repository
        .commit_files(&cx, &upload(stayed))
        .await?
        .unwrap();
    for id in ids {
        assert!(repository.find_file(&cx, id).await?.is_some());
    }
    Ok(())
}

#[tokio::test]
async fn full_queue_refuses_at_once() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let mut options = place.database.options();
    options.queue_length = 2;
    let repository = SqliteRepository::open(options).await?;
    let principal = place.tenant(&repository, "north").await?;
    let cx = place.context(&principal);
    let id = FileId::generate(cx.now(), &place.random);
    let holder = Holder::parse("a")?;
    let other = lock(&place);
    let claims = (0..100).map(|_| repository.claim_file(&cx, id, &holder));
    let mut claims = Box::pin(join_all(claims));
    assert!(futures_util::poll!(claims.as_mut()).is_pending());
    other.execute_batch("COMMIT")?;
    let (mut made, mut refused) = (0, 0);
    for attempt in claims.await {
        match attempt {
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!(error.kind(), RepositoryErrorKind::Busy);
                assert!(error.is_retryable());
                refused += 1;
            }
        }
    }
    // Two wait in the queue, beside those that the writer has taken from it before it had to wait.
    assert!(made >= 2 && refused > 0, "{made} made, {refused} refused");
    Ok(())
}

#[tokio::test]
async fn closing_makes_waiting_changes_and_refuses_others() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let repository = place.open().await?;
    let now = place.now();
    let slugs: Vec<_> = (0..100)
        .map(|number| TenantSlug::parse(&format!("t{number}")).unwrap())
        .collect();
    let creations = join_all(slugs.iter().map(|slug| repository.create_tenant(slug, now)));
    let ((), created) = futures_util::future::join(repository.close_it(), creations).await;
    // `close` is polled first, but the changes that wait with it are made or refused, never lost.
    let mut made = 0;
    for creation in created {
        match creation {
            Ok(tenant) => made += usize::from(tenant.is_some()),
            Err(error) => assert_eq!(error.kind(), RepositoryErrorKind::Unavailable),
        }
    }
    let slug = TenantSlug::parse("late")?;
    let late = repository.create_tenant(&slug, now).await.unwrap_err();
    assert_eq!(late.kind(), RepositoryErrorKind::Unavailable);
    let late = repository.has_tenants().await.unwrap_err();
    assert_eq!(late.kind(), RepositoryErrorKind::Unavailable);
    assert!(repository.health().await.is_err());
    repository.close_it().await;

    let wal = place.database.address().with_extension("db-wal");
    assert!(!wal.exists(), "the log is emptied into the file");
    let counted = "SELECT count(*) FROM tenants";
    let count: i64 = other_program(&place).query_row(counted, [], |row| row.get(0))?;
    assert_eq!(usize::try_from(count)?, made);
    Ok(())
}

#[tokio::test]
async fn confirmed_commit_is_in_the_log() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let id = draft.id;
    let committed = repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    // Not closed: as after a crash, the log is all there is.
    let copy = tempfile::tempdir()?;
    for name in ["attache.db", "attache.db-wal"] {
        std::fs::copy(
            place.database.directory.path().join(name),
            copy.path().join(name),
        )?;
    }
    let path = copy.path().join("attache.db");
    let options = SqliteOptions::new(path);
    let reopened = SqliteRepository::open(options).await?;
    let found = reopened.find_file(&cx, id).await?.unwrap();
    assert_eq!(found.record, committed[0].record);
    reopened.close().await;
    Ok(())
}

#[tokio::test]
async fn two_programs_write_to_one_file() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let repository = place.open().await?;
    let beside = place.open().await?;
    let now = place.now();
    for number in 0..20 {
        let ours = TenantSlug::parse(&format!("ours-{number}"))?;
        let theirs = TenantSlug::parse(&format!("theirs-{number}"))?;
        let (ours, theirs) = futures_util::future::join(
            repository.create_tenant(&ours, now),
            beside.create_tenant(&theirs, now),
        )
        .await;
        let (ours, theirs) = (ours?.unwrap(), theirs?.unwrap());
        assert!(repository.find_tenant(theirs.id).await?.is_some());
        assert!(beside.find_tenant(ours.id).await?.is_some());
    }
    beside.close_it().await;
    repository.health().await?;
    Ok(())
}

#[tokio::test]
async fn group_waits_for_transaction_of_other_program() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let repository = place.open().await?;
    let other = lock(&place);
    let sql = "INSERT INTO tenants (slug, created_at) VALUES ('theirs', 1)";
    other.execute_batch(sql)?;
    let now = place.now();
    let ours = tokio::spawn({
        let repository = Arc::clone(&repository);
        async move {
            let slug = TenantSlug::parse("theirs").unwrap();
            repository.create_tenant(&slug, now).await
        }
    });
    tokio::task::yield_now().await;
    assert!(
        !repository.has_tenants().await?,
        "a read sees nothing uncommitted"
    );
    other.execute_batch("COMMIT")?;
    // Made after the other program's transaction, and so aware of it.
    assert_eq!(ours.await??, None);
    Ok(())
}
