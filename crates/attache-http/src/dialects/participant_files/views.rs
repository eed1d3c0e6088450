//! What participant-files writes.

use attache_model::FileRecord;
use attache_service::FileList;
use serde::Serialize;
use utoipa::ToSchema;

/// A file that a participant uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = participant_files::File)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileView {
    /// The participant, by our id.
    #[serde(rename = "participantID")]
    #[schema(format = Uuid)]
    participant_id: String,
    /// The participant, by the project's own identifier.
    participant_identifier: String,
    /// A readable key, set once and unique in the project.
    key: String,
    /// Its group; null for none.
    category: Option<String>,
    /// When it last changed.
    #[schema(format = DateTime)]
    last_modified: String,
}

impl FileView {
    /// `None` for a file about nobody.
    fn new(file: &FileRecord) -> Option<Self> {
        let participant = file.person.as_ref()?;
        Some(Self {
            participant_id: participant.id.to_string(),
            participant_identifier: participant.identifier.to_string(),
            key: file.key.to_string(),
            category: file.category.as_ref().map(ToString::to_string),
            last_modified: file.updated_at.to_string(),
        })
    }
}

/// One page of files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = participant_files::Files)]
pub(super) struct FilesView {
    files: Vec<FileView>,
    /// What to give as `pageID` for the next page; null at the end. A page may be shorter than its
    /// limit, even empty, and still have a next one.
    #[serde(rename = "nextPageID")]
    next_page_id: Option<String>,
}

impl From<FileList> for FilesView {
    fn from(list: FileList) -> Self {
        Self {
            files: list.files.iter().filter_map(FileView::new).collect(),
            next_page_id: list.next_cursor,
        }
    }
}

/// Where a file can be downloaded for a while.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = participant_files::Download)]
pub(super) struct DownloadView {
    /// The URL; when it ends stands in its query as `Expires`, in seconds since 1970. Whoever has it
    /// can use it: treat it as a secret.
    #[serde(rename = "preSignedUrl")]
    #[schema(format = Uri)]
    pub(super) pre_signed_url: String,
}
