//! A store that fails by a script, to test users of stores.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};
use futures_util::{StreamExt, stream};

use super::BlobOperation;
use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, BodyError, ByteRange,
    ByteStream, Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions,
    StoreHealth, StoredBlob,
};

/// A scheduled fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The operation that it affects.
    pub operation: BlobOperation,
    /// The number of the affected call, counted from 1 for the next one. 0 counts as 1.
    pub call: u32,
    /// The effect on the call.
    pub effect: FaultEffect,
}

/// The effect of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultEffect {
    /// The call fails and has no effect.
    FailBefore(BlobErrorKind),
    /// The call has its effect, and then fails, as if its result were lost.
    FailAfter(BlobErrorKind),
    /// The stream of a get, or the body of a put, fails after some bytes. Other operations fail
    /// without effect.
    Cut {
        /// The number of bytes before the failure.
        after_bytes: u64,
        /// The kind of the failure.
        kind: BlobErrorKind,
    },
    /// The call starts later, and then succeeds.
    Delay(Duration),
}

/// The scheduled faults, shared with the store that they affect.
#[derive(Debug, Clone, Default)]
pub struct FaultScript {
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl FaultScript {
    /// Adds a fault. If a call has several, its delays add up, and the failure that was added first
    /// counts.
    pub fn add(&self, fault: Fault) {
        self.faults().push(fault);
    }

    /// Adds a fault for the next call of an operation.
    pub fn add_next(&self, operation: BlobOperation, effect: FaultEffect) {
        self.add(Fault {
            operation,
            call: 1,
            effect,
        });
    }

    /// Returns the number of faults that have not happened yet. Tests check at their end that there
    /// are none.
    pub fn pending(&self) -> usize {
        self.faults().len()
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and removes and returns its faults.
    fn take(&self, operation: BlobOperation) -> Vec<FaultEffect> {
        let mut faults = self.faults();
        let mut due = Vec::new();
        faults.retain_mut(|fault| {
            if fault.operation != operation {
                return true;
            }
            fault.call = fault.call.saturating_sub(1);
            if fault.call == 0 {
                due.push(fault.effect);
            }
            fault.call > 0
        });
        due
    }

    /// Waits for the call's delays, and returns its failure.
    async fn begin(&self, operation: BlobOperation) -> Option<FaultEffect> {
        let due = self.take(operation);
        for effect in &due {
            if let FaultEffect::Delay(duration) = effect {
                tokio::time::sleep(*duration).await;
            }
        }
        due.into_iter()
            .find(|effect| !matches!(effect, FaultEffect::Delay(_)))
    }
}

/// Passes calls to the inner store, except for the faults of a [`FaultScript`].
#[derive(Debug)]
pub struct FaultBlobStore<S> {
    inner: S,
    script: FaultScript,
}

impl<S: BlobStore> FaultBlobStore<S> {
    /// Wraps a store.
    pub fn new(inner: S, script: FaultScript) -> Self {
        Self { inner, script }
    }

    async fn scripted<T>(
        &self,
        operation: BlobOperation,
        key: Option<&BlobKey>,
        call: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        match self.script.begin(operation).await {
            None | Some(FaultEffect::Delay(_)) => call.await,
            Some(FaultEffect::FailBefore(kind) | FaultEffect::Cut { kind, .. }) => {
                Err(injected(kind, operation, key))
            }
            Some(FaultEffect::FailAfter(kind)) => {
                call.await?;
                Err(injected(kind, operation, key))
            }
        }
    }
}

fn injected(kind: BlobErrorKind, operation: BlobOperation, key: Option<&BlobKey>) -> BlobError {
    let error = BlobError::new(kind, operation.as_str()).with_source("injected by a test");
    match key {
        Some(key) => error.with_key(key),
        None => error,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for FaultBlobStore<S> {
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
        let failed = |kind| PutError::Store(injected(kind, BlobOperation::Put, Some(key)));
        match self.script.begin(BlobOperation::Put).await {
            None | Some(FaultEffect::Delay(_)) => self.inner.put(key, body, options).await,
            Some(FaultEffect::FailBefore(kind)) => Err(failed(kind)),
            Some(FaultEffect::FailAfter(kind)) => {
                self.inner.put(key, body, options).await?;
                Err(failed(kind))
            }
            Some(FaultEffect::Cut { after_bytes, kind }) => {
                let cut = body.map_stream(|stream| {
                    cut(stream, after_bytes, || {
                        BodyError::Aborted("injected by a test".into())
                    })
                });
                match self.inner.put(key, cut, options).await {
                    // The fault is the store's, not the sender's.
                    Err(PutError::Body(BodyError::Aborted(_))) => Err(failed(kind)),
                    result => result,
                }
            }
        }
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let failed = |kind| injected(kind, BlobOperation::Get, Some(key));
        match self.script.begin(BlobOperation::Get).await {
            None | Some(FaultEffect::Delay(_)) => self.inner.get(key, range).await,
            Some(FaultEffect::FailBefore(kind)) => Err(failed(kind)),
            Some(FaultEffect::FailAfter(kind)) => {
                self.inner.get(key, range).await?;
                Err(failed(kind))
            }
            Some(FaultEffect::Cut { after_bytes, kind }) => {
                let reader = self.inner.get(key, range).await?;
                let error = failed(kind);
                Ok(BlobReader {
                    size_bytes: reader.size_bytes,
                    stream: cut(reader.stream, after_bytes, || error),
                })
            }
        }
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let call = self.inner.head(key);
        self.scripted(BlobOperation::Head, Some(key), call).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let call = self.inner.delete(key);
        self.scripted(BlobOperation::Delete, Some(key), call).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let call = self.inner.list(prefix, after, limit);
        self.scripted(BlobOperation::List, None, call).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let call = self.inner.presign(operation);
        let key = Some(operation.key());
        self.scripted(BlobOperation::Presign, key, call).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let call = self.inner.health();
        self.scripted(BlobOperation::Health, None, call).await
    }
}

/// Ends a stream with an error after some bytes, or at its end if it has fewer.
fn cut<E: Send + 'static>(
    inner: ByteStream<E>,
    after_bytes: u64,
    error: impl FnOnce() -> E + Send + 'static,
) -> ByteStream<E> {
    let open = Some((inner, after_bytes, error));
    stream::unfold(open, |open| async move {
        let (mut inner, left_bytes, error) = open?;
        if left_bytes == 0 {
            return Some((Err(error()), None));
        }
        match inner.next().await {
            Some(Ok(mut chunk)) => {
                chunk.truncate(usize::try_from(left_bytes).unwrap_or(usize::MAX));
                let left_bytes = left_bytes - chunk.len() as u64;
                Some((Ok(chunk), Some((inner, left_bytes, error))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Err(error()), None)),
        }
    })
    .boxed()
}
