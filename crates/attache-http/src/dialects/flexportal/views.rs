//! The responses of flexportal.

use attache_model::FileRecord;
use attache_service::{IssuedLink, PendingUpload};
use serde::Serialize;
use utoipa::ToSchema;

use crate::public_url::PublicUrl;
use crate::schema;

/// A signed URL, and its file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = flexportal::Url)]
pub(super) struct UrlView {
    /// Always `true`: a failure has another status and a problem document.
    success: bool,
    /// URL. Anyone who has it can use it: treat it as a secret.
    #[schema(format = Uri)]
    url: String,
    /// ID of the future file, if the URL is for an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid, nullable = false)]
    file_id: Option<String>,
    /// Name of the file.
    #[schema(value_type = schema::Filename)]
    filename: String,
    /// Type of the file; an upload must be sent with it.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Size in bytes; 0 for an upload.
    file_size: u64,
    /// Time at which the URL expires, in milliseconds since 1970.
    #[schema(minimum = 0)]
    expires_at: i64,
}

impl UrlView {
    /// Returns the view of a link to a file.
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

    /// Returns the view of a URL that takes a new file.
    pub(super) fn of_upload(base: &PublicUrl, begun: &PendingUpload) -> Self {
        let upload = &begun.upload;
        Self {
            success: true,
            url: base.to_target(begun),
            file_id: Some(upload.id.to_string()),
            filename: upload.filename.to_string(),
            content_type: upload.content_type.to_string(),
            file_size: 0,
            expires_at: upload.expires_at.as_millis(),
        }
    }
}
