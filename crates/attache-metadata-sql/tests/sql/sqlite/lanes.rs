//! A tenant that asks for much, beside one that asks for little.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use attache_metadata::{
    BlobIntent, FileQuery, LeaseToken, PageRequest, RepositoryError, RepositoryErrorKind,
};
use attache_model::{BlobId, Context, Description, FileId, OsEntropy};
use tokio::task::JoinSet;

use crate::database::{BoxError, Closing, Database as _, Place, SqliteFile, upload};

/// Two tenants: one is to ask for much, the other for little.
struct Neighbours {
    place: Place<SqliteFile>,
    repository: Arc<dyn Closing>,
    greedy: Context,
    modest: Context,
}

impl Neighbours {
    async fn new() -> Result<Self, BoxError> {
        let place = Place::<SqliteFile>::new().await?;
        let repository = place.open().await?;
        let greedy = place.tenant(&*repository, "greedy").await?;
        let modest = place.tenant(&*repository, "modest").await?;
        Ok(Self {
            greedy: place.context(&greedy),
            modest: place.context(&modest),
            place,
            repository,
        })
    }

    /// Stores files of the greedy tenant, with the longest descriptions.
    async fn populate(&self, count: u64) -> Result<(), BoxError> {
        for number in 0..count {
            let mut file = self
                .place
                .draft(&*self.repository, &self.greedy, number)
                .await?;
            file.description = Some(Description::parse(&"x".repeat(4096))?);
            let upload = upload(file);
            let committed = self.repository.commit_files(&self.greedy, &upload);
            committed.await?.unwrap();
        }
        Ok(())
    }
}

/// Calls of one tenant that run beside others.
struct Flood {
    calls: JoinSet<Result<(), RepositoryError>>,
    made: Arc<AtomicUsize>,
}

impl Flood {
    /// Begins `count` calls; each has its place or is refused before this returns.
    async fn begin<F>(count: usize, call: impl Fn() -> F) -> Self
    where
        F: Future<Output = Result<(), RepositoryError>> + Send + 'static,
    {
        let (mut calls, made) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..count {
            let (mut call, made) = (Box::pin(call()), Arc::clone(&made));
            let begun = Arc::clone(&begun);
            calls.spawn(async move {
                let polled = futures_util::poll!(call.as_mut());
                begun.fetch_add(1, Ordering::Relaxed);
                let result = match polled {
                    Poll::Ready(result) => result,
                    Poll::Pending => call.await,
                };
                made.fetch_add(usize::from(result.is_ok()), Ordering::Relaxed);
                result
            });
        }
        while begun.load(Ordering::Relaxed) < count {
            tokio::task::yield_now().await;
        }
        Self { calls, made }
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Returns how many calls were made, and how many were refused.
    async fn end(self) -> (usize, usize) {
        let (mut made, mut refused) = (0, 0);
        for result in self.calls.join_all().await {
            match result {
                Ok(()) => made += 1,
                Err(error) => {
                    assert_eq!(error.kind(), RepositoryErrorKind::Busy, "{error}");
                    refused += 1;
                }
            }
        }
        (made, refused)
    }
}

/// Makes the smallest change: a row that says that bytes are to come.
async fn change(
    repository: Arc<dyn Closing>,
    cx: Context,
    id: BlobId,
) -> Result<(), RepositoryError> {
    let intent = BlobIntent {
        id,
        storage_key: id.to_string(),
        lease: LeaseToken::generate(&OsEntropy),
        lease_for: Duration::from_mins(1),
    };
    repository
        .begin_blobs(&cx, std::slice::from_ref(&intent))
        .await
}

async fn list(repository: Arc<dyn Closing>, cx: Context) -> Result<(), RepositoryError> {
    let page = PageRequest {
        limit: 1000,
        after: None,
    };
    let query = FileQuery::default();
    let listed = repository.list_files(&cx, &query, &page);
    listed.await.map(drop)
}

#[tokio::test]
async fn flood_of_changes_delays_no_other_tenant() -> Result<(), BoxError> {
    let it = Neighbours::new().await?;
    let id = |cx: &Context| BlobId::generate(cx.now(), &it.place.random);
    // Another program holds the writer back until all of them wait.
    let other = it.place.database.connect()?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let flood = Flood::begin(1500, || {
        change(it.repository.clone(), it.greedy.clone(), id(&it.greedy))
    });
    let flood = flood.await;
    let modest = change(it.repository.clone(), it.modest.clone(), id(&it.modest));
    let mut modest = Box::pin(modest);
    assert!(futures_util::poll!(modest.as_mut()).is_pending());
    other.execute_batch("COMMIT")?;
    modest.await?;
    let (made, refused) = flood.end().await;
    assert!(
        made >= 1024 && refused > 0,
        "{made} made, {refused} refused"
    );
    let sql = format!(
        "SELECT CAST(count(*) AS TEXT) FROM blobs WHERE rowid < \
        (SELECT rowid FROM blobs WHERE tenant_id = {})",
        it.modest.tenant().get()
    );
    let before: usize = it.place.database.texts(&sql).await?[0].parse()?;
    assert!(before <= 3, "{before} of the flood went before it");
    Ok(())
}

#[tokio::test]
async fn flood_of_lists_delays_no_lookup() -> Result<(), BoxError> {
    let it = Neighbours::new().await?;
    it.populate(150).await?;
    let flood = Flood::begin(300, || list(it.repository.clone(), it.greedy.clone())).await;
    // Authentication, a record, and a list of another tenant.
    let key = it.repository.find_api_key("k-modest").await?;
    assert!(key.is_some());
    let id = FileId::generate(it.modest.now(), &it.place.random);
    assert!(it.repository.find_file(&it.modest, id).await?.is_none());
    list(it.repository.clone(), it.modest.clone()).await?;
    let before = flood.made();
    let (made, refused) = flood.end().await;
    assert!(before <= made / 4, "{before} of {made} went before");
    assert!(refused > 0, "a tenant has places for part of 300 lists");
    Ok(())
}
