//! Lookups of one record by its id, number or key, and of a person.

use attache_model::{Context, FileId, FileRecord, FileSeq, ObjectKey, Person, PersonRef};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

impl FileService {
    /// Returns a record, archived or not.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn get_file(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::ReadRecord)?;
        let found = self.parts.repository.find_file(cx, id).await?;
        found.map(|file| file.record).ok_or(ServiceError::NotFound)
    }

    /// Returns a record by its number, archived or not.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn get_file_by_seq(
        &self,
        cx: &Context,
        seq: FileSeq,
    ) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::ReadRecord)?;
        let found = self.parts.repository.find_file_by_seq(cx, seq).await?;
        found.map(|file| file.record).ok_or(ServiceError::NotFound)
    }

    /// Returns a record by its readable key, archived or not.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn get_file_by_key(
        &self,
        cx: &Context,
        key: &ObjectKey,
    ) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::ReadRecord)?;
        let found = self.parts.repository.find_file_by_key(cx, key).await?;
        found.map(|file| file.record).ok_or(ServiceError::NotFound)
    }

    /// Finds a person; `None` if unknown. Never registers one.
    ///
    /// # Errors
    ///
    /// `MissingScope`.
    pub async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, ServiceError> {
        authorise(cx, Action::List)?;
        Ok(self.parts.repository.find_person(cx, person).await?)
    }
}
