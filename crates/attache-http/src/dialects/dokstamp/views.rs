//! The responses of dokstamp.

use attache_model::{FileId, FileRecord, Visibility};
use serde::Serialize;
use utoipa::ToSchema;

use crate::paths;
use crate::public_url::PublicUrl;
use crate::schema;

/// A file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::File)]
pub(super) struct FileView {
    /// ID.
    #[schema(format = Uuid)]
    uuid: String,
    /// Name of the file.
    #[schema(value_type = schema::Filename)]
    original_name: String,
    /// Type of the bytes.
    #[schema(value_type = schema::MediaType)]
    mime_type: String,
    /// Extension of the name, without the dot; empty if there is none.
    #[schema(max_length = 255, examples("pdf"))]
    extension: String,
    /// Size in bytes.
    size: u64,
    /// Time at which it was attached to a certificate, or null.
    #[schema(required, format = DateTime)]
    used_at: Option<String>,
    /// URL of the bytes; for anyone if the file is public, otherwise with a key.
    #[schema(format = Uri)]
    file: String,
}

impl FileView {
    pub(super) fn new(file: &FileRecord, public_url: &PublicUrl) -> Self {
        let url = match file.visibility {
            Visibility::Public => public_url.to(download_path(file.id)),
            Visibility::Private => public_url.to(paths::content(file.id)),
        };
        Self {
            uuid: file.id.to_string(),
            original_name: file.filename.to_string(),
            mime_type: file.content_type.to_string(),
            extension: file.filename.extension().unwrap_or_default().to_owned(),
            size: file.size_bytes,
            used_at: file.claim.as_ref().map(|claim| claim.used_at.to_string()),
            file: url,
        }
    }
}

fn download_path(id: FileId) -> String {
    format!("/files/{id}/download")
}

/// Several files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::Files)]
pub(super) struct FilesView {
    /// The files.
    pub(super) data: Vec<FileView>,
}

/// One file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::OneFile)]
pub(super) struct OneFileView {
    /// The file.
    pub(super) data: FileView,
}
