//! Uploads on their way in and as they are found.

use attache_model::{
    BlobId, Category, Description, DisplayName, FileId, Filename, MediaType, PersonRef,
    Sha256Digest, Timestamp, Upload, Visibility,
};

use crate::{BlobIntent, LeaseToken};

/// The promise of a file. Its tenant, principal and moment are the context's.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The id the upload gets, and later its record.
    pub id: FileId,
    /// Whom the file is about; `None` for nobody. A person named by id must exist.
    pub person: Option<PersonRef>,
    /// The file's group.
    pub category: Option<Category>,
    /// What people will read as its name; `None` for its filename.
    pub name: Option<DisplayName>,
    /// The name it will be downloaded under.
    pub filename: Filename,
    /// A free text.
    pub description: Option<Description>,
    /// What its bytes are promised to be.
    pub content_type: MediaType,
    /// How many bytes are promised; `None` for any number.
    pub size_bytes: Option<u64>,
    /// The promised digest; `None` for any bytes.
    pub sha256: Option<Sha256Digest>,
    /// Who may read its bytes.
    pub visibility: Visibility,
    /// The first moment at which it can no longer be sent.
    pub expires_at: Timestamp,
    /// The blob that the client writes itself, with a lease that outlasts the upload; `None` where
    /// the bytes come through the service.
    pub staging: Option<BlobIntent>,
}

/// The blob into which a client writes an upload's bytes itself. No record ever refers to it: a
/// completion copies its bytes, as whoever can write it may go on writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingBlob {
    /// The blob's id.
    pub id: BlobId,
    /// Its key in the store.
    pub storage_key: String,
    /// The proof that the blob is the upload's.
    pub lease: LeaseToken,
}

/// An upload and where its client writes its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUpload {
    /// The upload.
    pub upload: Upload,
    /// As the upload was begun, whatever became of the blob since; `None` where the bytes come
    /// through the service.
    pub staging: Option<StagingBlob>,
}
