//! A directory that another store may have open: it can be read, and nothing in it can be changed.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};

use super::blocking::blocking;
use super::error::LocalError;
use super::shared::Shared;
use super::{list, open, read};
use crate::{
    BlobError, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange, Capabilities, KeyPage,
    PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth, StoredBlob,
};

/// The blobs of a [`LocalBlobStore`](crate::LocalBlobStore) for reading, also while it is open in
/// another process.
///
/// It takes no lock and leaves nothing behind. Puts and deletes are refused as `Unsupported`.
#[derive(Debug)]
pub struct ReadOnlyLocalBlobStore {
    shared: Arc<Shared>,
}

impl ReadOnlyLocalBlobStore {
    /// Opens a directory that a store has created.
    ///
    /// # Errors
    ///
    /// `NotFound` if it does not exist or is no store; `PermissionDenied` or `Other` if it cannot be
    /// read.
    ///
    /// ```
    /// use attache_storage::{
    ///     BlobKey, BlobStore, BlobStoreExt, LocalBlobStore, LocalOptions, ReadOnlyLocalBlobStore,
    /// };
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let store = LocalBlobStore::open(LocalOptions::new(directory.path())).await?;
    /// let key = BlobKey::parse("7/91/report")?;
    /// store.put_bytes(&key, "%PDF-1.7").await?;
    ///
    /// let beside = ReadOnlyLocalBlobStore::open(directory.path()).await?;
    /// assert_eq!(beside.head(&key).await?.size_bytes, 8);
    /// assert!(beside.delete(&key).await.is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let root = root.into();
        let opened = blocking(move || open::open_read_only(&root)).await;
        let shared = opened
            .and_then(|opened| opened)
            .map_err(|error| error.into_store_error("open"))?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlobStore for ReadOnlyLocalBlobStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, _: Option<u64>) -> BlobKey {
        BlobKey::for_blob(tenant, blob)
    }

    async fn put(&self, key: &BlobKey, _: Body, _: PutOptions) -> Result<StoredBlob, PutError> {
        Err(LocalError::OpenedReadOnly
            .into_blob_error("put", key)
            .into())
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        read::get(&self.shared, key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        read::head(&self.shared, key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        Err(LocalError::OpenedReadOnly.into_blob_error("delete", key))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let shared = Arc::clone(&self.shared);
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        let listed = blocking(move || {
            let after = after.as_ref().map(BlobKey::as_str);
            list::list(&shared.blobs, &prefix, after, limit)
        });
        listed
            .await
            .and_then(|page| page)
            .map_err(|error| error.into_store_error("list"))
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        Err(LocalError::CannotPresign.into_blob_error("presign", operation.key()))
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let shared = Arc::clone(&self.shared);
        let examined = blocking(move || shared.free_bytes()).await;
        examined
            .and_then(|free_bytes| free_bytes)
            .map(|free_bytes| StoreHealth {
                free_bytes: Some(free_bytes),
            })
            .map_err(|error| error.into_store_error("health"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        BlobErrorKind, BlobKey, BlobStore as _, BlobStoreExt as _, LocalBlobStore, LocalOptions,
        PutError, ReadOnlyLocalBlobStore,
    };

    #[tokio::test]
    async fn open_store_is_read_and_never_changed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let absent = ReadOnlyLocalBlobStore::open(&root).await.unwrap_err();
        assert_eq!(absent.kind(), BlobErrorKind::NotFound);
        assert!(!root.exists());

        let store = LocalBlobStore::open(LocalOptions::new(&root))
            .await
            .unwrap();
        let beside = ReadOnlyLocalBlobStore::open(&root).await.unwrap();
        let key = BlobKey::parse("7/91/report").unwrap();
        store.put_bytes(&key, "%PDF-1.7").await.unwrap();
        assert_eq!(beside.read_to_end(&key, 99).await.unwrap(), "%PDF-1.7");
        let listed = beside.list("7/", None, 10).await.unwrap();
        assert_eq!(listed.keys, std::slice::from_ref(&key));
        assert!(beside.health().await.unwrap().free_bytes.is_some());

        let deleted = beside.delete(&key).await.unwrap_err();
        assert_eq!(deleted.kind(), BlobErrorKind::Unsupported);
        let other = BlobKey::parse("7/91/other").unwrap();
        match beside.put_bytes(&other, "x").await {
            Err(PutError::Store(error)) => assert_eq!(error.kind(), BlobErrorKind::Unsupported),
            other => panic!("{other:?}"),
        }
        assert_eq!(store.head(&key).await.unwrap().size_bytes, 8);
        let missing = beside.head(&other).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }
}
