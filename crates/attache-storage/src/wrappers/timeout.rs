//! Time limits for a store, which do not count the time of senders and readers.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep, timeout};

use super::BlobOperation;
use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, BodyError, ByteRange,
    ByteStream, Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions,
    StoreHealth, StoredBlob,
};

/// The time limits of a [`TimeoutBlobStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The limit for every call but a put, and for the opening of a get.
    pub call: Duration,
    /// The limit for the next chunk of an open blob, from its request on: a slow reader never
    /// times out.
    pub chunk: Duration,
    /// The limit for the next progress of a put: reading more of the body, or returning after its
    /// end. Waiting for the sender does not count, so the size of the body does not matter, but the
    /// store's final work, such as a sync, must fit.
    pub put_stall: Duration,
}

impl Default for Timeouts {
    /// Returns 30 s per call, 30 s per chunk, and 120 s for a stalled put.
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            chunk: Duration::from_secs(30),
            put_stall: Duration::from_mins(2),
        }
    }
}

/// Ends calls that take too long: they fail with `Unavailable`, and with [`TimedOut`] as the source.
///
/// The call is dropped, with the consequences that the contract describes: a put leaves nothing
/// visible or the whole blob, and its caller deletes the key to be sure.
#[derive(Debug)]
pub struct TimeoutBlobStore<S> {
    inner: S,
    timeouts: Timeouts,
}

/// The source of the errors of [`TimeoutBlobStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no response within {} ms", limit.as_millis())]
pub struct TimedOut {
    /// The limit that was exceeded.
    pub limit: Duration,
}

impl<S: BlobStore> TimeoutBlobStore<S> {
    /// Wraps a store.
    pub fn new(inner: S, timeouts: Timeouts) -> Self {
        Self { inner, timeouts }
    }

    async fn bounded<T>(
        &self,
        operation: BlobOperation,
        key: Option<&BlobKey>,
        call: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        let limit = self.timeouts.call;
        let result = timeout(limit, call).await;
        result.unwrap_or_else(|_| Err(timed_out(operation, key, limit)))
    }
}

fn timed_out(operation: BlobOperation, key: Option<&BlobKey>, limit: Duration) -> BlobError {
    let error = BlobError::new(BlobErrorKind::Unavailable, operation.as_str());
    let error = error.with_source(TimedOut { limit });
    match key {
        Some(key) => error.with_key(key),
        None => error,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for TimeoutBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey {
        self.inner.new_key(tenant, blob, max_size_bytes)
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let limit = self.timeouts.put_stall;
        let progress = Arc::new(Progress::new());
        let watched = Arc::clone(&progress);
        let body = body.map_stream(|stream| watch(stream, watched));
        let put = self.inner.put(key, body, options);
        match select(put, pin!(progress.stalled_for(limit))).await {
            Either::Left((put, _)) => put,
            Either::Right(((), _)) => Err(timed_out(BlobOperation::Put, Some(key), limit).into()),
        }
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let call = self.inner.get(key, range);
        let reader = self.bounded(BlobOperation::Get, Some(key), call).await?;
        Ok(BlobReader {
            size_bytes: reader.size_bytes,
            stream: bounded_chunks(reader.stream, key.clone(), self.timeouts.chunk),
        })
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let call = self.inner.head(key);
        self.bounded(BlobOperation::Head, Some(key), call).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let call = self.inner.delete(key);
        self.bounded(BlobOperation::Delete, Some(key), call).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let call = self.inner.list(prefix, after, limit);
        self.bounded(BlobOperation::List, None, call).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let call = self.inner.presign(operation);
        let key = Some(operation.key());
        self.bounded(BlobOperation::Presign, key, call).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let call = self.inner.health();
        self.bounded(BlobOperation::Health, None, call).await
    }
}

/// Limits the wait for each chunk. A stream that timed out yields nothing more.
fn bounded_chunks(
    inner: ByteStream<BlobError>,
    key: BlobKey,
    limit: Duration,
) -> ByteStream<BlobError> {
    stream::unfold(Some((inner, key)), move |open| async move {
        let (mut inner, key) = open?;
        match timeout(limit, inner.next()).await {
            Ok(chunk) => Some((chunk?, Some((inner, key)))),
            Err(_) => Some((Err(timed_out(BlobOperation::Get, Some(&key), limit)), None)),
        }
    })
    .boxed()
}

/// The party that a put is waiting for.
struct Progress {
    waits_for: Mutex<Party>,
}

#[derive(Clone, Copy)]
enum Party {
    /// The store has read everything that the sender has sent.
    Sender,
    Store {
        since: Instant,
    },
}

impl Progress {
    fn new() -> Self {
        let since = Instant::now();
        Self {
            waits_for: Mutex::new(Party::Store { since }),
        }
    }

    fn waits_for(&self) -> MutexGuard<'_, Party> {
        self.waits_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes when the put has waited for the store for `limit` without a break.
    async fn stalled_for(&self, limit: Duration) {
        loop {
            let waited = match *self.waits_for() {
                Party::Sender => Duration::ZERO,
                Party::Store { since } => since.elapsed(),
            };
            match limit.checked_sub(waited) {
                None | Some(Duration::ZERO) => return,
                Some(left) => sleep(left).await,
            }
        }
    }
}

/// Records the progress of a body. The store may read it in any task.
fn watch(
    mut inner: ByteStream<BodyError>,
    progress: Arc<Progress>,
) -> impl Stream<Item = Result<bytes::Bytes, BodyError>> {
    stream::poll_fn(move |cx| {
        let polled = inner.poll_next_unpin(cx);
        *progress.waits_for() = match polled {
            Poll::Pending => Party::Sender,
            Poll::Ready(_) => Party::Store {
                since: Instant::now(),
            },
        };
        polled
    })
}
