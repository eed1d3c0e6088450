//! The JSON of the native API.

use attache_model::{Claim, FileRecord, PersonRef, UploadState};
use attache_service::{CommittedFile, FileList, UploadStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema;

/// A file record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileRecord)]
pub(super) struct FileView {
    /// ID.
    #[schema(format = Uuid)]
    id: String,
    /// Number in the order of commits.
    #[schema(minimum = 1)]
    seq: i64,
    /// Identifier of the person the file is about, or null.
    #[schema(required, value_type = Option<schema::Person>)]
    person: Option<String>,
    /// ID of the person the file is about, or null.
    #[schema(required, format = Uuid)]
    person_id: Option<String>,
    /// Category, or null.
    #[schema(required, value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Display name.
    #[schema(value_type = schema::Name)]
    name: String,
    /// Name of the file when it is downloaded.
    #[schema(value_type = schema::Filename)]
    filename: String,
    /// Description, or null.
    #[schema(required, value_type = Option<schema::Description>)]
    description: Option<String>,
    /// Type of the bytes, as detected from them.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Size in bytes.
    size_bytes: u64,
    /// SHA-256 of the bytes, as 64 hex digits.
    #[schema(value_type = schema::Sha256)]
    sha256: String,
    /// `active` or `archived`.
    #[schema(value_type = schema::FileState)]
    state: &'static str,
    /// `private` or `public`.
    #[schema(value_type = schema::Visibility)]
    visibility: &'static str,
    /// Readable key, set once and unique within the tenant.
    #[schema(value_type = schema::Key)]
    key: String,
    /// Time of the claim, or null if the file is not claimed.
    #[schema(required, format = DateTime)]
    used_at: Option<String>,
    /// Holder of the claim, or null if the file is not claimed.
    #[schema(required, value_type = Option<schema::Holder>)]
    used_by: Option<String>,
    /// Number of the principal that uploaded the file.
    #[schema(required, minimum = 1)]
    uploaded_by: Option<i64>,
    /// Time at which the file was stored.
    #[schema(format = DateTime)]
    created_at: String,
    /// Time of the last change.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Time at which the file was archived, or null if it is active.
    #[schema(required, format = DateTime)]
    archived_at: Option<String>,
    /// Revision, counted from 1; in quotes it is the record's `ETag`.
    #[schema(minimum = 1)]
    revision: i64,
}

impl From<&FileRecord> for FileView {
    fn from(file: &FileRecord) -> Self {
        let claim: Option<&Claim> = file.claim.as_ref();
        Self {
            id: file.id.to_string(),
            seq: file.seq.get(),
            person: file
                .person
                .as_ref()
                .map(|person| person.identifier.to_string()),
            person_id: file.person.as_ref().map(|person| person.id.to_string()),
            category: file.category.as_ref().map(ToString::to_string),
            name: file.name.to_string(),
            filename: file.filename.to_string(),
            description: file.description.as_ref().map(ToString::to_string),
            content_type: file.content_type.to_string(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.to_string(),
            state: file.state().as_str(),
            visibility: file.visibility.as_str(),
            key: file.key.to_string(),
            used_at: claim.map(|claim| claim.used_at.to_string()),
            used_by: claim.map(|claim| claim.used_by.to_string()),
            uploaded_by: file.uploaded_by.map(attache_model::PrincipalSeq::get),
            created_at: file.created_at.to_string(),
            updated_at: file.updated_at.to_string(),
            archived_at: file.archived_at.map(|at| at.to_string()),
            revision: file.revision.get(),
        }
    }
}

/// An uploaded file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFile)]
pub(super) struct UploadedFileView {
    #[serde(flatten)]
    file: FileView,
    /// True if the record existed, and `dedup` returned it instead of a new one.
    deduplicated: bool,
}

/// The stored files, in the order of the upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFiles)]
pub(super) struct UploadedFilesView {
    /// The files.
    files: Vec<UploadedFileView>,
}

impl From<&[CommittedFile]> for UploadedFilesView {
    fn from(files: &[CommittedFile]) -> Self {
        let view = |file: &CommittedFile| UploadedFileView {
            file: FileView::from(&file.record),
            deduplicated: file.deduplicated,
        };
        Self {
            files: files.iter().map(view).collect(),
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FilePage)]
pub(super) struct FileListView {
    /// The records, in the requested order.
    files: Vec<FileView>,
    /// `cursor` of the next page, or null at the end. A page may be shorter than its limit, even empty,
    /// and still have a next one.
    #[schema(required, value_type = Option<schema::Cursor>)]
    next_cursor: Option<String>,
    /// `cursor` behind the last record of this page, even at the end: used later, it returns the files that
    /// were stored since. Only with `sort=created_at` or `sort=seq`, otherwise null.
    #[schema(required, value_type = Option<schema::Cursor>)]
    resume_cursor: Option<String>,
}

impl From<&FileList> for FileListView {
    fn from(list: &FileList) -> Self {
        Self {
            files: list.files.iter().map(FileView::from).collect(),
            next_cursor: list.next_cursor.clone(),
            resume_cursor: list.resume_cursor.clone(),
        }
    }
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub(super) struct LinkView {
    /// URL. Anyone who has it can use it: treat it as a secret.
    #[schema(format = Uri)]
    pub(super) url: String,
    /// Method to use; a link to read also takes HEAD.
    #[schema(pattern = "^GET$", examples("GET"))]
    pub(super) method: &'static str,
    /// Headers that must be sent with the request.
    pub(super) headers: std::collections::BTreeMap<String, String>,
    /// Time at which the URL expires.
    #[schema(format = DateTime)]
    pub(super) expires_at: String,
}

/// A pending upload, and where to send its bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingUpload)]
pub(super) struct PendingUploadView {
    /// ID, also of the future record.
    #[schema(format = Uuid)]
    pub(super) id: String,
    /// `pending`.
    #[schema(value_type = schema::UploadState)]
    pub(super) state: &'static str,
    /// URL that takes the bytes. Anyone who has it can use it: treat it as a secret. If it is not one of
    /// this service, the upload must be completed afterwards.
    #[schema(format = Uri)]
    pub(super) url: String,
    /// Method to use.
    #[schema(pattern = "^PUT$", examples("PUT"))]
    pub(super) method: &'static str,
    /// Headers that must be sent with the request.
    pub(super) headers: std::collections::BTreeMap<String, String>,
    /// Time at which the URL expires.
    #[schema(format = DateTime)]
    pub(super) expires_at: String,
}

/// The receipt for the bearer of an upload's URL: it repeats what was sent, and nothing else of the record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadReceipt)]
pub(super) struct UploadReceiptView {
    /// ID of the upload and of the record.
    #[schema(format = Uuid)]
    id: String,
    /// `completed`.
    #[schema(value_type = schema::UploadState)]
    state: &'static str,
    /// Type of the bytes, as detected from them.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Size in bytes.
    size_bytes: u64,
    /// SHA-256 of the bytes, as 64 hex digits.
    #[schema(value_type = schema::Sha256)]
    sha256: String,
    /// Time at which the bytes were stored.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&FileRecord> for UploadReceiptView {
    fn from(file: &FileRecord) -> Self {
        Self {
            id: file.id.to_string(),
            state: UploadState::Completed.as_str(),
            content_type: file.content_type.to_string(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.to_string(),
            created_at: file.created_at.to_string(),
        }
    }
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(super) struct UploadView {
    /// ID, also of the record.
    #[schema(format = Uuid)]
    id: String,
    /// `pending`, `completed` or `expired`.
    #[schema(value_type = schema::UploadState)]
    state: &'static str,
    /// Identifier of the person the file is about, if it was given so.
    #[schema(required, value_type = Option<schema::Person>)]
    person: Option<String>,
    /// ID of the person the file is about, if it was given so.
    #[schema(required, format = Uuid)]
    person_id: Option<String>,
    /// Category, or null.
    #[schema(required, value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Display name.
    #[schema(value_type = schema::Name)]
    name: String,
    /// Name of the file when it is downloaded.
    #[schema(value_type = schema::Filename)]
    filename: String,
    /// Description, or null.
    #[schema(required, value_type = Option<schema::Description>)]
    description: Option<String>,
    /// Declared type of the bytes.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Declared size in bytes, or null.
    #[schema(required)]
    size_bytes: Option<u64>,
    /// Declared SHA-256, or null.
    #[schema(required, value_type = Option<schema::Sha256>)]
    sha256: Option<String>,
    /// `private` or `public`.
    #[schema(value_type = schema::Visibility)]
    visibility: &'static str,
    /// Number of the principal that began the upload.
    #[schema(required, minimum = 1)]
    uploaded_by: Option<i64>,
    /// Time at which the upload was begun.
    #[schema(format = DateTime)]
    created_at: String,
    /// Time after which its bytes can no longer be sent.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Time at which the upload was completed, or null.
    #[schema(required, format = DateTime)]
    completed_at: Option<String>,
    /// The record; null until the upload is complete, and after the record was deleted.
    #[schema(required)]
    file: Option<FileView>,
}

impl From<&UploadStatus> for UploadView {
    fn from(status: &UploadStatus) -> Self {
        let upload = &status.upload;
        let (person, person_id) = match &upload.person {
            None => (None, None),
            Some(PersonRef::Identifier(identifier)) => (Some(identifier.to_string()), None),
            Some(PersonRef::Id(id)) => (None, Some(id.to_string())),
        };
        let name = upload.name.as_ref().map(ToString::to_string);
        Self {
            id: upload.id.to_string(),
            state: status.state.as_str(),
            person,
            person_id,
            category: upload.category.as_ref().map(ToString::to_string),
            name: name.unwrap_or_else(|| upload.filename.to_string()),
            filename: upload.filename.to_string(),
            description: upload.description.as_ref().map(ToString::to_string),
            content_type: upload.content_type.to_string(),
            size_bytes: upload.size_bytes,
            sha256: upload.sha256.map(|digest| digest.to_string()),
            visibility: upload.visibility.as_str(),
            uploaded_by: upload.created_by.map(attache_model::PrincipalSeq::get),
            created_at: upload.created_at.to_string(),
            expires_at: upload.expires_at.to_string(),
            completed_at: upload.completed_at.map(|at| at.to_string()),
            file: status.file.as_ref().map(FileView::from),
        }
    }
}

/// The state of the service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(super) struct HealthView {
    /// `ok`.
    #[schema(pattern = "^ok$", examples("ok"))]
    pub(super) status: &'static str,
}
