//! Carrying bytes: some blobs at a time, each verified before the target knows of it.

use std::sync::Arc;

use attache_metadata_sql::data_migration::{DataMigration, SourceBlob};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, BlobStore, Body, BodyError, BodyVerifier,
    PutError, PutOptions,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{TransferError, TransferEvent, TransferObserver, TransferReport};

/// How many blobs are under way at a time.
const AT_ONCE: usize = 4;

/// The most files with damaged bytes that are named.
const NAMED_FILES: usize = 100;

/// From where to where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stores<'s> {
    pub(super) from: &'s dyn BlobStore,
    pub(super) to: &'s dyn BlobStore,
}

/// Why a blob was not carried.
enum Obstacle {
    /// Its bytes are not there or not right.
    Damaged,
    /// Something failed that may work the next time.
    Failed(TransferError),
}

/// Carries the bytes and the row of every blob that the target does not have. One whose bytes are
/// damaged does not keep the others from being carried.
pub(super) async fn carry_all(
    transfer: &DataMigration,
    stores: Stores<'_>,
    observer: &TransferObserver,
) -> Result<TransferReport, TransferError> {
    let mut report = TransferReport {
        tables: Vec::new(),
        blobs_carried: 0,
        blobs_found: 0,
        bytes_carried: 0,
    };
    let mut damage = Damage::default();
    let mut after = None;
    loop {
        let blobs = transfer.blobs_after(after).await?;
        let Some(last) = blobs.last() else {
            break;
        };
        after = Some(last.id);
        let (found, lacking): (Vec<_>, Vec<_>) = blobs.into_iter().partition(|blob| blob.is_copied);
        for SourceBlob { size_bytes, .. } in found {
            report.blobs_found += 1;
            observer(TransferEvent::BlobFound { size_bytes });
        }
        let carrying = lacking.into_iter().map(|blob| async move {
            let carried = carry(transfer, stores, &blob, observer).await;
            (blob, carried)
        });
        let mut carrying = stream::iter(carrying).buffer_unordered(AT_ONCE);
        while let Some((blob, carried)) = carrying.next().await {
            let size_bytes = blob.size_bytes;
            match carried {
                Ok(()) => {
                    report.blobs_carried += 1;
                    report.bytes_carried += size_bytes;
                    observer(TransferEvent::BlobCarried { size_bytes });
                }
                Err(Obstacle::Damaged) => damage.note(transfer, &blob).await?,
                Err(Obstacle::Failed(error)) => return Err(error),
            }
        }
    }
    damage.into_result().map(|()| report)
}

/// What was found damaged.
#[derive(Default)]
struct Damage {
    blobs: u64,
    files: Vec<attache_model::FileId>,
}

impl Damage {
    async fn note(
        &mut self,
        transfer: &DataMigration,
        blob: &SourceBlob,
    ) -> Result<(), TransferError> {
        self.blobs += 1;
        let room = NAMED_FILES.saturating_sub(self.files.len());
        let room = u32::try_from(room).unwrap_or(0);
        self.files.extend(transfer.files_of(blob.id, room).await?);
        Ok(())
    }

    fn into_result(self) -> Result<(), TransferError> {
        let Self { blobs, files } = self;
        if blobs == 0 {
            return Ok(());
        }
        Err(TransferError::Damaged { blobs, files })
    }
}

/// Carries one blob: first the bytes, then the row.
async fn carry(
    transfer: &DataMigration,
    stores: Stores<'_>,
    blob: &SourceBlob,
    observer: &TransferObserver,
) -> Result<(), Obstacle> {
    let key = BlobKey::parse(blob.storage_key.as_str()).map_err(|_| Obstacle::Damaged)?;
    match put(stores, &key, blob, observer).await {
        Ok(()) => {}
        // An earlier run ended between the bytes and the row; or before the bytes were whole, where
        // the store shows such.
        Err(Put::Taken) if is_right(stores.to, &key, blob).await? => {}
        Err(Put::Taken) => {
            let deleted = stores.to.delete(&key).await;
            deleted.map_err(of_target)?;
            put(stores, &key, blob, observer)
                .await
                .map_err(Put::into_obstacle)?;
        }
        Err(Put::Not(obstacle)) => return Err(obstacle),
    }
    let at_target = stores.to.head(&key).await.map_err(of_target)?;
    if at_target.size_bytes != blob.size_bytes {
        let error = BlobError::new(BlobErrorKind::Corrupt, "put").with_key(&key);
        return Err(of_target(error));
    }
    let carried = transfer.copy_blob(blob).await;
    carried.map_err(|error| Obstacle::Failed(error.into()))
}

/// Why a put did not put.
enum Put {
    /// The target has a blob under the key.
    Taken,
    Not(Obstacle),
}

impl Put {
    fn into_obstacle(self) -> Obstacle {
        match self {
            Self::Taken => of_target(BlobError::new(BlobErrorKind::AlreadyExists, "put")),
            Self::Not(obstacle) => obstacle,
        }
    }
}

/// Streams the bytes from one store into the other, which takes them only if they are right.
async fn put(
    stores: Stores<'_>,
    key: &BlobKey,
    blob: &SourceBlob,
    observer: &TransferObserver,
) -> Result<(), Put> {
    let reader = stores.from.get(key, None).await;
    let reader = reader.map_err(|error| Put::Not(of_source(error)))?;
    if reader.size_bytes != blob.size_bytes {
        return Err(Put::Not(Obstacle::Damaged));
    }
    let observer = Arc::clone(observer);
    let stream = reader.stream.inspect_ok(move |bytes| {
        observer(TransferEvent::BytesRead(bytes.len() as u64));
    });
    let stream = stream.map_err(|error| BodyError::Aborted(Box::new(error)));
    let body = Body::from_stream(stream).with_exact_size(blob.size_bytes);
    let options = PutOptions {
        max_size_bytes: None,
        expected_sha256: Some(blob.sha256),
    };
    match stores.to.put(key, body, options).await {
        Ok(_) => Ok(()),
        Err(PutError::Store(error)) if error.kind() == BlobErrorKind::AlreadyExists => {
            Err(Put::Taken)
        }
        Err(PutError::Store(error)) => Err(Put::Not(of_target(error))),
        Err(PutError::Body(error)) => Err(Put::Not(of_body(error, key))),
    }
}

/// Whether a store has a blob's very bytes.
async fn is_right(
    store: &dyn BlobStore,
    key: &BlobKey,
    blob: &SourceBlob,
) -> Result<bool, Obstacle> {
    let BlobReader { stream, .. } = store.get(key, None).await.map_err(of_target)?;
    let stream = stream.map_err(|error| BodyError::Aborted(Box::new(error)));
    let mut body = Body::from_stream(stream).with_exact_size(blob.size_bytes);
    let options = PutOptions {
        max_size_bytes: None,
        expected_sha256: Some(blob.sha256),
    };
    let verified = async {
        let mut verifier = BodyVerifier::new(&body, options)?;
        while let Some(bytes) = body.try_next().await? {
            verifier.update(&bytes)?;
        }
        verifier.finish()
    };
    match verified.await {
        Ok(_) => Ok(true),
        Err(BodyError::Aborted(error)) => match error.downcast::<BlobError>() {
            Ok(error) if error.kind() != BlobErrorKind::Corrupt => Err(of_target(*error)),
            _ => Ok(false),
        },
        Err(_) => Ok(false),
    }
}

fn of_target(error: BlobError) -> Obstacle {
    Obstacle::Failed(TransferError::TargetStore(error))
}

/// What a failure to read means: a blob that is damaged or missing stays so, however often it is read.
fn of_source(error: BlobError) -> Obstacle {
    match error.kind() {
        BlobErrorKind::NotFound | BlobErrorKind::Corrupt => Obstacle::Damaged,
        _ => Obstacle::Failed(TransferError::SourceStore(error)),
    }
}

fn of_body(error: BodyError, key: &BlobKey) -> Obstacle {
    match error {
        BodyError::Aborted(error) => match error.downcast::<BlobError>() {
            Ok(error) => of_source(*error),
            Err(error) => {
                let failed = BlobError::new(BlobErrorKind::Other, "get").with_key(key);
                of_source(failed.with_source(error))
            }
        },
        // Too many bytes, too few, or others.
        _ => Obstacle::Damaged,
    }
}
