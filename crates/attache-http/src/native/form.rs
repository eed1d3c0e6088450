//! Uploads as forms: files and fields in any order.

use attache_model::{Filename, MediaType};
use attache_service::{Body, IncomingFile, UploadFields, UploadSession};
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;

use super::upload_fields::FormFields;
use crate::call::{Call, RequestBody, aborted};
use crate::problem::{Problem, ProblemKind};
use crate::state::App;
use crate::wire::multipart::{Boundary, Multipart, Part};

/// The most that a form adds to its files: heads of parts, boundaries and text fields.
const FORM_OVERHEAD_BYTES: u64 = 2 << 20;

/// Reads a whole form into an upload; returns the upload and the fields.
pub(crate) async fn receive(
    app: &App,
    cx: &attache_model::Context,
    call: Call,
    mut fields: impl FormFields,
) -> Result<(UploadSession, UploadFields), Problem> {
    let content_type = call.head.parts.headers.get(CONTENT_TYPE);
    let content_type = content_type
        .filter(|_| call.head.is_form())
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::UnsupportedMediaType,
                "send multipart/form-data",
            )
        })?;
    let boundary = Boundary::from_content_type(content_type)?;
    let declared = call
        .head
        .declared_bytes()
        .map(|bytes| bytes.saturating_sub(FORM_OVERHEAD_BYTES));
    let mut upload = app.service.open_session(cx, declared).await?;
    let mut form = Multipart::new::<RequestBody, _>(&boundary, call.body);
    while let Some(part) = form.next_part().await? {
        match part.filename().map(str::to_owned) {
            Some(filename) if filename.is_empty() => skip_empty_input(part).await?,
            Some(filename) => receive_file(&mut upload, &fields, part, &filename).await?,
            None => receive_field(&mut fields, part).await?,
        }
    }
    Ok((upload, fields.finish()?))
}

async fn receive_file(
    upload: &mut UploadSession,
    fields: &impl FormFields,
    part: Part,
    filename: &str,
) -> Result<(), Problem> {
    let filename = Filename::parse(filename).map_err(|error| {
        Problem::invalid_field("filename", format!("of part {}: {error}", part.number()))
    })?;
    // A declared type is a hint: an unreadable one is ignored.
    let declared_type = part
        .content_type()
        .and_then(|text| MediaType::parse(text).ok());
    let known = fields.so_far();
    let file = IncomingFile {
        filename,
        declared_type,
        expected_sha256: known.sha256,
        accept: known.accept.clone(),
    };
    upload
        .add_file(file, Body::from_stream(part.into_stream().map_err(aborted)))
        .await?;
    Ok(())
}

/// Skips a file input for which no file was chosen: a part without name and bytes. Bytes without a name
/// are a fault.
async fn skip_empty_input(part: Part) -> Result<(), Problem> {
    let number = part.number();
    let mut content = part.into_stream();
    while let Some(chunk) = content.try_next().await? {
        if !chunk.is_empty() {
            let detail = format!("of part {number} is empty");
            return Err(Problem::invalid_field("filename", detail));
        }
    }
    Ok(())
}

/// Reads a text field. An empty one was left empty in the form, and counts as absent.
async fn receive_field(fields: &mut impl FormFields, part: Part) -> Result<(), Problem> {
    let name = part.name().to_owned();
    let text = part.text().await?;
    if text.is_empty() {
        Ok(())
    } else {
        Ok(fields.take(&name, &text)?)
    }
}
