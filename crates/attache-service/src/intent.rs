//! Intents: the rows of blobs before their bytes.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{BlobIntent, LeaseToken};
use attache_model::{BlobId, Context};
use attache_storage::BlobKey;
use tracing::Instrument as _;

use crate::service::Parts;

/// A new blob of the context's tenant, whose lease lasts for `lease_for`. `max_size_bytes` is `None` for one that
/// a client writes itself.
pub(crate) fn new_intent(
    parts: &Parts,
    cx: &Context,
    lease_for: Duration,
    max_size_bytes: Option<u64>,
) -> (BlobKey, BlobIntent) {
    let entropy = parts.entropy.as_ref();
    let id = BlobId::generate(cx.now(), entropy);
    let key = parts.store.new_key(cx.tenant(), id, max_size_bytes);
    let intent = BlobIntent {
        id,
        storage_key: key.as_str().to_owned(),
        lease: LeaseToken::generate(entropy),
        lease_for,
    };
    (key, intent)
}

/// Gives up a blob that no commit has taken, in a task of its own.
pub(crate) fn abandon(parts: &Arc<Parts>, cx: &Context, blob: BlobId, lease: LeaseToken) {
    // Without a runtime nothing can be sent; the lease ends by itself then.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let (tasks, parts, cx) = (parts.tasks.clone(), parts.clone(), cx.clone());
    let abandon = async move {
        match parts.repository.abandon_blob(&cx, blob, lease).await {
            Ok(()) => parts.reaper_wake.notify_one(),
            Err(error) if error.is_outage() => {
                tracing::debug!(%blob, %error, "a blob was not given up; its lease will end");
            }
            Err(error) => {
                tracing::warn!(%blob, %error, "a blob was not given up; its lease will end");
            }
        }
    };
    tasks.spawn_on(abandon.in_current_span(), &runtime);
}
