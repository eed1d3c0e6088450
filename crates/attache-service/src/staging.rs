//! Bytes on their way into the store: promised in the database first, kept alive while they flow, and
//! given up whenever the upload does not come to its end.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use attache_metadata::{BlobFacts, BlobIntent, LeaseToken, Refusal};
use attache_model::{BlobId, Context, Filename, MediaType};
use attache_storage::{BlobKey, Body, BodyError, PutError, PutOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use crate::service::Parts;
use crate::{IncomingFile, ServiceError};

/// How much of a file's beginning is kept to decide its type.
const HEAD_BYTES: usize = 8 * 1024;

/// One promised blob. Dropping it while the promise stands gives the promise up, whether the upload
/// failed, was refused, or its client went away.
#[derive(Debug)]
pub(crate) struct Promise {
    parts: Arc<Parts>,
    cx: Context,
    pub(crate) blob: BlobId,
    pub(crate) lease: LeaseToken,
    kept: bool,
}

impl Promise {
    /// The blob belongs to a record now: nothing to give up. Or to the reaper, as a copy of what the
    /// tenant has already, or like a place that a client wrote to: it has something to look at.
    pub(crate) fn keep(mut self) {
        self.kept = true;
        self.parts.reaper_wake.notify_one();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        // Without a runtime nothing can be sent; the lease ends by itself then.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.kept {
            return;
        }
        let (parts, cx, blob, lease) = (self.parts.clone(), self.cx.clone(), self.blob, self.lease);
        let give_up = async move {
            match parts.repository.abandon_blob(&cx, blob, lease).await {
                Ok(()) => parts.reaper_wake.notify_one(),
                Err(error) => {
                    tracing::warn!(%blob, %error, "an upload was not given up; its lease will end");
                }
            }
        };
        self.parts
            .tasks
            .spawn_on(give_up.in_current_span(), &runtime);
    }
}

/// A file whose bytes are durable, waiting for its commit.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) promise: Promise,
    pub(crate) key: BlobKey,
    pub(crate) filename: Filename,
    pub(crate) declared_type: Option<MediaType>,
    pub(crate) content_type: MediaType,
    pub(crate) facts: BlobFacts,
}

/// Promises a blob, streams the body into the store and decides the file's type.
pub(crate) async fn stage(
    parts: &Arc<Parts>,
    cx: &Context,
    keeper: &LeaseKeeper,
    file: IncomingFile,
    body: Body,
    room_bytes: u64,
) -> Result<Staged, ServiceError> {
    let blob = BlobId::generate(cx.now(), parts.entropy.as_ref());
    let key = BlobKey::for_blob(cx.tenant(), blob);
    let lease = LeaseToken::generate(parts.entropy.as_ref());
    let intent = BlobIntent {
        id: blob,
        storage_key: key.as_str().to_owned(),
        lease,
        lease_for: parts.timing.lease,
    };
    parts.repository.begin_blob(cx, &intent).await?;
    let promise = Promise {
        parts: parts.clone(),
        cx: cx.clone(),
        blob,
        lease,
        kept: false,
    };
    keeper.watch(blob, lease);

    let probe = Arc::new(Probe::new(file, keeper.activity.clone()));
    let watched = probe.clone();
    let body = body.map_stream(|stream| Watched {
        stream,
        probe: watched,
        passed_bytes: 0,
        room_bytes,
    });
    let options = PutOptions {
        max_size_bytes: Some(room_bytes),
        expected_sha256: probe.file.expected_sha256,
    };
    let stored = parts.store.put(&key, body, options).await;
    keeper
        .activity
        .store_is_busy
        .store(false, Ordering::Relaxed);
    let stored = stored.map_err(|error| probe.explain(error))?;

    let content_type = probe.decide_type();
    probe.file.check_accepted(&content_type)?;
    Ok(Staged {
        promise,
        key,
        filename: probe.file.filename.clone(),
        declared_type: probe.file.declared_type.clone(),
        content_type,
        facts: BlobFacts::plain(stored.size_bytes, stored.sha256),
    })
}

/// Watches one body: keeps its head, and stops it early when its type is not wanted.
#[derive(Debug)]
struct Probe {
    file: IncomingFile,
    head: Mutex<Vec<u8>>,
    refused: AtomicBool,
    activity: Arc<Activity>,
}

impl Probe {
    fn new(file: IncomingFile, activity: Arc<Activity>) -> Self {
        Self {
            file,
            head: Mutex::default(),
            refused: AtomicBool::new(false),
            activity,
        }
    }

    /// Notes a chunk; `false` where the type is now known and not wanted.
    fn note(&self, chunk: &Bytes) -> bool {
        self.activity.chunks.fetch_add(1, Ordering::Relaxed);
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = HEAD_BYTES - head.len();
        if missing == 0 {
            return true;
        }
        head.extend_from_slice(&chunk[..chunk.len().min(missing)]);
        let complete = head.len() == HEAD_BYTES;
        drop(head);
        let refused = complete && self.file.check_accepted(&self.decide_type()).is_err();
        self.refused.store(refused, Ordering::Relaxed);
        !refused
    }

    fn decide_type(&self) -> MediaType {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        MediaType::decide(
            self.file.declared_type.as_ref(),
            self.file.filename.as_str(),
            &head,
        )
    }

    /// What the caller is told when a put failed: the wrong type, where that is why we cut it.
    fn explain(&self, error: PutError) -> ServiceError {
        if self.refused.load(Ordering::Relaxed)
            && let Err(refusal) = self.file.check_accepted(&self.decide_type())
        {
            return refusal;
        }
        if self.activity.lease_is_lost.load(Ordering::Relaxed) {
            return Refusal::LeaseLost.into();
        }
        error.into()
    }
}

/// A body that tells its probe of each chunk, and ends in an error as soon as it is known to be
/// unwanted: a store may gather a good deal before it looks.
struct Watched<S> {
    stream: S,
    probe: Arc<Probe>,
    passed_bytes: u64,
    room_bytes: u64,
}

impl<S: Stream<Item = Result<Bytes, BodyError>> + Unpin> Stream for Watched<S> {
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
            None => self
                .probe
                .activity
                .store_is_busy
                .store(true, Ordering::Relaxed),
        }
        Poll::Ready(next)
    }
}

impl<S> Watched<S> {
    fn check(&mut self, chunk: &Bytes) -> Result<(), BodyError> {
        self.passed_bytes = self.passed_bytes.saturating_add(chunk.len() as u64);
        if self.passed_bytes > self.room_bytes {
            return Err(BodyError::TooLarge {
                limit_bytes: self.room_bytes,
            });
        }
        if !self.probe.note(chunk) {
            return Err(BodyError::Aborted("the type is not accepted".into()));
        }
        if self.probe.activity.lease_is_lost.load(Ordering::Relaxed) {
            return Err(BodyError::Aborted(
                "the lease of the upload was lost".into(),
            ));
        }
        Ok(())
    }
}

/// Signs of life of an upload.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    chunks: AtomicU64,
    /// The bytes are all here and the service works on them: syncing, inspecting, committing.
    pub(crate) store_is_busy: AtomicBool,
    /// A lease was lost: what still comes cannot be committed.
    lease_is_lost: AtomicBool,
}

/// Renews the leases of an upload while bytes flow or the service works on them; a client that falls
/// silent loses them.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    pub(crate) activity: Arc<Activity>,
    leases: Arc<Mutex<Vec<(BlobId, LeaseToken)>>>,
    task: AbortHandle,
}

impl LeaseKeeper {
    pub(crate) fn start(parts: Arc<Parts>, cx: Context) -> Self {
        let activity = Arc::new(Activity::default());
        let leases = Arc::new(Mutex::new(Vec::new()));
        let renewing = renew_while_active(parts, cx, activity.clone(), leases.clone());
        let task = tokio::spawn(renewing.in_current_span());
        Self {
            activity,
            leases,
            task: task.abort_handle(),
        }
    }

    fn watch(&self, blob: BlobId, lease: LeaseToken) {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((blob, lease));
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn renew_while_active(
    parts: Arc<Parts>,
    cx: Context,
    activity: Arc<Activity>,
    leases: Arc<Mutex<Vec<(BlobId, LeaseToken)>>>,
) {
    let lease_for = parts.timing.lease;
    let mut seen_chunks = 0;
    loop {
        tokio::time::sleep(parts.timing.turn()).await;
        let chunks = activity.chunks.load(Ordering::Relaxed);
        if chunks == seen_chunks && !activity.store_is_busy.load(Ordering::Relaxed) {
            continue;
        }
        seen_chunks = chunks;
        let held = leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (blob, lease) in held {
            match parts
                .repository
                .renew_lease(&cx, blob, lease, lease_for)
                .await
            {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(%blob, "the lease of an upload was lost");
                    activity.lease_is_lost.store(true, Ordering::Relaxed);
                    return;
                }
                Err(error) => {
                    tracing::warn!(%blob, %error, "the lease of an upload was not renewed");
                }
            }
        }
    }
}
