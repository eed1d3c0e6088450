//! Shorthands that several tests share.

use async_trait::async_trait;
use attache_model::{
    Context, FileId, FileRecord, Filename, MediaType, RequestId, Sha256Digest, UploadState,
};
use attache_service::{
    Body, BodyError, Download, FileService, IncomingFile, Inspector, ListRequest, PendingUpload,
    ServiceError, StagedFile, UploadFields, UploadRequest, UploadTarget, Verdict,
};
use attache_testkit::Fixture;
use bytes::Bytes;
use futures_util::TryStreamExt;

pub(crate) fn file(name: &str) -> IncomingFile {
    IncomingFile::named(Filename::parse(name).unwrap())
}

pub(crate) fn body(bytes: &[u8]) -> Body {
    Body::from(Bytes::copy_from_slice(bytes))
}

/// A body that ends early, with an error.
pub(crate) fn broken_body(bytes: &'static [u8]) -> Body {
    let cut = BodyError::Aborted("the client went away".into());
    let chunks = vec![Ok(Bytes::from_static(bytes)), Err(cut)];
    Body::from_stream(futures_util::stream::iter(chunks))
}

pub(crate) async fn store(
    service: &FileService,
    cx: &Context,
    name: &str,
    bytes: &[u8],
) -> FileRecord {
    let committed = service
        .upload(cx, file(name), UploadFields::default(), body(bytes))
        .await;
    committed.unwrap().record
}

pub(crate) async fn read(download: &Download) -> Result<Vec<u8>, ServiceError> {
    let reader = download.content.open(None).await?;
    let chunks: Vec<Bytes> = reader.stream.try_collect().await?;
    Ok(chunks.concat())
}

/// Asserts that no record is left and, after a run of the reaper, no bytes.
pub(crate) async fn assert_nothing_left(fixture: &Fixture, cx: &Context) {
    fixture.service.finish_tasks().await;
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 0, "bytes are left");
    let list = fixture
        .service
        .list_files(cx, ListRequest::default())
        .await
        .unwrap();
    assert!(list.files.is_empty(), "records are left");
}

/// An inspector that decides by the content.
#[derive(Debug)]
pub(crate) struct ByContent;

#[async_trait]
impl Inspector for ByContent {
    async fn inspect(&self, _: &Context, file: &StagedFile) -> Result<Verdict, ServiceError> {
        let chunks: Vec<Bytes> = file.open().await?.stream.try_collect().await?;
        Ok(match chunks.concat().as_slice() {
            b"bad" => Verdict::Refuse("it is bad".to_owned()),
            b"odd" => Verdict::Hold,
            b"unclear" => return Err(ServiceError::Unavailable("the scanner is down".into())),
            _ => Verdict::Accept,
        })
    }
}

/// The SHA-256 of `hello`.
pub(crate) const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

pub(crate) fn request(content_type: &str) -> UploadRequest {
    UploadRequest::new(
        Filename::parse("a.txt").unwrap(),
        MediaType::parse(content_type).unwrap(),
    )
}

/// `hello`, pending down to the digest.
pub(crate) fn hello() -> UploadRequest {
    UploadRequest {
        size_bytes: Some(5),
        sha256: Some(HELLO.parse::<Sha256Digest>().unwrap()),
        ..request("text/plain")
    }
}

pub(crate) fn pairs(pending: &PendingUpload) -> Vec<(String, String)> {
    let UploadTarget::Service(query) = &pending.target else {
        panic!("the store signs nothing here")
    };
    let pairs = query.pairs();
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

pub(crate) async fn send_as(
    fixture: &Fixture,
    pending: &PendingUpload,
    content_type: Option<&str>,
    body: Body,
) -> Result<FileRecord, ServiceError> {
    let pairs = pairs(pending);
    let declared = content_type.map(|text| MediaType::parse(text).unwrap());
    let request = RequestId::parse("bearer").unwrap();
    fixture
        .service
        .receive_upload(pending.upload.id, &pairs, declared.as_ref(), body, request)
        .await
}

pub(crate) async fn send(
    fixture: &Fixture,
    pending: &PendingUpload,
    bytes: &[u8],
) -> Result<FileRecord, ServiceError> {
    send_as(fixture, pending, Some("text/plain"), body(bytes)).await
}

pub(crate) async fn begin(
    fixture: &Fixture,
    cx: &Context,
    request: UploadRequest,
) -> PendingUpload {
    fixture.service.begin_upload(cx, request).await.unwrap()
}

pub(crate) async fn state(fixture: &Fixture, cx: &Context, id: FileId) -> UploadState {
    fixture.service.find_upload(cx, id).await.unwrap().state
}

/// A body of two chunks, between which `between` runs.
pub(crate) fn paused_body(
    chunks: [&'static [u8]; 2],
    between: impl Future<Output = ()> + Send + 'static,
) -> Body {
    let [first, second] = chunks.map(|chunk| Ok(bytes::Bytes::from_static(chunk)));
    let second = async {
        between.await;
        second
    };
    let first = futures_util::stream::iter([first]);
    Body::from_stream(futures_util::StreamExt::chain(
        first,
        futures_util::stream::once(Box::pin(second)),
    ))
}
