//! A body on its way into the store: its type, its size, and the reasons to stop it early.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use attache_metadata::Refusal;
use attache_model::{MediaType, TypeEvidence};
use attache_storage::{Body, BodyError, PutError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::lease::Activity;
use crate::{IncomingFile, ServiceError};

/// Observes one body: gathers the evidence for its type, and stops it early if its type is not accepted.
#[derive(Debug)]
pub(crate) struct BodyMonitor {
    pub(crate) file: IncomingFile,
    evidence: Mutex<TypeEvidence>,
    type_refused: AtomicBool,
    activity: Arc<Activity>,
}

impl BodyMonitor {
    pub(crate) fn new(file: IncomingFile, activity: Arc<Activity>) -> Arc<Self> {
        Arc::new(Self {
            file,
            evidence: Mutex::default(),
            type_refused: AtomicBool::new(false),
            activity,
        })
    }

    /// Wraps a body that may have at most `limit_bytes`.
    ///
    /// The wrapped body ends in an error as soon as it is known to be unwanted: a store may buffer a
    /// good deal before it checks anything itself.
    pub(crate) fn wrap(self: &Arc<Self>, body: Body, limit_bytes: u64) -> Body {
        body.map_stream(|stream| MonitoredStream {
            stream,
            monitor: self.clone(),
            received_bytes: 0,
            limit_bytes,
        })
    }

    /// Decides the type from the bytes that were observed.
    pub(crate) fn decide_type(&self) -> MediaType {
        let evidence = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        let declared = self.file.declared_type.as_ref();
        evidence.decide(declared, self.file.filename.as_str())
    }

    /// Returns the true reason why a put failed: this monitor may have stopped the body.
    pub(crate) fn explain(&self, error: PutError) -> ServiceError {
        if self.type_refused.load(Ordering::Relaxed)
            && let Err(refusal) = self.file.check_accepted(&self.decide_type())
        {
            return refusal;
        }
        if self.activity.lease_lost() {
            return Refusal::LeaseLost.into();
        }
        error.into()
    }

    /// Records a chunk. Returns `false` if the type is now known and not accepted.
    fn observe(&self, chunk: &Bytes) -> bool {
        self.activity.record_chunk();
        let mut evidence = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        let is_complete = evidence.observe(chunk);
        drop(evidence);
        if !is_complete {
            return true;
        }
        let refused = self.file.check_accepted(&self.decide_type()).is_err();
        self.type_refused.store(refused, Ordering::Relaxed);
        !refused
    }
}

struct MonitoredStream<S> {
    stream: S,
    monitor: Arc<BodyMonitor>,
    received_bytes: u64,
    limit_bytes: u64,
}

impl<S: Stream<Item = Result<Bytes, BodyError>> + Unpin> Stream for MonitoredStream<S> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.stream.poll_next_unpin(task));
        match &next {
            Some(Ok(chunk)) => {
                if let Err(error) = self.check(chunk) {
                    return Poll::Ready(Some(Err(error)));
                }
            }
            Some(Err(_)) => {}
            None => self.monitor.activity.set_processing(true),
        }
        Poll::Ready(next)
    }
}

impl<S> MonitoredStream<S> {
    fn check(&mut self, chunk: &Bytes) -> Result<(), BodyError> {
        self.received_bytes = self.received_bytes.saturating_add(chunk.len() as u64);
        if self.received_bytes > self.limit_bytes {
            return Err(BodyError::TooLarge {
                limit_bytes: self.limit_bytes,
            });
        }
        if !self.monitor.observe(chunk) {
            return Err(BodyError::Aborted("the type is not accepted".into()));
        }
        if self.monitor.activity.lease_lost() {
            return Err(BodyError::Aborted(
                "the lease of the upload was lost".into(),
            ));
        }
        Ok(())
    }
}
