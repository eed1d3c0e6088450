//! The responses of participant-files.

use attache_model::FileRecord;
use attache_service::FileList;
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema;

/// A file that a participant uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = participant_files::File)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileView {
    /// ID of the participant.
    #[serde(rename = "participantID")]
    #[schema(format = Uuid)]
    participant_id: String,
    /// Identifier of the participant in the project.
    #[schema(value_type = schema::Person)]
    participant_identifier: String,
    /// Readable key, set once and unique within the project.
    #[schema(value_type = schema::Key)]
    key: String,
    /// Category, or null.
    #[schema(required, value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Time of the last change.
    #[schema(format = DateTime)]
    last_modified: String,
}

impl FileView {
    /// Returns `None` for a file that is not about a person.
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
    /// The files, newest first.
    files: Vec<FileView>,
    /// `pageID` of the next page, or null at the end. A page may be shorter than its limit, even empty,
    /// and still have a next one.
    #[schema(required, value_type = Option<schema::Cursor>)]
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

/// A URL at which a file can be downloaded for a while.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = participant_files::Download)]
pub(super) struct DownloadView {
    /// URL. It expires at the time in its parameter `Expires`, in seconds since 1970. Anyone who has it can
    /// use it: treat it as a secret.
    #[serde(rename = "preSignedUrl")]
    #[schema(format = Uri)]
    pub(super) pre_signed_url: String,
}
