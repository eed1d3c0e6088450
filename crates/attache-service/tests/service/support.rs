//! Short ways to say what the tests say often.

use async_trait::async_trait;
use attache_model::{Context, FileRecord, Filename};
use attache_service::{
    Body, BodyError, Download, FileService, IncomingFile, Inspector, ListRequest, ServiceError,
    StagedFile, UploadFields, Verdict,
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

/// A body that breaks off after some bytes.
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

/// That neither a record nor, once the reaper was there, any bytes are left.
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

/// Judges by the bytes.
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
