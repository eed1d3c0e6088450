//! An in-memory store that presigns requests and accepts whatever it is sent. It stands for a store that
//! clients reach directly, and for the worst bytes that can be in it.

use std::time::Duration;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, MemoryBlobStore, PresignOperation, PresignedRequest, PutError,
    PutOptions, StoreHealth, StoredBlob,
};

/// The start of the URLs of presigned requests.
pub const STORE_URL: &str = "https://store.example.org/";

/// A store that keeps blobs in memory and presigns requests if `presigns` is set.
#[derive(Debug)]
pub(crate) struct PresigningBlobStore {
    inner: MemoryBlobStore,
    presigns: bool,
}

impl PresigningBlobStore {
    pub(crate) fn new(presigns: bool) -> Self {
        Self {
            inner: MemoryBlobStore::new(),
            presigns,
        }
    }
}

/// Returns the key of the blob that a presigned request names.
pub(crate) fn key_of(request: &PresignedRequest) -> BlobKey {
    let path = request
        .url
        .strip_prefix(STORE_URL)
        .expect("a URL of this store");
    let key = path.split('?').next().unwrap_or_default();
    BlobKey::parse(key).expect("a key")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlobStore for PresigningBlobStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            presigns_get: self.presigns,
            presigns_put: self.presigns,
            ..self.inner.capabilities()
        }
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
        self.inner.put(key, body, options).await
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let key = operation.key();
        if !self.presigns {
            return Err(BlobError::new(BlobErrorKind::Unsupported, "presign").with_key(key));
        }
        let url = |lifetime: &Duration| format!("{STORE_URL}{key}?expires={}", lifetime.as_secs());
        Ok(match operation {
            PresignOperation::Get {
                lifetime,
                content_type,
                content_disposition,
                ..
            } => PresignedRequest {
                method: "GET",
                url: format!(
                    "{}&type={}&disposition={}",
                    url(lifetime),
                    encode(content_type),
                    encode(content_disposition)
                ),
                headers: Vec::new(),
            },
            PresignOperation::Put {
                lifetime,
                size_bytes,
                content_type,
                ..
            } => PresignedRequest {
                method: "PUT",
                url: url(lifetime),
                headers: vec![
                    ("content-type".to_owned(), content_type.clone()),
                    ("content-length".to_owned(), size_bytes.to_string()),
                ],
            },
        })
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.inner.health().await
    }
}

/// Percent-encodes all but letters and digits.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        plain if plain.is_ascii_alphanumeric() => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}
