//! The upload: an announced file, before all its bytes have arrived.

use std::fmt;

use crate::{
    Category, Description, DisplayName, FileId, Filename, MediaType, PersonRef, PrincipalSeq,
    Sha256Digest, TenantId, Timestamp, Visibility,
};

/// The state of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadState {
    /// It waits for its bytes.
    Pending,
    /// It became a record, under the same id.
    Completed,
    /// It expired before it was complete.
    Expired,
}

impl UploadState {
    /// Returns `pending`, `completed` or `expired`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An announced file: the fields of its future record, and the constraints on its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The id, also of the future record.
    pub id: FileId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The person the file is about, as the client named them, or `None`. An unknown identifier is
    /// registered when the upload completes, not before.
    pub person: Option<PersonRef>,
    /// The category, or `None`.
    pub category: Option<Category>,
    /// The display name; `None` for the filename.
    pub name: Option<DisplayName>,
    /// The name under which the file will be downloaded.
    pub filename: Filename,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The declared type; the bytes have to be sent as this.
    pub content_type: MediaType,
    /// The declared size in bytes; `None` for any size.
    pub size_bytes: Option<u64>,
    /// The declared digest; `None` for any bytes.
    pub sha256: Option<Sha256Digest>,
    /// The audience of the bytes, once they have arrived.
    pub visibility: Visibility,
    /// The principal that began it, and the record's `uploaded_by`; `None` if it was begun without one.
    pub created_by: Option<PrincipalSeq>,
    /// The number of durable bytes, for resumable uploads. Always 0 today, even when complete: uploads
    /// arrive in one piece.
    pub offset_bytes: u64,
    /// The time at which it was begun.
    pub created_at: Timestamp,
    /// The time from which on it can no longer be sent.
    pub expires_at: Timestamp,
    /// The time at which it became a record; `None` until then.
    pub completed_at: Option<Timestamp>,
}

impl Upload {
    /// Returns the state at `now`. A completed upload stays completed.
    pub fn state(&self, now: Timestamp) -> UploadState {
        if self.completed_at.is_some() {
            UploadState::Completed
        } else if now >= self.expires_at {
            UploadState::Expired
        } else {
            UploadState::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(completed_at: Option<i64>) -> Upload {
        Upload {
            id: "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
            tenant: TenantId::new(1),
            person: None,
            category: None,
            name: None,
            filename: Filename::parse("scan.pdf").unwrap(),
            description: None,
            content_type: MediaType::OCTET_STREAM,
            size_bytes: None,
            sha256: None,
            visibility: Visibility::Private,
            created_by: None,
            offset_bytes: 0,
            created_at: Timestamp::from_millis(1_000),
            expires_at: Timestamp::from_millis(2_000),
            completed_at: completed_at.map(Timestamp::from_millis),
        }
    }

    #[test]
    fn pending_upload_expires_unless_completed() {
        let state = |completed_at, now| upload(completed_at).state(Timestamp::from_millis(now));
        assert_eq!(state(None, 1_999), UploadState::Pending);
        assert_eq!(state(None, 2_000), UploadState::Expired);
        assert_eq!(state(Some(1_500), 1_500), UploadState::Completed);
        assert_eq!(state(Some(1_500), 9_000), UploadState::Completed);
    }
}
