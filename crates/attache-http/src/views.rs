//! What the native API writes: JSON shapes of the model, and of nothing else.

use attache_model::{Claim, FileRecord, PersonRef, UploadState};
use attache_service::{CommittedFile, FileList, UploadStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// A file record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = File)]
pub(crate) struct FileView {
    /// Its id.
    #[schema(format = Uuid)]
    id: String,
    /// Its number in the order of commits.
    seq: i64,
    /// Whom it is about, by the tenant's own identifier; null for nobody.
    person: Option<String>,
    /// Whom it is about, by our id; null for nobody.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Its group; null for none.
    category: Option<String>,
    /// What people read as its name.
    name: String,
    /// The name it is downloaded under.
    filename: String,
    /// A free text; null for none.
    description: Option<String>,
    /// What its bytes are, as decided from them.
    content_type: String,
    /// How many bytes it has.
    size_bytes: u64,
    /// The SHA-256 of its bytes, 64 hex digits.
    sha256: String,
    /// `active` or `archived`.
    #[schema(pattern = "^(active|archived)$")]
    state: &'static str,
    /// `private` or `public`.
    #[schema(pattern = "^(private|public)$")]
    visibility: &'static str,
    /// A readable key, set once and unique in the tenant.
    key: String,
    /// Since when it is claimed; null while it is free.
    #[schema(format = DateTime)]
    used_at: Option<String>,
    /// Who holds it; null while it is free.
    used_by: Option<String>,
    /// The number of the principal that uploaded it.
    uploaded_by: Option<i64>,
    /// When it was stored.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When it was archived; null while it is active.
    #[schema(format = DateTime)]
    archived_at: Option<String>,
    /// How often it changed, from 1; in quotes it is the record's `ETag`.
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

/// A file of an upload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFile)]
pub(crate) struct UploadedFileView {
    #[serde(flatten)]
    file: FileView,
    /// Whether the record existed before, and `dedup` had it answered instead of a new one.
    deduplicated: bool,
}

/// The files that were stored, in the order they came.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadedFiles)]
pub(crate) struct UploadedFilesView {
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
#[schema(as = FileList)]
pub(crate) struct FileListView {
    files: Vec<FileView>,
    /// What to give as `cursor` for the next page; null at the end. A page may be shorter than its
    /// limit, even empty, and still have a next one.
    next_cursor: Option<String>,
}

impl From<&FileList> for FileListView {
    fn from(list: &FileList) -> Self {
        Self {
            files: list.files.iter().map(FileView::from).collect(),
            next_cursor: list.next_cursor.clone(),
        }
    }
}

/// A link, ready to be followed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub(crate) struct LinkView {
    /// The URL. Whoever has it can use it: treat it as a secret.
    #[schema(format = Uri)]
    pub(crate) url: String,
    /// The method to use; a read link takes HEAD as well.
    pub(crate) method: &'static str,
    /// Headers that must be sent along.
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    /// When it ends.
    #[schema(format = DateTime)]
    pub(crate) expires_at: String,
}

/// An upload that was begun, ready to be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingUpload)]
pub(crate) struct PromisedUploadView {
    /// Its id, which its record will have too.
    #[schema(format = Uuid)]
    pub(crate) id: String,
    /// `pending`.
    pub(crate) state: &'static str,
    /// Where to send the bytes. Whoever has it can use it: treat it as a secret. Where it is not one
    /// of this service, the upload has to be completed afterwards.
    #[schema(format = Uri)]
    pub(crate) url: String,
    /// The method to use.
    pub(crate) method: &'static str,
    /// Headers that must be sent along.
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    /// When it ends.
    #[schema(format = DateTime)]
    pub(crate) expires_at: String,
}

/// What the bearer of an upload's URL learns of the record: what they sent, and nothing else of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadReceipt)]
pub(crate) struct UploadReceiptView {
    /// The upload's id, which is the record's too.
    #[schema(format = Uuid)]
    id: String,
    /// `completed`.
    #[schema(pattern = "^completed$")]
    state: &'static str,
    /// What the bytes are, as decided from them.
    content_type: String,
    /// How many bytes there are.
    size_bytes: u64,
    /// The SHA-256 of the bytes, 64 hex digits.
    sha256: String,
    /// When they were stored.
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
pub(crate) struct UploadView {
    /// Its id, which its record has too.
    #[schema(format = Uuid)]
    id: String,
    /// `pending`, `completed` or `expired`.
    #[schema(pattern = "^(pending|completed|expired)$")]
    state: &'static str,
    /// Whom it is about, where it was promised by the tenant's own identifier.
    person: Option<String>,
    /// Whom it is about, where it was promised by our id.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Its group; null for none.
    category: Option<String>,
    /// What people read as its name.
    name: String,
    /// The name it will be downloaded under.
    filename: String,
    /// A free text; null for none.
    description: Option<String>,
    /// What its bytes are promised to be.
    content_type: String,
    /// How many bytes are promised; null for any number.
    size_bytes: Option<u64>,
    /// The promised SHA-256; null for any.
    sha256: Option<String>,
    /// `private` or `public`.
    #[schema(pattern = "^(private|public)$")]
    visibility: &'static str,
    /// The number of the principal that began it.
    uploaded_by: Option<i64>,
    /// When it was begun.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its bytes can no longer be sent.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it became a record; null until then.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    /// The record it became; null until then, and after the record was deleted.
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

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `ok`.
    pub(crate) status: &'static str,
}
