//! Records on their way in, their changes, and the answers that are refusals.

use attache_model::{
    BlobId, Category, Description, DisplayName, FileId, FileRecord, Filename, InvalidValue,
    LifecycleError, MediaType, PersonId, PersonRef, Revision, Timestamp, Visibility,
};

use crate::{BlobFacts, BlobLocation, LeaseToken, RepositoryError};

/// Why a change was not made, though the repository is well. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The tenant has no such file, or no such upload.
    #[error("no such file")]
    NotFound,
    /// Somebody holds the file.
    #[error("the file is claimed")]
    Claimed {
        /// Since when.
        used_at: Timestamp,
    },
    /// The file is archived.
    #[error("the file is archived")]
    Archived,
    /// The record is not at the revision the change was meant for.
    #[error("the record has changed since")]
    RevisionMismatch {
        /// The revision it is at.
        current: Revision,
    },
    /// The tenant has no person with this id.
    #[error("no such person")]
    UnknownPerson,
    /// The promise of a blob ended before the commit; its bytes may be gone already.
    #[error("the lease of the upload has ended")]
    LeaseLost,
    /// An upload with the same idempotency key was committed before.
    #[error("the request was committed before")]
    RequestRepeated,
    /// The upload became a record already.
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

/// The answer to a change: made, refused for a reason of the record's, or failed.
pub type Attempt<T> = Result<Result<T, Refusal>, RepositoryError>;

/// Names a request so that repeating it commits nothing twice: 1 to 255 bytes, unique in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks an idempotency key.
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
    /// The files, in the order they are answered.
    pub files: Vec<NewFile>,
    /// The request's own key; `None` where repeating it is allowed.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// One file to commit, its bytes already durable.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// The id the record gets.
    pub id: FileId,
    /// The staging blob its bytes lie in.
    pub blob: BlobId,
    /// The proof that the blob is still the uploader's.
    pub lease: LeaseToken,
    /// What is known of the bytes.
    pub facts: BlobFacts,
    /// Whom it is about; `None` for nobody. An unknown identifier registers a person.
    pub person: Option<PersonRef>,
    /// The id a person gets that has to be registered.
    pub new_person_id: PersonId,
    /// Its group.
    pub category: Option<Category>,
    /// What people read as its name.
    pub name: DisplayName,
    /// The name it is downloaded under.
    pub filename: Filename,
    /// A free text.
    pub description: Option<Description>,
    /// What its bytes are.
    pub content_type: MediaType,
    /// Who may read its bytes.
    pub visibility: Visibility,
    /// Whether an existing record with the same bytes, type, person, category and visibility that is
    /// active and unclaimed is to be answered instead of making a new one.
    pub dedup: bool,
    /// Whether its bytes are withheld until an inspection settles.
    pub held: bool,
}

/// One file of a committed upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedFile {
    /// The new record, or the existing one.
    pub record: FileRecord,
    /// Whether the record existed before.
    pub deduplicated: bool,
}

/// A record and where its bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The record.
    pub record: FileRecord,
    /// Its bytes.
    pub blob: BlobLocation,
}

/// What is to become of a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Give it a value.
    Set(T),
    /// Take its value away.
    Clear,
}

/// A change of a record's fields. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileChange {
    /// A new name.
    pub name: Option<DisplayName>,
    /// A new filename.
    pub filename: Option<Filename>,
    /// A new description, or none.
    pub description: Change<Description>,
    /// A new category, or none.
    pub category: Change<Category>,
    /// Another person, or nobody. An unknown identifier registers a person under the id given.
    pub person: Change<(PersonRef, PersonId)>,
    /// A new visibility.
    pub visibility: Option<Visibility>,
}
