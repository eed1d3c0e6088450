//! Uploads as JSON with base64 content: in memory, and so within a budget that all such uploads share.

use std::time::Duration;

use attache_model::Context;
use attache_service::{Body, IncomingFile, ServiceError, UploadFields, UploadSession};
use bytes::Bytes;

use crate::app::App;
use crate::call::{Call, SMALL_JSON_BYTES};
use crate::json_budget::JsonRoom;
use crate::problem::{Problem, ProblemKind};

/// The largest JSON upload, in bytes of JSON.
pub(crate) const MAX_JSON_UPLOAD_BYTES: usize = 32 << 20;

/// How long a JSON upload may take to arrive: what has come of it is in memory all the while.
const JSON_TIMEOUT: Duration = Duration::from_mins(2);

/// What a JSON body was read as.
pub(crate) struct JsonUpload {
    pub(crate) file: IncomingFile,
    pub(crate) fields: UploadFields,
    pub(crate) content: Bytes,
}

/// Receives one file; `read` makes of the body what it says.
pub(crate) async fn receive<F>(
    app: &App,
    cx: &Context,
    call: Call,
    read: F,
) -> Result<(UploadSession, UploadFields), Problem>
where
    F: FnOnce(&[u8]) -> Result<JsonUpload, Problem> + Send + 'static,
{
    let mut upload = app.service.open_session(cx, None).await?;
    let mut room = app.json_budget.begin();
    let sent = read_large(call, &mut room, read).await?;
    upload.add_file(sent.file, Body::from(sent.content)).await?;
    Ok((upload, sent.fields))
}

/// Reads a JSON body as large as an upload may be, in the room that it takes; `read` makes of it what it
/// says.
pub(crate) async fn read_large<T, F>(
    call: Call,
    room: &mut JsonRoom<'_>,
    read: F,
) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&[u8]) -> Result<T, Problem> + Send + 'static,
{
    let arriving = call.collect(MAX_JSON_UPLOAD_BYTES, |bytes| {
        // What is small is read like any other JSON, however full it is.
        let is_small = bytes <= SMALL_JSON_BYTES;
        if is_small { Ok(()) } else { room.hold(bytes) }
    });
    let body = tokio::time::timeout(JSON_TIMEOUT, arriving)
        .await
        .map_err(|_| Problem::new(ProblemKind::BodyCutOff, "the JSON took too long to arrive"))??;
    // Some milliseconds of work for the largest: too long for a thread that serves others.
    let read = tokio::task::spawn_blocking(move || read(&body)).await;
    read.map_err(|error| ServiceError::Internal(Box::new(error)))?
}
