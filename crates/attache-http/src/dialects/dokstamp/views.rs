//! What dokstamp writes.

use attache_model::{FileRecord, Visibility};
use serde::Serialize;
use utoipa::ToSchema;

use super::route::Route;
use crate::PublicUrl;

/// A file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::File)]
pub(super) struct FileView {
    /// Its id.
    #[schema(format = Uuid)]
    uuid: String,
    /// The name it was uploaded with, or was given since.
    original_name: String,
    /// What its bytes are.
    mime_type: String,
    /// What its name ends with, without the dot; empty where there is nothing.
    extension: String,
    /// How many bytes it has.
    size: u64,
    /// Since when it is attached to a certificate; null while it is available.
    #[schema(format = DateTime)]
    used_at: Option<String>,
    /// Where its bytes are: for anybody, or, where it is not public, with a key.
    #[schema(format = Uri)]
    file: String,
}

impl FileView {
    pub(super) fn new(file: &FileRecord, public_url: &PublicUrl) -> Self {
        let url = match file.visibility {
            Visibility::Public => public_url.to(&Route::Download(file.id)),
            Visibility::Private => public_url.to(&crate::Route::Content(file.id)),
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

/// Several files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::Files)]
pub(super) struct FilesView {
    pub(super) data: Vec<FileView>,
}

/// One file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = dokstamp::OneFile)]
pub(super) struct OneFileView {
    pub(super) data: FileView,
}
