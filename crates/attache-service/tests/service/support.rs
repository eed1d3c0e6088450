//! Short ways to say what the tests say often.

use attache_model::{Context, FileRecord, Filename};
use attache_service::{
    Body, BodyError, Download, FileService, IncomingFile, ServiceError, UploadFields,
};
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
