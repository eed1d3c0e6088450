//! The health of stored bytes: they are held to what was stored, and what is found wrong is marked.

use std::sync::Arc;

use attache_metadata::{BlobFacts, BlobFault, BlobLocation, MetadataRepository, RepositoryError};
use attache_model::{Context, TenantId};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, BlobStore, BodyError, ByteRange, StoredBlob,
};
use futures_util::TryStreamExt;
use tracing::Instrument as _;

use crate::ServiceError;
use crate::service::Parts;

/// The counter of blobs that were newly found faulty, by `fault`.
const FAULTS: &str = "attache_blob_faults_total";

/// Opens a blob, or a range of it. The size is always held to what was stored; the digest is verified as
/// the bytes stream, if the whole blob is read.
pub(crate) async fn open_blob(
    store: &dyn BlobStore,
    key: &BlobKey,
    facts: &BlobFacts,
    range: Option<ByteRange>,
) -> Result<BlobReader, BlobError> {
    let whole = ByteRange {
        offset_bytes: 0,
        length_bytes: facts.stored_bytes,
    };
    let range = range.filter(|range| *range != whole);
    let reader = store.get(key, range).await?;
    check_size(key, facts, reader.size_bytes)?;
    // The digest is that of the file, which is stored unchanged in format 0 only.
    if range.is_some() || facts.format != 0 {
        return Ok(reader);
    }
    let stored = StoredBlob {
        size_bytes: facts.size_bytes,
        sha256: facts.sha256,
    };
    reader.verified(key, stored)
}

fn check_size(key: &BlobKey, facts: &BlobFacts, actual_bytes: u64) -> Result<(), BlobError> {
    let expected_bytes = facts.stored_bytes;
    if actual_bytes == expected_bytes {
        return Ok(());
    }
    let wrong = BodyError::WrongLength {
        expected_bytes,
        actual_bytes,
    };
    let error = BlobError::new(BlobErrorKind::Corrupt, "read").with_key(key);
    Err(error.with_source(wrong))
}

/// The depth of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Presence and size.
    Size,
    /// Every byte.
    Digest,
}

/// Checks a blob, and returns what is wrong with it, if anything. An error says nothing about the blob.
pub(crate) async fn check_blob(
    store: &dyn BlobStore,
    blob: &BlobLocation,
    depth: Depth,
) -> Result<Option<BlobFault>, ServiceError> {
    let key = blob_key(blob)?;
    let checked = async {
        if depth == Depth::Size {
            let meta = store.head(&key).await?;
            return check_size(&key, &blob.facts, meta.size_bytes);
        }
        let mut reader = open_blob(store, &key, &blob.facts, None).await?;
        while reader.stream.try_next().await?.is_some() {}
        Ok(())
    };
    match checked.await {
        Ok(()) => Ok(None),
        Err(error) => match fault_of(&error) {
            Some(fault) => Ok(Some(fault)),
            None => Err(error.into()),
        },
    }
}

pub(crate) fn blob_key(blob: &BlobLocation) -> Result<BlobKey, ServiceError> {
    BlobKey::parse(blob.storage_key.as_str())
        .map_err(|error| ServiceError::Internal(Box::new(error)))
}

/// Returns what a failure to read says about the stored bytes; `None` if it says nothing about them.
pub(crate) fn fault_of(error: &BlobError) -> Option<BlobFault> {
    let source = std::error::Error::source(error);
    match (error.kind(), source.and_then(|it| it.downcast_ref())) {
        (BlobErrorKind::NotFound, _) => Some(BlobFault::Missing),
        (BlobErrorKind::InvalidRange, _) | (_, Some(BodyError::WrongLength { .. })) => {
            Some(BlobFault::WrongSize)
        }
        (_, Some(BodyError::WrongDigest { .. })) => Some(BlobFault::WrongDigest),
        (BlobErrorKind::Corrupt | BlobErrorKind::PermissionDenied | BlobErrorKind::Other, _) => {
            Some(BlobFault::Unreadable)
        }
        _ => None,
    }
}

/// Marks a blob as faulty. A fault that is news is counted, and logged once, with one of its files.
pub(crate) async fn mark_faulty(
    repository: &dyn MetadataRepository,
    tenant: TenantId,
    blob: &BlobLocation,
    fault: BlobFault,
) -> Result<bool, RepositoryError> {
    let key = &blob.storage_key;
    let is_news = repository.mark_blob(blob.id, key, Some(fault)).await?;
    if is_news {
        metrics::counter!(FAULTS, "fault" => fault.as_str()).increment(1);
        let files = repository.list_files_of_blob(tenant, blob.id, None, 1);
        let file = files.await?.first().map(|file| file.record.id);
        let file = file.map(tracing::field::display);
        tracing::error!(%tenant, file, blob = %blob.id, key, %fault, "stored bytes are lost");
    }
    Ok(is_news)
}

impl Parts {
    /// Marks a blob as faulty in a task of its own: the caller may be a response that ends.
    pub(crate) fn mark_faulty_detached(
        self: &Arc<Self>,
        tenant: TenantId,
        blob: BlobLocation,
        fault: BlobFault,
    ) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let parts = self.clone();
        let marking = async move {
            let marked = mark_faulty(parts.repository.as_ref(), tenant, &blob, fault);
            if let Err(error) = marked.await {
                tracing::error!(%error, blob = %blob.id, %fault, "a fault was not marked");
            }
        };
        self.tasks.spawn_on(marking.in_current_span(), &runtime);
    }

    /// Reads the copy that the tenant has of these bytes, before a commit gives up new ones in its favour.
    /// If something is wrong with it, it is marked, and the commit repairs it.
    pub(crate) async fn check_kept_copy(
        &self,
        cx: &Context,
        facts: &BlobFacts,
    ) -> Result<(), ServiceError> {
        let repository = self.repository.as_ref();
        let kept = repository.find_kept_blob(cx, &facts.sha256, facts.size_bytes);
        let Some(kept) = kept.await? else {
            return Ok(());
        };
        if let Some(fault) = check_blob(self.store.as_ref(), &kept, Depth::Digest).await? {
            mark_faulty(repository, cx.tenant(), &kept, fault).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_about_the_bytes_are_faults() {
        use BlobErrorKind as Kind;
        for (kind, fault) in [
            (Kind::NotFound, Some(BlobFault::Missing)),
            (Kind::InvalidRange, Some(BlobFault::WrongSize)),
            (Kind::Corrupt, Some(BlobFault::Unreadable)),
            (Kind::PermissionDenied, Some(BlobFault::Unreadable)),
            (Kind::Other, Some(BlobFault::Unreadable)),
            (Kind::Unavailable, None),
            (Kind::OutOfSpace, None),
            (Kind::InUse, None),
        ] {
            assert_eq!(fault_of(&BlobError::new(kind, "get")), fault, "{kind:?}");
        }
    }
}
