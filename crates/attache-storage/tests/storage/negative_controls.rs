//! The conformance suite can fail: each violation of the contract is caught by its check.

use async_trait::async_trait;
use attache_model::{BlobId, OsEntropy, Sha256Digest, TenantId};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, BlobStoreExt, Body,
    BodyError, ByteRange, Capabilities, KeyPage, MemoryBlobStore, PresignOperation,
    PresignedRequest, PutError, PutOptions, StoreHealth, StoredBlob, conformance,
};
use bytes::BytesMut;
use futures_util::{StreamExt, stream};

/// A violation of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    ReportsWrongDigest,
    StoresAborted,
    ShowsPartsOfAborted,
    IgnoresLimit,
    LimitIsExclusive,
    IgnoresDigest,
    IgnoresLength,
    ReportsOwnFailure,
    ReadsAfterEnd,
    Overwrites,
    RangeOffByOne,
    ClampsRanges,
    DeleteNeedsBlob,
    DeleteDoesNothing,
    ListsUnordered,
    ListsLikeDirectories,
    ListIgnoresPrefix,
    ListIncludesAfter,
    ListIgnoresLimit,
    ForgetsHasMore,
    PresignsUndeclared,
    StoresDropped,
    EndsEarly,
    RepeatsKeys,
    ForgetsTenant,
}

/// A store with one defect.
#[derive(Debug)]
struct Broken {
    inner: MemoryBlobStore,
    defect: Defect,
}

impl Broken {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// Returns the body with the defect.
    fn spoil(&self, body: Body) -> Body {
        match self.defect {
            Defect::StoresAborted => body
                .map_stream(|stream| stream.take_while(|chunk| std::future::ready(chunk.is_ok()))),
            Defect::ReadsAfterEnd => body.map_stream(|mut inner| {
                stream::poll_fn(move |cx| match inner.poll_next_unpin(cx) {
                    std::task::Poll::Ready(None) => inner.poll_next_unpin(cx),
                    polled => polled,
                })
            }),
            // A new body, without the declared length.
            Defect::IgnoresLength => Body::from_stream(body),
            _ => body,
        }
    }

    /// Writes in place, as the bytes arrive.
    async fn put_visibly(&self, key: &BlobKey, mut body: Body) -> Result<StoredBlob, PutError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
            self.inner.delete(key).await?;
            self.inner.put_bytes(key, bytes.clone().freeze()).await?;
        }
        self.inner.delete(key).await?;
        self.inner.put_bytes(key, bytes.freeze()).await
    }

    fn spoil_options(&self, mut options: PutOptions) -> PutOptions {
        match self.defect {
            Defect::IgnoresLimit => options.max_size_bytes = None,
            Defect::LimitIsExclusive => {
                options.max_size_bytes = options.max_size_bytes.map(|limit| limit - 1);
            }
            Defect::IgnoresDigest => options.expected_sha256 = None,
            _ => {}
        }
        options
    }
}

#[async_trait]
impl BlobStore for Broken {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey {
        let key = self.inner.new_key(tenant, blob, max_size_bytes);
        match self.defect {
            Defect::RepeatsKeys => BlobKey::parse(format!("{tenant}/again")).unwrap(),
            Defect::ForgetsTenant => BlobKey::parse(format!("0/{blob}")).unwrap(),
            _ => key,
        }
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let is_aborted = key.as_str().contains("aborted/unknown");
        if self.is(Defect::ShowsPartsOfAborted) && is_aborted {
            return self.put_visibly(key, body).await;
        }
        if self.is(Defect::StoresDropped) && key.as_str().contains("dropped") {
            return self.put_visibly(key, body).await;
        }
        if self.is(Defect::Overwrites) {
            self.inner.delete(key).await?;
        }
        let result = self
            .inner
            .put(key, self.spoil(body), self.spoil_options(options))
            .await;
        match result {
            Ok(stored) if self.is(Defect::ReportsWrongDigest) => Ok(StoredBlob {
                sha256: Sha256Digest::from_bytes([7; 32]),
                ..stored
            }),
            Err(PutError::Body(BodyError::WrongLength { .. }))
                if self.is(Defect::ReportsOwnFailure) =>
            {
                Err(BlobError::new(BlobErrorKind::Other, "put").into())
            }
            result => result,
        }
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let size_bytes = self.inner.head(key).await?.size_bytes;
        let range = range.map(|range| match self.defect {
            Defect::RangeOffByOne if range.length_bytes > 1 => ByteRange {
                length_bytes: range.length_bytes - 1,
                ..range
            },
            Defect::ClampsRanges if range.offset_bytes < size_bytes => ByteRange {
                length_bytes: range.length_bytes.min(size_bytes - range.offset_bytes),
                ..range
            },
            _ => range,
        });
        let mut reader = self.inner.get(key, range).await?;
        if self.is(Defect::EndsEarly) && size_bytes > 1 {
            reader.stream = reader.stream.take(1).boxed();
        }
        Ok(reader)
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        if self.is(Defect::DeleteNeedsBlob) && key.as_str().contains("delete-again") {
            self.inner.head(key).await?;
        }
        if self.is(Defect::DeleteDoesNothing) {
            return Ok(());
        }
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let mut page = match (self.defect, after) {
            (Defect::ListIgnoresPrefix, _) if prefix.ends_with("list/a/") => {
                self.inner.list("", after, limit).await?
            }
            (Defect::ListIncludesAfter, Some(after)) if self.inner.head(after).await.is_ok() => {
                let mut page = self.inner.list(prefix, Some(after), limit).await?;
                page.keys.insert(0, after.clone());
                page.keys.truncate(limit);
                page
            }
            (Defect::ListIgnoresLimit, _) => self.inner.list(prefix, after, limit + 1).await?,
            _ => self.inner.list(prefix, after, limit).await?,
        };
        match self.defect {
            Defect::ListsUnordered => page.keys.reverse(),
            Defect::ListsLikeDirectories => page
                .keys
                .sort_by(|one, other| one.as_str().split('/').cmp(other.as_str().split('/'))),
            Defect::ForgetsHasMore => page.has_more = false,
            _ => {}
        }
        Ok(page)
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        if self.is(Defect::PresignsUndeclared) {
            return Ok(PresignedRequest {
                method: "GET",
                url: "https://example.org/".to_owned(),
                headers: vec![],
            });
        }
        self.inner.presign(operation).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.inner.health().await
    }
}

/// Returns the name of the check that a store with a defect fails, or `None` if it passes all.
async fn caught_by(defect: Defect) -> Option<&'static str> {
    let inner = MemoryBlobStore::new();
    let store = Broken { inner, defect };
    let namespace = conformance::fresh_namespace(&OsEntropy);
    let checked = conformance::check_all(&store, &namespace).await;
    checked.err().map(|failure| failure.check())
}

macro_rules! caught {
    ($($test:ident: $defect:ident => $check:literal;)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                assert_eq!(caught_by(Defect::$defect).await, Some($check));
            }
        )+
    };
}

#[tokio::test]
async fn store_without_defect_passes() {
    assert_eq!(caught_by(Defect::None).await, None);
}

caught! {
    wrong_digest_is_caught: ReportsWrongDigest => "a blob reads as it was put";
    stored_aborted_body_is_caught: StoresAborted => "an aborted body leaves nothing";
    visible_parts_of_aborted_body_are_caught: ShowsPartsOfAborted => "an aborted body leaves nothing";
    ignored_limit_is_caught: IgnoresLimit => "the size limit is exact";
    exclusive_limit_is_caught: LimitIsExclusive => "the size limit is exact";
    ignored_digest_is_caught: IgnoresDigest => "the digest is verified";
    ignored_length_is_caught: IgnoresLength => "a short body is refused";
    misreported_body_fault_is_caught: ReportsOwnFailure => "a short body is refused";
    read_after_end_is_caught: ReadsAfterEnd => "a body is not read after its end";
    overwrite_is_caught: Overwrites => "an existing key is treated as declared";
    range_off_by_one_is_caught: RangeOffByOne => "a range yields its bytes";
    clamped_range_is_caught: ClampsRanges => "a range outside is refused";
    delete_of_missing_blob_failing_is_caught: DeleteNeedsBlob => "deleting can be repeated";
    delete_without_effect_is_caught: DeleteDoesNothing => "a blob reads as it was put";
    unordered_listing_is_caught: ListsUnordered => "a listing is in byte order";
    directory_order_is_caught: ListsLikeDirectories => "a listing is in byte order";
    ignored_prefix_is_caught: ListIgnoresPrefix => "a listing keeps to its prefix";
    repeated_key_is_caught: ListIncludesAfter => "pages return each key once";
    ignored_page_limit_is_caught: ListIgnoresLimit => "pages return each key once";
    forgotten_rest_is_caught: ForgetsHasMore => "pages return each key once";
    undeclared_presigning_is_caught: PresignsUndeclared => "presigning is as declared";
    stored_dropped_put_is_caught: StoresDropped => "a dropped put leaves nothing";
    early_end_is_caught: EndsEarly => "a blob reads as it was put";
    repeated_new_key_is_caught: RepeatsKeys => "new keys differ and fit";
    new_key_without_tenant_is_caught: ForgetsTenant => "new keys differ and fit";
}

#[tokio::test]
async fn failure_names_check_and_violation() {
    let store = Broken {
        inner: MemoryBlobStore::new(),
        defect: Defect::ReportsWrongDigest,
    };
    let namespace = BlobKey::parse("n").unwrap();
    let failure = conformance::check_all(&store, &namespace)
        .await
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the store fails the check that a blob reads as it was put: \
         a put of 0 bytes reports the wrong digest"
    );
    // The namespace was emptied all the same.
    assert!(store.list("", None, 1).await.unwrap().keys.is_empty());
}
