//! The upload: a promised file whose bytes have not all arrived.

use std::fmt;

use crate::{
    Category, Description, DisplayName, FileId, Filename, MediaType, PersonRef, PrincipalSeq,
    Sha256Digest, TenantId, Timestamp, Visibility,
};

/// Where an upload is on its way to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadState {
    /// Its bytes are waited for.
    Pending,
    /// It became a record under its id.
    Completed,
    /// Its time ended before it was complete.
    Expired,
}

impl UploadState {
    /// `pending`, `completed` or `expired`.
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

/// A promised file: what its record will say, and what its bytes must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The id its record will have.
    pub id: FileId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whom the file is about, as the caller named them; `None` for nobody. An unknown identifier is
    /// registered when the upload completes, not before.
    pub person: Option<PersonRef>,
    /// The file's group; `None` for none.
    pub category: Option<Category>,
    /// What people will read as the file's name; `None` for its filename.
    pub name: Option<DisplayName>,
    /// The name the file will be downloaded under.
    pub filename: Filename,
    /// A free text; `None` for none.
    pub description: Option<Description>,
    /// What the bytes are promised to be; they have to be sent as this.
    pub content_type: MediaType,
    /// How many bytes there will be; `None` where that was not promised.
    pub size_bytes: Option<u64>,
    /// The digest of the bytes; `None` where that was not promised.
    pub sha256: Option<Sha256Digest>,
    /// Who may read the bytes once they are there.
    pub visibility: Visibility,
    /// Which principal promised it, the record's `uploaded_by`; `None` where nobody's authority stood
    /// behind it.
    pub created_by: Option<PrincipalSeq>,
    /// Where an upload that can be resumed will count the bytes that have arrived to stay. Always 0
    /// today, also when it is complete: uploads arrive in one piece.
    pub offset_bytes: u64,
    /// When it was promised.
    pub created_at: Timestamp,
    /// The first moment at which it can no longer be sent.
    pub expires_at: Timestamp,
    /// When it became a record; `None` until then.
    pub completed_at: Option<Timestamp>,
}

impl Upload {
    /// Where the upload is at `now`. A completed one stays completed.
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
    fn an_upload_expires_at_its_moment_unless_it_completed() {
        let state = |completed_at, now| upload(completed_at).state(Timestamp::from_millis(now));
        assert_eq!(state(None, 1_999), UploadState::Pending);
        assert_eq!(state(None, 2_000), UploadState::Expired);
        assert_eq!(state(Some(1_500), 1_500), UploadState::Completed);
        assert_eq!(state(Some(1_500), 9_000), UploadState::Completed);
    }
}
