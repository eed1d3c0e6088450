//! Changes of a record's fields.

use attache_metadata::{Change, FileChange};
use attache_model::{
    Category, Context, Description, DisplayName, FileId, FileRecord, Filename, PersonId, PersonRef,
    Revision, Visibility,
};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

/// The fields to change. The default changes none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// The new display name; `None` keeps it.
    pub name: Option<DisplayName>,
    /// The new filename; `None` keeps it.
    pub filename: Option<Filename>,
    /// The change of the description.
    pub description: Change<Description>,
    /// The change of the category.
    pub category: Change<Category>,
    /// The change of the person. An unknown identifier registers a person.
    pub person: Change<PersonRef>,
    /// The new visibility; `None` keeps it.
    pub visibility: Option<Visibility>,
}

impl FileService {
    /// Changes fields of a record, and returns the record.
    ///
    /// With `expected`, only if the record is at that revision (optimistic concurrency). A change that
    /// alters nothing keeps the revision. Making a record public also requires the scope
    /// `links:create`.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `RevisionMismatch`, `UnknownPerson`.
    pub async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        patch: FilePatch,
        expected: Option<Revision>,
    ) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Change)?;
        if patch.visibility == Some(Visibility::Public) {
            authorise(cx, Action::Publish)?;
        }
        let new_person_id = || PersonId::generate(cx.now(), self.parts.entropy.as_ref());
        let change = FileChange {
            name: patch.name,
            filename: patch.filename,
            description: patch.description,
            category: patch.category,
            person: match patch.person {
                Change::Keep => Change::Keep,
                Change::Clear => Change::Clear,
                Change::Set(person) => Change::Set((person, new_person_id())),
            },
            visibility: patch.visibility,
        };
        Ok(self
            .parts
            .repository
            .change_file(cx, id, &change, expected)
            .await??)
    }
}
