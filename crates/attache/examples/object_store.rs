//! A custom storage backend: any store of the crate `object_store` (Azure, Google) keeps the bytes.
//! Passes the conformance suite.

use async_trait::async_trait;
use attache::model::{BlobId, TenantId};
use attache::storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, BodyVerifier,
    ByteRange, Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions,
    StoreHealth, StoredBlob, conformance,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt as _, WriteMultipart};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    run().await
}

/// Runs the suite on a store in memory. Replace it with `object_store::azure` or `::gcp`.
pub(crate) async fn run() -> anyhow::Result<()> {
    let store = ObjectBlobStore(object_store::memory::InMemory::new());
    let namespace = conformance::fresh_namespace(&attache::model::OsEntropy);
    let report = conformance::check_all(&store, &namespace).await?;
    for check in report.passed {
        println!("ok  {check}");
    }
    Ok(())
}

/// Stores blobs in any object store with the durability and list order of the cloud stores.
#[derive(Debug)]
pub(crate) struct ObjectBlobStore<S>(S);

/// Maps an error to its meaning for attache, and keeps the error as the source, for the log.
fn map_error(operation: &'static str) -> impl Fn(Error) -> BlobError + Clone {
    move |error| {
        let kind = match &error {
            Error::NotFound { .. } => BlobErrorKind::NotFound,
            Error::PermissionDenied { .. } => BlobErrorKind::PermissionDenied,
            _ => BlobErrorKind::Unavailable,
        };
        BlobError::new(kind, operation).with_source(error)
    }
}

fn path(key: &BlobKey) -> Path {
    Path::from(key.as_str())
}

#[async_trait]
impl<S: ObjectStore> BlobStore for ObjectBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, _: Option<u64>) -> BlobKey {
        BlobKey::for_blob(tenant, blob)
    }

    async fn put(
        &self,
        key: &BlobKey,
        mut body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let failed = map_error("put");
        let mut verifier = BodyVerifier::new(&body, options)?;
        let parts = self.0.put_multipart(&path(key)).await;
        // The upload becomes visible when it is finished; dropping it discards it.
        let mut writer = WriteMultipart::new(parts.map_err(&failed)?);
        while let Some(chunk) = body.try_next().await? {
            verifier.update(&chunk)?;
            // Bounds memory: at most four parts are in flight.
            writer.wait_for_capacity(4).await.map_err(&failed)?;
            writer.put(chunk);
        }
        let stored = verifier.finish()?;
        writer.finish().await.map_err(&failed)?;
        Ok(stored)
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let size_bytes = self.head(key).await?.size_bytes;
        let (first, length) = range.map_or((0, size_bytes), |r| (r.offset_bytes, r.length_bytes));
        if range.is_some_and(|range| !range.fits(size_bytes)) {
            return Err(BlobError::new(BlobErrorKind::InvalidRange, "get").with_key(key));
        }
        let stream = if length == 0 {
            stream::empty().boxed()
        } else {
            let wanted = GetOptions::new().with_range(Some(first..first + length));
            let found = self.0.get_opts(&path(key), wanted).await;
            let bytes = found.map_err(map_error("get"))?.into_stream();
            bytes.map_err(map_error("get")).boxed()
        };
        Ok(BlobReader { size_bytes, stream })
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let size_bytes = self
            .0
            .head(&path(key))
            .await
            .map_err(map_error("head"))?
            .size;
        Ok(BlobMeta { size_bytes })
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match self.0.delete(&path(key)).await {
            Err(Error::NotFound { .. }) => Ok(()),
            deleted => deleted.map_err(map_error("delete")),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        // Prefixes of object stores are folders, ours are strings: list the folder, then filter.
        let folder = prefix.rsplit_once('/').map(|(name, _)| Path::from(name));
        let offset = after.map_or_else(Path::default, path);
        let found = self.0.list_with_offset(folder.as_ref(), &offset);
        let keys = found.try_filter_map(async |object| {
            let key = BlobKey::parse(object.location.as_ref()).ok();
            Ok(key.filter(|key| key.as_str().starts_with(prefix)))
        });
        let keys = keys.take(limit.saturating_add(1)).try_collect::<Vec<_>>();
        let mut keys = keys.await.map_err(map_error("list"))?;
        let has_more = keys.len() > limit;
        keys.truncate(limit);
        Ok(KeyPage { keys, has_more })
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        Err(BlobError::new(BlobErrorKind::Unsupported, "presign").with_key(operation.key()))
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.list("", None, 1).await?;
        Ok(StoreHealth::default())
    }
}
