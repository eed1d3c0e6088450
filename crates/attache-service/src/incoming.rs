//! The input of an upload: files and the fields of their records.

use attache_metadata::IdempotencyKey;
use attache_model::{
    Category, Description, DisplayName, Filename, MediaType, PersonRef, Sha256Digest, Visibility,
};

use crate::ServiceError;

/// A file whose bytes are about to arrive.
#[derive(Debug, Clone)]
pub struct IncomingFile {
    /// The filename that the client sent.
    pub filename: Filename,
    /// The type that the client declares: a hint. `None` if it declares none.
    pub declared_type: Option<MediaType>,
    /// The digest that the bytes must have; `None` if it is not known yet.
    pub expected_sha256: Option<Sha256Digest>,
    /// The accepted types, under any of their names; empty accepts every type.
    ///
    /// A body of another type is stopped as soon as its first bytes show it.
    pub accept: Vec<MediaType>,
}

impl IncomingFile {
    /// Creates a file of which only the name is known.
    pub fn named(filename: Filename) -> Self {
        Self {
            filename,
            declared_type: None,
            expected_sha256: None,
            accept: Vec::new(),
        }
    }

    pub(crate) fn check_accepted(&self, found: &MediaType) -> Result<(), ServiceError> {
        let declared = self.declared_type.as_ref();
        check_accepted(&self.accept, &self.filename, declared, found)
    }
}

pub(crate) fn check_accepted(
    accept: &[MediaType],
    filename: &Filename,
    declared: Option<&MediaType>,
    found: &MediaType,
) -> Result<(), ServiceError> {
    if accept.is_empty() || found.is_accepted(declared, accept) {
        return Ok(());
    }
    Err(ServiceError::TypeNotAccepted {
        filename: filename.to_string(),
        found: found.clone(),
        accepted: accept.to_vec(),
    })
}

/// The fields of the records that an upload creates. They may become known after the bytes.
#[derive(Debug, Clone, Default)]
pub struct UploadFields {
    /// The person the files are about, or `None`. An unknown identifier registers a person.
    pub person: Option<PersonRef>,
    /// The category of the files, or `None`.
    pub category: Option<Category>,
    /// The display name; `None` for the filename.
    pub name: Option<DisplayName>,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The audience of the bytes. Public files also require the scope `links:create`.
    pub visibility: Visibility,
    /// True if an existing record that is equal and unclaimed may be returned instead of a new one.
    pub dedup: bool,
    /// The accepted types, under any of their names; empty accepts every type.
    pub accept: Vec<MediaType>,
    /// The digest that the bytes must have; only for an upload of a single file.
    pub sha256: Option<Sha256Digest>,
    /// The key under which the request is committed at most once; `None` if repeating it is allowed.
    pub idempotency_key: Option<IdempotencyKey>,
}
