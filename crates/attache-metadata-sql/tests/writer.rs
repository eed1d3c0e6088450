//! The writer: groups, failures inside them, callers that go away, other processes, the end.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;

use attache_metadata::{
    BlobRepository as _, FileRepository as _, MetadataRepository as _, RepositoryErrorKind,
    TenancyRepository as _,
};
use attache_model::{
    Clock as _, Context, FileId, Holder, Principal, PrincipalSeq, RequestId, TenantSlug,
};
use common::{BoxError, Place, upload};
use futures_util::future::join_all;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

/// A connection of another program to the same file.
async fn other_program(place: &Place) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    options.connect().await.unwrap()
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
async fn a_change_that_fails_in_a_group_fails_alone() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let stranger = stranger(&cx);
    let mut drafts = Vec::new();
    for number in 0..150 {
        drafts.push(place.draft(&repository, &cx, number).await?);
    }
    let bad = |number: usize| number % 10 == 3;
    // One thread, and nothing awaited before all wait: they are committed in groups of 64.
    let commits = drafts.iter().enumerate().map(|(number, draft)| {
        let cx = if bad(number) { &stranger } else { &cx };
        let upload = upload(draft.clone());
        let repository = &repository;
        async move { repository.commit_files(cx, &upload).await }
    });
    for (number, attempt) in join_all(commits).await.into_iter().enumerate() {
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
async fn a_foreign_key_broken_by_a_lone_change_is_an_error() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
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
async fn a_caller_that_goes_away_changes_nothing() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let (left, stayed) = (
        place.draft(&repository, &cx, 1).await?,
        place.draft(&repository, &cx, 2).await?,
    );
    let ids = [left.id, stayed.id];
    let left = upload(left);
    let mut leaving = Box::pin(repository.commit_files(&cx, &left));
    // Polled once, the change waits for the writer; then its caller is gone.
    assert!(futures_util::poll!(leaving.as_mut()).is_pending());
    drop(leaving);
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
async fn a_full_queue_refuses_at_once() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let mut options = place.options();
    options.queue_length = 2;
    let repository = attache_metadata_sql::SqliteRepository::open(options).await?;
    let cx = place.tenant(&repository, "north").await?;
    let id = FileId::generate(cx.now(), &place.random);
    let holder = Holder::parse("a")?;
    let claims = (0..10).map(|_| repository.claim_file(&cx, id, &holder));
    let (mut answered, mut refused) = (0, 0);
    for attempt in join_all(claims).await {
        match attempt {
            Ok(_) => answered += 1,
            Err(error) => {
                assert_eq!(error.kind(), RepositoryErrorKind::Unavailable);
                assert!(error.is_retryable());
                refused += 1;
            }
        }
    }
    // One thread: nothing is taken from the queue before all ten were offered.
    assert_eq!((answered, refused), (2, 8));
    Ok(())
}

#[tokio::test]
async fn closing_makes_what_waits_and_refuses_the_rest() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = Arc::new(place.open().await?);
    let now = place.clock.now();
    let slugs: Vec<_> = (0..100)
        .map(|number| TenantSlug::parse(&format!("t{number}")).unwrap())
        .collect();
    let creations = join_all(slugs.iter().map(|slug| repository.create_tenant(slug, now)));
    let ((), created) = futures_util::future::join(repository.close(), creations).await;
    // `close` is polled first, but what waits in the queue with it is made or refused, never lost.
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
    repository.close().await;

    let wal = place.path().with_extension("db-wal");
    assert!(!wal.exists(), "the log is emptied into the file");
    let mut connection = other_program(&place).await;
    let counted = sqlx::query("SELECT count(*) FROM tenants");
    let row = counted.fetch_one(&mut connection).await?;
    assert_eq!(usize::try_from(row.get::<i64, _>(0))?, made);
    Ok(())
}

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
    let id = draft.id;
    let committed = repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    // Not closed: as after a crash, the log is all there is.
    let copy = tempfile::tempdir()?;
    for name in ["attache.db", "attache.db-wal"] {
        std::fs::copy(place.directory.path().join(name), copy.path().join(name))?;
    }
    let path = copy.path().join("attache.db");
    let options = attache_metadata_sql::SqliteOptions::new(path);
    let reopened = attache_metadata_sql::SqliteRepository::open(options).await?;
    let found = reopened.find_file(&cx, id).await?.unwrap();
    assert_eq!(found.record, committed[0].record);
    reopened.close().await;
    Ok(())
}

#[tokio::test]
async fn another_program_writes_beside_it() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let beside = place.open().await?;
    let now = place.clock.now();
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
    beside.close().await;
    repository.health().await?;
    Ok(())
}

#[tokio::test]
async fn a_group_waits_for_another_programs_transaction() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = Arc::new(place.open().await?);
    let mut other = other_program(&place).await;
    sqlx::raw_sql("BEGIN IMMEDIATE; INSERT INTO tenants (slug, created_at) VALUES ('theirs', 1)")
        .execute(&mut other)
        .await?;
    let now = place.clock.now();
    let ours = tokio::spawn({
        let repository = Arc::clone(&repository);
        async move {
            let slug = TenantSlug::parse("theirs").unwrap();
            repository.create_tenant(&slug, now).await
        }
    });
    tokio::task::yield_now().await;
    assert!(!repository.has_tenants().await?, "reads go on meanwhile");
    sqlx::raw_sql("COMMIT").execute(&mut other).await?;
    // Made after the other program's transaction, and so aware of it.
    assert_eq!(ours.await??, None);
    other.close().await?;
    Ok(())
}
