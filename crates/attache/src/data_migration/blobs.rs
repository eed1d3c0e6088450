//! Copies blobs, several at a time, and verifies each before the target's database learns of it.

use std::sync::Arc;

use attache_metadata_sql::data_migration::{DataMigration, SourceBlob};
use attache_model::FileId;
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobStore, Body, BodyError, BodyVerifier, ByteStream,
    PutError, PutOptions,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::error::DataMigrationError;
use super::progress::{DataMigrationEvent, DataMigrationObserver, DataMigrationReport};

/// The number of blobs in flight.
const CONCURRENT_BLOBS: usize = 4;

/// The most files with damaged bytes that an error names.
const NAMED_FILES_MAX: usize = 100;

/// The stores to copy between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stores<'s> {
    pub(super) source: &'s dyn BlobStore,
    pub(super) target: &'s dyn BlobStore,
}

/// The reason a blob was not copied.
enum CopyError {
    /// The source's bytes are missing or wrong, and will be however often they are read.
    Damaged,
    /// A failure that may not recur.
    Failed(DataMigrationError),
}

impl CopyError {
    fn of_source(error: BlobError) -> Self {
        match error.kind() {
            BlobErrorKind::NotFound | BlobErrorKind::Corrupt => Self::Damaged,
            _ => Self::Failed(DataMigrationError::SourceStore(error)),
        }
    }

    fn of_target(error: BlobError) -> Self {
        Self::Failed(DataMigrationError::TargetStore(error))
    }

    /// Maps a failure of the body, whose stream reads from the source.
    fn of_body(error: BodyError, key: &BlobKey) -> Self {
        match error {
            BodyError::Aborted(error) => match error.downcast::<BlobError>() {
                Ok(error) => Self::of_source(*error),
                Err(error) => {
                    let failed = BlobError::new(BlobErrorKind::Other, "get").with_key(key);
                    Self::of_source(failed.with_source(error))
                }
            },
            // Too many bytes, too few, or different ones.
            _ => Self::Damaged,
        }
    }
}

/// Copies the bytes and the row of every blob that the target lacks. Damaged blobs do not keep the
/// others from being copied.
pub(super) async fn copy_all(
    migration: &DataMigration,
    stores: Stores<'_>,
    observer: &DataMigrationObserver,
) -> Result<DataMigrationReport, DataMigrationError> {
    let mut report = DataMigrationReport::default();
    let mut damage = Damage::default();
    let mut after = None;
    loop {
        let blobs = migration.blobs_after(after).await?;
        let Some(last) = blobs.last() else {
            break;
        };
        after = Some(last.id);
        let (present, missing): (Vec<_>, Vec<_>) =
            blobs.into_iter().partition(|blob| blob.is_copied);
        for SourceBlob { size_bytes, .. } in present {
            report.blobs_skipped += 1;
            observer(DataMigrationEvent::BlobSkipped { size_bytes });
        }
        let copies = missing.into_iter().map(|blob| async move {
            let outcome = copy_blob(migration, stores, &blob, observer).await;
            (blob, outcome)
        });
        let mut copies = stream::iter(copies).buffer_unordered(CONCURRENT_BLOBS);
        while let Some((blob, outcome)) = copies.next().await {
            let size_bytes = blob.size_bytes;
            match outcome {
                Ok(()) => {
                    report.blobs_copied += 1;
                    report.bytes_copied += size_bytes;
                    observer(DataMigrationEvent::BlobCopied { size_bytes });
                }
                Err(CopyError::Damaged) => damage.add(migration, &blob).await?,
                Err(CopyError::Failed(error)) => return Err(error),
            }
        }
    }
    damage.into_result().map(|()| report)
}

/// The damaged blobs so far.
#[derive(Default)]
struct Damage {
    blobs: u64,
    files: Vec<FileId>,
}

impl Damage {
    async fn add(
        &mut self,
        migration: &DataMigration,
        blob: &SourceBlob,
    ) -> Result<(), DataMigrationError> {
        self.blobs += 1;
        let limit = NAMED_FILES_MAX.saturating_sub(self.files.len());
        let limit = u32::try_from(limit).unwrap_or(0);
        self.files.extend(migration.files_of(blob.id, limit).await?);
        Ok(())
    }

    fn into_result(self) -> Result<(), DataMigrationError> {
        let Self { blobs, files } = self;
        if blobs == 0 {
            return Ok(());
        }
        Err(DataMigrationError::Damaged { blobs, files })
    }
}

/// Copies one blob: first its bytes, then its row.
async fn copy_blob(
    migration: &DataMigration,
    stores: Stores<'_>,
    blob: &SourceBlob,
    observer: &DataMigrationObserver,
) -> Result<(), CopyError> {
    let key = BlobKey::parse(blob.storage_key.as_str()).map_err(|_| CopyError::Damaged)?;
    let put = put(stores, &key, blob, observer).await?;
    // An earlier run may have ended between the bytes and the row; or before the bytes were complete,
    // if the store shows incomplete blobs.
    if put == PutOutcome::AlreadyExists && !is_intact(stores.target, &key, blob).await? {
        let deleted = stores.target.delete(&key).await;
        deleted.map_err(CopyError::of_target)?;
        if self::put(stores, &key, blob, observer).await? == PutOutcome::AlreadyExists {
            let error = BlobError::new(BlobErrorKind::AlreadyExists, "put").with_key(&key);
            return Err(CopyError::of_target(error));
        }
    }
    let meta = stores.target.head(&key).await;
    if meta.map_err(CopyError::of_target)?.size_bytes != blob.size_bytes {
        let error = BlobError::new(BlobErrorKind::Corrupt, "put").with_key(&key);
        return Err(CopyError::of_target(error));
    }
    let copied = migration.copy_blob(blob).await;
    copied.map_err(|error| CopyError::Failed(error.into()))
}

#[derive(Debug, PartialEq, Eq)]
enum PutOutcome {
    Stored,
    /// The target has a blob under this key.
    AlreadyExists,
}

/// Streams the bytes from one store to the other, which accepts only the right ones.
async fn put(
    stores: Stores<'_>,
    key: &BlobKey,
    blob: &SourceBlob,
    observer: &DataMigrationObserver,
) -> Result<PutOutcome, CopyError> {
    let reader = stores.source.get(key, None).await;
    let reader = reader.map_err(CopyError::of_source)?;
    if reader.size_bytes != blob.size_bytes {
        return Err(CopyError::Damaged);
    }
    let observer = Arc::clone(observer);
    let stream = reader.stream.inspect_ok(move |bytes| {
        observer(DataMigrationEvent::BytesRead(bytes.len() as u64));
    });
    let (body, options) = expected_body(stream.boxed(), blob);
    match stores.target.put(key, body, options).await {
        Ok(_) => Ok(PutOutcome::Stored),
        Err(PutError::Store(error)) if error.kind() == BlobErrorKind::AlreadyExists => {
            Ok(PutOutcome::AlreadyExists)
        }
        Err(PutError::Store(error)) => Err(CopyError::of_target(error)),
        Err(PutError::Body(error)) => Err(CopyError::of_body(error, key)),
    }
}

/// Returns `true` if the target has exactly the bytes of a blob.
async fn is_intact(
    target: &dyn BlobStore,
    key: &BlobKey,
    blob: &SourceBlob,
) -> Result<bool, CopyError> {
    let reader = target.get(key, None).await;
    let reader = reader.map_err(CopyError::of_target)?;
    let (mut body, options) = expected_body(reader.stream, blob);
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
            Ok(error) if error.kind() != BlobErrorKind::Corrupt => {
                Err(CopyError::of_target(*error))
            }
            _ => Ok(false),
        },
        Err(_) => Ok(false),
    }
}

/// Wraps a stream in a body that must have the size and digest of a blob.
fn expected_body(stream: ByteStream<BlobError>, blob: &SourceBlob) -> (Body, PutOptions) {
    let stream = stream.map_err(|error| BodyError::Aborted(Box::new(error)));
    let body = Body::from_stream(stream).with_exact_size(blob.size_bytes);
    let options = PutOptions {
        max_size_bytes: None,
        expected_sha256: Some(blob.sha256),
    };
    (body, options)
}
