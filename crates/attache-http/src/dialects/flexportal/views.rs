//! What flexportal writes.

use attache_model::FileRecord;
use attache_service::{IssuedLink, PendingUpload};
use serde::Serialize;
use utoipa::ToSchema;

use crate::public_url::PublicUrl;

/// A signed URL, and what it is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = flexportal::Url)]
pub(super) struct UrlView {
    /// `true`: what fails has another status and a problem document.
    success: bool,
    /// The URL. Whoever has it can use it: treat it as a secret.
    #[schema(format = Uri)]
    url: String,
    /// The id of the file to be, where the URL is for an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid, nullable = false)]
    file_id: Option<String>,
    /// The file's name.
    filename: String,
    /// The file's type; that of an upload must be sent with it.
    content_type: String,
    /// How many bytes the file has; 0 where they are yet to be uploaded.
    file_size: u64,
    /// When the URL ends, in milliseconds since 1970.
    expires_at: i64,
}

impl UrlView {
    /// A link to a file.
    pub(super) fn of_link(base: &PublicUrl, file: &FileRecord, link: &IssuedLink) -> Self {
        Self {
            success: true,
            url: base.to_stream(link),
            file_id: None,
            filename: link.filename.to_string(),
            content_type: file.content_type.to_string(),
            file_size: file.size_bytes,
            expires_at: link.expires_at.as_millis(),
        }
    }

    /// A link to send a file to.
    pub(super) fn of_upload(base: &PublicUrl, promised: &PendingUpload) -> Self {
        let upload = &promised.upload;
        Self {
            success: true,
            url: base.to_target(promised),
            file_id: Some(upload.id.to_string()),
            filename: upload.filename.to_string(),
            content_type: upload.content_type.to_string(),
            file_size: 0,
            expires_at: upload.expires_at.as_millis(),
        }
    }
}
