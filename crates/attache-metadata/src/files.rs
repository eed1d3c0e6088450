//! New records, changes of records, and refusals.

use attache_model::{
    BlobId, Category, Description, DisplayName, FileId, FileRecord, Filename, InvalidValue,
    LifecycleError, MediaType, PersonId, PersonRef, Revision, Timestamp, Visibility,
};

use crate::{BlobFacts, BlobLocation, LeaseToken, RepositoryError};

/// The reason why a healthy repository did not make a change. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The tenant has no such file, or no such upload.
    #[error("no such file")]
    NotFound,
    /// Another holder has claimed the file.
    #[error("the file is claimed")]
    Claimed {
        /// The time of the claim.
        used_at: Timestamp,
    },
    /// The file is archived.
    #[error("the file is archived")]
    Archived,
    /// The record is not at the expected revision.
    #[error("the record has changed since")]
    RevisionMismatch {
        /// The current revision.
        current: Revision,
    },
    /// The tenant has no person with this id.
    #[error("no such person")]
    UnknownPerson,
    /// The lease of a blob ended before the commit; its bytes may be deleted already.
    #[error("the lease of the upload has ended")]
    LeaseLost,
    /// An upload with the same idempotency key was committed before.
    #[error("the request was committed before")]
    RequestRepeated,
    /// The upload is a record already.
    #[error("the upload is complete")]
    UploadCompleted,
}

impl From<LifecycleError> for Refusal {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::Claimed { used_at } => Self::Claimed { used_at },
            LifecycleError::Archived => Self::Archived,
        }
    }
}

/// The result of a change: made (`Ok(Ok(_))`), refused (`Ok(Err(_))`) or failed (`Err(_)`).
///
/// A refusal is an expected outcome that depends on the stored data; a failure is one of the backend.
/// `attempt??` propagates both into an error type that converts from both.
pub type Attempt<T> = Result<Result<T, Refusal>, RepositoryError>;

/// A client's key for a request, so that a retry commits nothing twice: 1 to 255 bytes, unique per
/// tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses an idempotency key.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty or longer than 255 bytes.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidValue> {
        let text = text.into();
        if text.is_empty() || text.len() > 255 {
            return Err(InvalidValue::new(
                "idempotency key",
                "is not 1 to 255 bytes long",
            ));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All files of one request. They are committed together or not at all.
#[derive(Debug, Clone)]
pub struct NewFiles {
    /// The files, in the order in which they are returned.
    pub files: Vec<NewFile>,
    /// The idempotency key of the request; `None` if repeating it is allowed.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// One file to commit, whose bytes are durable.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// The id of the new record.
    pub id: FileId,
    /// The staging blob that holds its bytes.
    pub blob: BlobId,
    /// The lease of the staging blob.
    pub lease: LeaseToken,
    /// The facts about the bytes.
    pub facts: BlobFacts,
    /// The person it is about, or `None`. An unknown identifier registers a person.
    pub person: Option<PersonRef>,
    /// The id of the person, if one has to be registered.
    pub new_person_id: PersonId,
    /// Its category, or `None`.
    pub category: Option<Category>,
    /// The display name.
    pub name: DisplayName,
    /// The name under which it is downloaded.
    pub filename: Filename,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The type of its bytes.
    pub content_type: MediaType,
    /// The audience of its bytes.
    pub visibility: Visibility,
    /// True if an existing record is to be returned instead of creating one: an active and unclaimed
    /// record with the same bytes, type, person, category and visibility.
    pub dedup: bool,
    /// True if its bytes are withheld until its inspection is finished.
    pub held: bool,
}

/// One file of a committed upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedFile {
    /// The new record, or the existing one.
    pub record: FileRecord,
    /// True if the record existed before.
    pub deduplicated: bool,
}

/// A record and the location of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The record.
    pub record: FileRecord,
    /// The location of its bytes.
    pub blob: BlobLocation,
}

/// The change of an optional field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Keep the value.
    #[default]
    Keep,
    /// Set a value.
    Set(T),
    /// Clear the value.
    Clear,
}

/// A change of a record's fields. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileChange {
    /// The new display name; `None` keeps it.
    pub name: Option<DisplayName>,
    /// The new filename; `None` keeps it.
    pub filename: Option<Filename>,
    /// The change of the description.
    pub description: Change<Description>,
    /// The change of the category.
    pub category: Change<Category>,
    /// The change of the person. An unknown identifier registers a person under the given id.
    pub person: Change<(PersonRef, PersonId)>,
    /// The new visibility; `None` keeps it.
    pub visibility: Option<Visibility>,
}
