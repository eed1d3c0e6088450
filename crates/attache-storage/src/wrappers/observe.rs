//! Telling an observer of every call: what, how it ended, how long it took, how many bytes.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

use super::BlobOperation;
use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    ByteStream, Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions,
    StoreHealth, StoredBlob,
};

/// Hears of calls; feeds metrics and logs.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Called once for every call, when it is over: when its answer is there, for a get when its
    /// reader is dropped, for a cancelled call when its future is. Must not block.
    fn finished(&self, call: &BlobCall<'_>);
}

/// A call that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobCall<'a> {
    /// What was called.
    pub operation: BlobOperation,
    /// For which blob; `None` for operations on the whole store.
    pub key: Option<&'a BlobKey>,
    /// How it ended.
    pub outcome: BlobOutcome,
    /// How long it took. That of a put contains the sender's time, that of a get the reader's.
    pub duration: Duration,
    /// How many bytes of a body passed, in a put or get; 0 for the others.
    pub bytes: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobOutcome {
    /// As it should; for a get, all that was asked for was read.
    Done,
    /// The body of a put was at fault.
    BodyRefused,
    /// The store was at fault.
    Failed(BlobErrorKind),
    /// Its future, or its reader before the end, was dropped.
    Cancelled,
}

/// Reports every call to an [`Observer`].
#[derive(Debug)]
pub struct ObserveBlobStore<S> {
    inner: S,
    observer: Arc<dyn Observer>,
}

impl<S: BlobStore> ObserveBlobStore<S> {
    /// Wraps a store.
    pub fn new(inner: S, observer: Arc<dyn Observer>) -> Self {
        Self { inner, observer }
    }

    async fn observed<T>(
        &self,
        operation: BlobOperation,
        key: Option<&BlobKey>,
        call: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        let mut report = Report::new(&self.observer, operation, key);
        let answer = call.await;
        report.outcome = outcome_of(&answer);
        answer
    }
}

fn outcome_of<T>(answer: &Result<T, BlobError>) -> BlobOutcome {
    match answer {
        Ok(_) => BlobOutcome::Done,
        Err(error) => BlobOutcome::Failed(error.kind()),
    }
}

/// What will be reported, by being dropped: so that a call that is cancelled is reported too.
struct Report {
    observer: Arc<dyn Observer>,
    operation: BlobOperation,
    key: Option<BlobKey>,
    began: Instant,
    outcome: BlobOutcome,
    bytes: Arc<AtomicU64>,
}

impl Report {
    fn new(observer: &Arc<dyn Observer>, operation: BlobOperation, key: Option<&BlobKey>) -> Self {
        Self {
            observer: Arc::clone(observer),
            operation,
            key: key.cloned(),
            began: Instant::now(),
            outcome: BlobOutcome::Cancelled,
            bytes: Arc::default(),
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.observer.finished(&BlobCall {
            operation: self.operation,
            key: self.key.as_ref(),
            outcome: self.outcome,
            duration: self.began.elapsed(),
            bytes: self.bytes.load(Ordering::Relaxed),
        });
    }
}

/// Counts what is read; the report goes with the stream.
fn observe_reading(
    mut inner: ByteStream<BlobError>,
    mut report: Report,
    wanted_bytes: u64,
) -> ByteStream<BlobError> {
    if wanted_bytes == 0 {
        report.outcome = BlobOutcome::Done;
    }
    stream::poll_fn(move |cx| {
        let polled = inner.poll_next_unpin(cx);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => {
                let length = chunk.len() as u64;
                let read = report.bytes.fetch_add(length, Ordering::Relaxed) + length;
                // A reader that has all its bytes need not ask for the end.
                if read >= wanted_bytes {
                    report.outcome = BlobOutcome::Done;
                }
            }
            Poll::Ready(Some(Err(error))) => report.outcome = BlobOutcome::Failed(error.kind()),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    })
    .boxed()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for ObserveBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let mut report = Report::new(&self.observer, BlobOperation::Put, Some(key));
        let counter = Arc::clone(&report.bytes);
        let body = body.map_stream(|stream| {
            stream.inspect(move |chunk| {
                let length = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                counter.fetch_add(length, Ordering::Relaxed);
            })
        });
        let answer = self.inner.put(key, body, options).await;
        report.outcome = match &answer {
            Ok(_) => BlobOutcome::Done,
            Err(PutError::Body(_)) => BlobOutcome::BodyRefused,
            Err(PutError::Store(error)) => BlobOutcome::Failed(error.kind()),
        };
        answer
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let mut report = Report::new(&self.observer, BlobOperation::Get, Some(key));
        let answer = self.inner.get(key, range).await;
        let reader = answer.inspect_err(|error| {
            report.outcome = BlobOutcome::Failed(error.kind());
        })?;
        let wanted_bytes = range.map_or(reader.size_bytes, |range| range.length_bytes);
        Ok(BlobReader {
            size_bytes: reader.size_bytes,
            stream: observe_reading(reader.stream, report, wanted_bytes),
        })
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let call = self.inner.head(key);
        self.observed(BlobOperation::Head, Some(key), call).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let call = self.inner.delete(key);
        self.observed(BlobOperation::Delete, Some(key), call).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let call = self.inner.list(prefix, after, limit);
        self.observed(BlobOperation::List, None, call).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let call = self.inner.presign(operation);
        let key = Some(operation.key());
        self.observed(BlobOperation::Presign, key, call).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let call = self.inner.health();
        self.observed(BlobOperation::Health, None, call).await
    }
}
