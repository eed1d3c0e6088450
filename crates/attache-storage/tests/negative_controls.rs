//! The suite can fail: each way of breaking the contract is caught by the check that is meant to.

use async_trait::async_trait;
use attache_model::{OsEntropy, Sha256Digest};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, BlobStoreExt, Body,
    BodyError, ByteRange, Capabilities, KeyPage, MemoryBlobStore, PresignOperation,
    PresignedRequest, PutError, PutOptions, StoreHealth, StoredBlob, conformance,
};
use bytes::BytesMut;
use futures_util::{StreamExt, stream};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    LiesAboutDigest,
    TakesAbortedForEnd,
    ShowsPartsOfAborted,
    IgnoresLimit,
    LimitIsExclusive,
    IgnoresDigest,
    IgnoresLength,
    BlamesItself,
    ReadsOnAfterEnd,
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
    ForgetsThatThereIsMore,
    SignsDespiteItself,
    StoresWhatIsDropped,
    EndsEarly,
}

/// A store that is fine but for one defect.
#[derive(Debug)]
struct Broken {
    inner: MemoryBlobStore,
    defect: Defect,
}

impl Broken {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// The body as the defect makes it.
    fn spoil(&self, body: Body) -> Body {
        match self.defect {
            Defect::TakesAbortedForEnd => body
                .map_stream(|stream| stream.take_while(|chunk| std::future::ready(chunk.is_ok()))),
            Defect::ReadsOnAfterEnd => body.map_stream(|mut inner| {
                stream::poll_fn(move |cx| match inner.poll_next_unpin(cx) {
                    std::task::Poll::Ready(None) => inner.poll_next_unpin(cx),
                    polled => polled,
                })
            }),
            // Built anew, without the promised length.
            Defect::IgnoresLength => Body::from_stream(body),
            _ => body,
        }
    }

    /// Writes in place, as the bytes come.
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
        if self.is(Defect::StoresWhatIsDropped) && key.as_str().contains("dropped") {
            return self.put_visibly(key, body).await;
        }
        if self.is(Defect::Overwrites) {
            self.inner.delete(key).await?;
        }
        let answer = self
            .inner
            .put(key, self.spoil(body), self.spoil_options(options))
            .await;
        match answer {
            Ok(stored) if self.is(Defect::LiesAboutDigest) => Ok(StoredBlob {
                sha256: Sha256Digest::from_bytes([7; 32]),
                ..stored
            }),
            Err(PutError::Body(BodyError::WrongLength { .. })) if self.is(Defect::BlamesItself) => {
                Err(BlobError::new(BlobErrorKind::Other, "put").into())
            }
            answer => answer,
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
            Defect::ForgetsThatThereIsMore => page.has_more = false,
            _ => {}
        }
        Ok(page)
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        if self.is(Defect::SignsDespiteItself) {
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

/// The name of the check that a store with a defect fails; `None` where it passes.
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
async fn without_a_defect_nothing_is_caught() {
    assert_eq!(caught_by(Defect::None).await, None);
}

caught! {
    lying_digest: LiesAboutDigest => "a blob is as it was put";
    aborted_body_stored: TakesAbortedForEnd => "an aborted body leaves nothing";
    aborted_body_in_parts: ShowsPartsOfAborted => "an aborted body leaves nothing";
    no_limit: IgnoresLimit => "the size limit is exact";
    exclusive_limit: LimitIsExclusive => "the size limit is exact";
    no_digest_check: IgnoresDigest => "the digest is verified";
    no_length_check: IgnoresLength => "a short body is refused";
    blames_itself: BlamesItself => "a short body is refused";
    reads_on: ReadsOnAfterEnd => "a body is not read after its end";
    overwrites: Overwrites => "a taken key is treated as announced";
    range_off_by_one: RangeOffByOne => "a range gives its bytes";
    clamped_ranges: ClampsRanges => "a range outside is refused";
    delete_needs_blob: DeleteNeedsBlob => "deleting can be repeated";
    delete_does_nothing: DeleteDoesNothing => "a blob is as it was put";
    unordered: ListsUnordered => "a listing is in byte order";
    directory_order: ListsLikeDirectories => "a listing is in byte order";
    no_prefix: ListIgnoresPrefix => "a listing keeps to its prefix";
    repeats_keys: ListIncludesAfter => "pages give each key once";
    no_page_limit: ListIgnoresLimit => "pages give each key once";
    forgets_more: ForgetsThatThereIsMore => "pages give each key once";
    signs_despite_itself: SignsDespiteItself => "presigning is as announced";
    stores_what_is_dropped: StoresWhatIsDropped => "a dropped put leaves nothing";
    ends_early: EndsEarly => "a blob is as it was put";
}

#[tokio::test]
async fn a_failure_says_what_happened() {
    let store = Broken {
        inner: MemoryBlobStore::new(),
        defect: Defect::LiesAboutDigest,
    };
    let namespace = BlobKey::parse("n").unwrap();
    let failure = conformance::check_all(&store, &namespace)
        .await
        .unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the store fails the check that a blob is as it was put: \
         a put of 0 bytes answers with the wrong digest"
    );
    // It was cleaned up all the same.
    assert!(store.list("", None, 1).await.unwrap().keys.is_empty());
}
