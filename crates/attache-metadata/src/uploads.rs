//! Pending uploads, as they are begun and as they are found.

use attache_model::{
    BlobId, Category, Description, DisplayName, FileId, Filename, MediaType, PersonRef,
    Sha256Digest, Timestamp, Upload, Visibility,
};

use crate::{BlobIntent, LeaseToken};

/// An upload to begin. Its tenant, principal and creation time are the context's.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The id of the upload, and later of its record.
    pub id: FileId,
    /// The person the file is about, or `None`. A person named by id must exist.
    pub person: Option<PersonRef>,
    /// The category of the file, or `None`.
    pub category: Option<Category>,
    /// The display name; `None` for the filename.
    pub name: Option<DisplayName>,
    /// The name under which it will be downloaded.
    pub filename: Filename,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The declared type of its bytes.
    pub content_type: MediaType,
    /// The declared size in bytes; `None` for any size.
    pub size_bytes: Option<u64>,
    /// The declared digest; `None` for any bytes.
    pub sha256: Option<Sha256Digest>,
    /// The audience of its bytes.
    pub visibility: Visibility,
    /// The time from which on it can no longer be sent.
    pub expires_at: Timestamp,
    /// The blob that the client writes itself, with a lease that outlasts the upload; `None` if the bytes
    /// come through the service.
    pub staging: Option<BlobIntent>,
}

/// The blob into which a client writes the bytes of an upload itself.
///
/// No record ever refers to it: a completion copies its bytes, since the client may go on writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingBlob {
    /// The blob's id.
    pub id: BlobId,
    /// Its key in the store.
    pub storage_key: String,
    /// The lease of the blob.
    pub lease: LeaseToken,
}

/// An upload and its staging blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUpload {
    /// The upload.
    pub upload: Upload,
    /// The staging blob with which the upload was begun, whether or not the blob still exists; `None` if
    /// the bytes come through the service.
    pub staging: Option<StagingBlob>,
}
