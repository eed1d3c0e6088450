//! Putting files away, bringing them back, and deleting them for good.

use attache_model::{Context, FileId, FileRecord, Revision};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

impl FileService {
    /// Archives a file: hidden from lists, its bytes kept but not served. Archiving twice is once.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Claimed`.
    pub async fn archive_file(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::Archive)?;
        Ok(self.parts.repository.archive_file(cx, id).await??)
    }

    /// Restores an archived file. Restoring an active one changes nothing.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn restore_file(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::Restore)?;
        Ok(self.parts.repository.restore_file(cx, id).await??)
    }

    /// Lets the bytes of a file be served that an inspector held.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn release_hold(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::ReleaseHold)?;
        Ok(self.parts.repository.release_hold(cx, id).await??)
    }

    /// Deletes a file for good, if `expected` is `None` or the revision it is at. The record is gone
    /// at once, the bytes within seconds unless another record of the tenant refers to them.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Claimed`, `RevisionMismatch`.
    pub async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Result<(), ServiceError> {
        authorise(cx, Action::Delete)?;
        self.parts
            .repository
            .delete_file(cx, id, expected)
            .await??;
        self.parts.reaper_wake.notify_one();
        Ok(())
    }
}
