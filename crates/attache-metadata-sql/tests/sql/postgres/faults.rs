//! The server and the way to it, lost at the worst moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use attache_metadata::{
    FileRepository as _, MetadataRepository as _, NewFiles, Refusal, RepositoryError,
    RepositoryErrorKind, StoredFile,
};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{Context, FileId, Holder, Principal};
use attache_testkit::ThrowawayPostgres;
use tokio::time::{Instant, sleep};

use super::ServerDatabase;
use super::proxy::{Cut, Proxy};
use crate::database::{BoxError, Place, upload};

/// A repository behind a proxy, and a tenant.
struct Behind {
    place: Place<ServerDatabase>,
    proxy: Proxy,
    repository: PostgresRepository,
    principal: Principal,
}

impl Behind {
    async fn new() -> Result<Self, BoxError> {
        let place = Place::<ServerDatabase>::new().await?;
        let proxy = Proxy::start(ThrowawayPostgres::shared()).await?;
        let mut options = PostgresOptions::new(proxy.url(&place.database.url));
        options.resolve_for = Duration::from_mins(1);
        let repository = PostgresRepository::open(options).await?;
        let principal = place.tenant(&repository, "north").await?;
        Ok(Self {
            place,
            proxy,
            repository,
            principal,
        })
    }

    fn cx(&self) -> Context {
        self.place.context(&self.principal)
    }

    async fn committed(&self, content: u64) -> Result<FileId, BoxError> {
        let cx = self.cx();
        let draft = self.place.draft(&self.repository, &cx, content).await?;
        let committed = self.repository.commit_files(&cx, &upload(draft)).await?;
        Ok(committed?[0].record.id)
    }

    /// Looks for a file until the server can be reached again.
    async fn find_soon(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.repository.find_file(cx, id).await {
                Err(error) if error.is_retryable() && Instant::now() < deadline => {
                    sleep(Duration::from_millis(50)).await;
                }
                found => return found,
            }
        }
    }
}

const CUTS: [Cut; 3] = [Cut::After, Cut::Before, Cut::Delayed];

#[tokio::test]
async fn lost_response_to_commit_is_resolved() -> Result<(), BoxError> {
    let behind = Behind::new().await?;
    for (cut, content) in CUTS.into_iter().zip(1..) {
        let cx = behind.cx();
        let first = behind.place.draft(&behind.repository, &cx, content).await?;
        let second = behind
            .place
            .draft(&behind.repository, &cx, 100 + content)
            .await?;
        let ids = [first.id, second.id];
        let both = NewFiles {
            files: vec![first, second],
            idempotency_key: None,
        };
        behind.proxy.cut(cut);
        let committed = behind.repository.commit_files(&cx, &both).await?;
        assert!(behind.proxy.has_cut());
        let returned: Vec<_> = committed?.iter().map(|file| file.record.id).collect();
        assert_eq!(returned, ids, "{cut:?}");
        for id in ids {
            let found = behind.repository.find_file(&cx, id).await?;
            assert!(found.is_some(), "{cut:?}");
        }
    }
    assert_eq!(behind.place.count("SELECT count(*) FROM files").await?, 6);
    let live = "SELECT count(*) FROM blobs WHERE state = 'live'";
    assert_eq!(behind.place.count(live).await?, 6);
    Ok(())
}

#[tokio::test]
async fn lost_response_to_dedup_returns_same_record() -> Result<(), BoxError> {
    let behind = Behind::new().await?;
    let existing = behind.committed(1).await?;
    for cut in CUTS {
        let cx = behind.cx();
        let mut draft = behind.place.draft(&behind.repository, &cx, 1).await?;
        draft.dedup = true;
        behind.proxy.cut(cut);
        let committed = behind
            .repository
            .commit_files(&cx, &upload(draft))
            .await??;
        assert!(behind.proxy.has_cut());
        assert!(committed[0].deduplicated, "{cut:?}");
        assert_eq!(committed[0].record.id, existing, "{cut:?}");
    }
    Ok(())
}

#[tokio::test]
async fn commit_is_unknown_while_server_is_lost() -> Result<(), BoxError> {
    let mut behind = Behind::new().await?;
    let mut options = PostgresOptions::new(behind.proxy.url(&behind.place.database.url));
    options.resolve_for = Duration::from_millis(300);
    options.acquire_for = Duration::from_secs(2);
    behind.repository = PostgresRepository::open(options).await?;
    let cx = behind.cx();
    let draft = behind.place.draft(&behind.repository, &cx, 1).await?;
    let id = draft.id;
    behind.proxy.cut(Cut::AfterAndClosed);
    let unknown = behind.repository.commit_files(&cx, &upload(draft)).await;
    assert_eq!(
        unknown.unwrap_err().kind(),
        RepositoryErrorKind::OutcomeUnknown
    );
    let unavailable = behind.repository.find_file(&cx, id).await;
    let unavailable = unavailable.unwrap_err();
    assert_eq!(unavailable.kind(), RepositoryErrorKind::Unavailable);
    assert!(unavailable.is_retryable());
    behind.proxy.cut(Cut::Never);
    let found = behind.find_soon(&cx, id).await?;
    assert!(found.is_some(), "a commit that was made is not found");
    Ok(())
}

#[tokio::test]
async fn lost_response_to_claim_is_unknown_and_repeatable() -> Result<(), BoxError> {
    let behind = Behind::new().await?;
    let (holder, other) = (Holder::parse("a")?, Holder::parse("b")?);
    for (cut, content) in CUTS.into_iter().zip(1..) {
        let id = behind.committed(content).await?;
        let cx = behind.cx();
        behind.proxy.cut(cut);
        let unknown = behind.repository.claim_file(&cx, id, &holder).await;
        assert!(behind.proxy.has_cut());
        assert_eq!(
            unknown.unwrap_err().kind(),
            RepositoryErrorKind::OutcomeUnknown
        );
        let claimed = behind
            .repository
            .claim_file(&behind.cx(), id, &holder)
            .await??;
        assert_eq!(claimed.revision.get(), 2, "{cut:?}: claimed once");
        let refused = behind.repository.claim_file(&cx, id, &other).await?;
        assert!(matches!(refused, Err(Refusal::Claimed { .. })));
    }
    Ok(())
}

/// A client that uploads until stopped.
struct Writer {
    place: Arc<Place<ServerDatabase>>,
    repository: Arc<PostgresRepository>,
    principal: Principal,
    stop: Arc<AtomicBool>,
    /// The number of uploads confirmed so far.
    confirmed: Arc<AtomicUsize>,
}

impl Writer {
    /// Returns the confirmed files, which must exist afterwards. Their contents begin with number
    /// `first`.
    async fn upload_on(self, first: u64) -> Vec<FileId> {
        let mut confirmed = Vec::new();
        for content in first.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            match self.upload(content).await {
                Ok(id) => {
                    confirmed.push(id);
                    self.confirmed.store(confirmed.len(), Ordering::Relaxed);
                }
                Err(error) => {
                    let error = error.downcast_ref::<RepositoryError>();
                    let expected = [
                        Some(RepositoryErrorKind::Unavailable),
                        Some(RepositoryErrorKind::OutcomeUnknown),
                    ];
                    let kind = error.map(RepositoryError::kind);
                    assert!(expected.contains(&kind), "{error:?}");
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
        confirmed
    }

    async fn upload(&self, content: u64) -> Result<FileId, BoxError> {
        let cx = self.place.context(&self.principal);
        let draft = self.place.draft(&*self.repository, &cx, content).await?;
        let committed = self.repository.commit_files(&cx, &upload(draft)).await?;
        Ok(committed?[0].record.id)
    }
}

/// Waits until one more upload of each writer is confirmed.
async fn all_go_on(confirmed: &[Arc<AtomicUsize>]) {
    let counts = || confirmed.iter().map(|it| it.load(Ordering::Relaxed));
    let before: Vec<_> = counts().collect();
    let deadline = Instant::now() + Duration::from_mins(1);
    while counts()
        .zip(&before)
        .any(|(count, before)| count == *before)
    {
        assert!(Instant::now() < deadline, "a writer does not go on");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_of_server_loses_nothing_confirmed() -> Result<(), BoxError> {
    let server = ThrowawayPostgres::start()?;
    let place = Arc::new(Place::on(ServerDatabase::on(&server)?).await?);
    let mut options = PostgresOptions::new(&place.database.url);
    options.acquire_for = Duration::from_secs(2);
    let repository = Arc::new(PostgresRepository::open(options).await?);
    let principal = place.tenant(&*repository, "north").await?;
    let stop = Arc::new(AtomicBool::new(false));
    let confirmed: [Arc<AtomicUsize>; 4] = Default::default();
    let uploads: Vec<_> = (0..)
        .zip(&confirmed)
        .map(|(number, confirmed)| {
            let writer = Writer {
                place: place.clone(),
                repository: repository.clone(),
                principal: principal.clone(),
                stop: stop.clone(),
                confirmed: confirmed.clone(),
            };
            tokio::spawn(writer.upload_on(number * 1_000_000))
        })
        .collect();
    for _ in 0..3 {
        all_go_on(&confirmed).await;
        server.crash()?;
        let health = repository.health().await.unwrap_err();
        assert_eq!(health.kind(), RepositoryErrorKind::Unavailable);
        server.restart()?;
    }
    all_go_on(&confirmed).await;
    stop.store(true, Ordering::Relaxed);
    let cx = place.context(&principal);
    for task in uploads {
        let confirmed = task.await?;
        assert!(!confirmed.is_empty());
        for id in confirmed {
            let found = repository.find_file(&cx, id).await?;
            assert!(found.is_some(), "a confirmed file was lost");
        }
    }
    repository.health().await?;
    let broken = "SELECT count(*) FROM files LEFT JOIN blobs ON blobs.id = files.blob_id \
        WHERE blobs.state IS DISTINCT FROM 'live'";
    assert_eq!(place.count(broken).await?, 0);
    Ok(())
}
