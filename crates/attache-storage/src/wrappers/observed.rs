//! The calls to a store, counted and timed; its outages, logged once each.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use attache_model::{BlobId, Outage, OutageChange, TenantId};
use futures_util::{StreamExt as _, TryStreamExt as _};
use metrics::{counter, histogram};

use super::BlobOperation;
use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth,
    StoredBlob,
};

/// Counts and times the calls to a store, and logs a line when an outage begins and another when it ends.
///
/// The metrics go to the recorder of the [`metrics`] crate, if the process has one:
/// `attache_store_call_duration_seconds` by `operation`, and `attache_store_errors_total` by `operation`
/// and `kind`. A put takes as long as its sender.
#[derive(Debug)]
pub struct ObservedBlobStore<S> {
    inner: S,
    calls: Arc<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    outage: Mutex<Outage>,
}

impl<S: BlobStore> ObservedBlobStore<S> {
    /// Wraps a store.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            calls: Arc::default(),
        }
    }

    async fn observe<T>(
        &self,
        operation: BlobOperation,
        call: impl Future<Output = Result<T, BlobError>>,
    ) -> Result<T, BlobError> {
        let started = Instant::now();
        let result = call.await;
        self.calls.record(operation, started, result.as_ref().err());
        result
    }
}

impl Calls {
    fn record(&self, operation: BlobOperation, started: Instant, error: Option<&BlobError>) {
        let labels = [("operation", operation.as_str())];
        histogram!("attache_store_call_duration_seconds", &labels).record(started.elapsed());
        match error {
            None => self.note_success(),
            Some(error) => self.note_error(operation, error),
        }
    }

    fn note_success(&self) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(OutageChange::Ended { failures, lasted }) = outage.succeeded(Instant::now()) {
            tracing::info!(failures, ?lasted, "the store responds again");
        }
    }

    fn note_error(&self, operation: BlobOperation, error: &BlobError) {
        let labels = [
            ("operation", operation.as_str()),
            ("kind", kind_name(error.kind())),
        ];
        counter!("attache_store_errors_total", &labels).increment(1);
        if error.is_outage() {
            let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
            if outage.failed(Instant::now()).is_some() {
                let error: &dyn Error = error;
                tracing::error!(error, "the store is unavailable or full");
            }
        }
    }
}

fn kind_name(kind: BlobErrorKind) -> &'static str {
    match kind {
        BlobErrorKind::NotFound => "not-found",
        BlobErrorKind::AlreadyExists => "already-exists",
        BlobErrorKind::InvalidRange => "invalid-range",
        BlobErrorKind::OutOfSpace => "out-of-space",
        BlobErrorKind::Unavailable => "unavailable",
        BlobErrorKind::Busy => "busy",
        BlobErrorKind::InUse => "in-use",
        BlobErrorKind::PermissionDenied => "permission-denied",
        BlobErrorKind::Corrupt => "corrupt",
        BlobErrorKind::Unsupported => "unsupported",
        BlobErrorKind::Other => "other",
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for ObservedBlobStore<S> {
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
        let started = Instant::now();
        let result = self.inner.put(key, body, options).await;
        match &result {
            Err(PutError::Store(error)) => {
                self.calls.record(BlobOperation::Put, started, Some(error));
            }
            // A fault of the body says nothing about the store.
            Err(PutError::Body(_)) => {}
            Ok(_) => self.calls.record(BlobOperation::Put, started, None),
        }
        result
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let reader = self
            .observe(BlobOperation::Get, self.inner.get(key, range))
            .await?;
        let calls = self.calls.clone();
        let stream = reader
            .stream
            .inspect_err(move |error| calls.note_error(BlobOperation::Get, error));
        Ok(BlobReader {
            size_bytes: reader.size_bytes,
            stream: stream.boxed(),
        })
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.observe(BlobOperation::Head, self.inner.head(key))
            .await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.observe(BlobOperation::Delete, self.inner.delete(key))
            .await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let call = self.inner.list(prefix, after, limit);
        self.observe(BlobOperation::List, call).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let call = self.inner.presign(operation);
        self.observe(BlobOperation::Presign, call).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.observe(BlobOperation::Health, self.inner.health())
            .await
    }
}
