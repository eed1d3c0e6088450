//! Uploads as JSON with base64 content. They are held in memory, within a budget that all share.

use std::time::Duration;

use attache_model::Context;
use attache_service::{Body, IncomingFile, ServiceError, UploadFields, UploadSession};
use bytes::Bytes;

use crate::call::Call;
use crate::json_budget::JsonRoom;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;

/// The largest JSON upload, in bytes of JSON.
pub(crate) const MAX_JSON_UPLOAD_BYTES: usize = 32 << 20;

/// The longest time that a JSON upload may take to arrive: its first bytes are in memory all the while.
const JSON_TIMEOUT: Duration = Duration::from_mins(2);

/// A file that was read from JSON.
pub(crate) struct JsonUpload {
    pub(crate) file: IncomingFile,
    pub(crate) fields: UploadFields,
    pub(crate) content: Bytes,
}

/// Receives one file; `read` parses the body.
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
    let room = app.json_budget.begin(cx.tenant());
    let (sent, _room) = read_large(call, room, read).await?;
    upload.add_file(sent.file, Body::from(sent.content)).await?;
    Ok((upload, sent.fields))
}

/// Reads a JSON body as large as an upload may be, within `room`; `read` parses it. Returns the room,
/// to be kept for as long as the body is.
pub(crate) async fn read_large<T, F>(
    call: Call,
    mut room: JsonRoom,
    read: F,
) -> Result<(T, JsonRoom), Problem>
where
    T: Send + 'static,
    F: FnOnce(&[u8]) -> Result<T, Problem> + Send + 'static,
{
    let arriving = call.collect(MAX_JSON_UPLOAD_BYTES, &mut room);
    let body = tokio::time::timeout(JSON_TIMEOUT, arriving)
        .await
        .map_err(|_| Problem::new(ProblemKind::BodyCutOff, "the JSON took too long to arrive"))??;
    // The largest takes milliseconds to parse: too long for a thread that serves others.
    let read = tokio::task::spawn_blocking(move || Ok((read(&body)?, room)));
    let read = read.await;
    read.map_err(|error| ServiceError::Internal(Box::new(error)))?
}
