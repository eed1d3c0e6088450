//! Changing a record's fields.

use attache_metadata::{Change, FileChange};
use attache_model::{
    Category, Context, Description, DisplayName, FileId, FileRecord, Filename, PersonId, PersonRef,
    Revision, Visibility,
};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

/// Which fields are to change. The default changes none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// A new name.
    pub name: Option<DisplayName>,
    /// A new filename.
    pub filename: Option<Filename>,
    /// A new description, or none.
    pub description: Change<Description>,
    /// A new category, or none.
    pub category: Change<Category>,
    /// Another person, or nobody. An unknown identifier registers a person.
    pub person: Change<PersonRef>,
    /// A new visibility.
    pub visibility: Option<Visibility>,
}

impl FileService {
    /// Changes fields of a record (making it public needs the scope of links as well), if `expected` is `None` or the revision it is at. A change that
    /// alters nothing keeps the revision.
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
        authorise(cx, Action::Change)?;
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
