//! Archive, restore, release of holds, and deletion.

use attache_model::{Context, FileId, FileRecord, Revision};

use crate::access::Action;
use crate::{FileService, ServiceError};

impl FileService {
    /// Archives a file, and returns the record: it is hidden from lists, and its bytes are kept but not
    /// served. Archiving an archived file changes nothing.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Claimed`.
    pub async fn archive_file(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Archive)?;
        Ok(self.parts.repository.archive_file(cx, id).await??)
    }

    /// Restores an archived file, and returns the record. Restoring an active file changes nothing.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn restore_file(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Restore)?;
        Ok(self.parts.repository.restore_file(cx, id).await??)
    }

    /// Releases a file that an inspector held, and returns the record: its bytes are served from now on.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn release_hold(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::ReleaseHold)?;
        Ok(self.parts.repository.release_hold(cx, id).await??)
    }

    /// Deletes a file permanently.
    ///
    /// With `expected`, only if the record is at that revision (optimistic concurrency). The record is
    /// gone when this returns; the bytes follow within seconds, unless another record of the tenant
    /// refers to them.
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
        let cx = &self.parts.begin(cx, Action::Delete)?;
        self.parts
            .repository
            .delete_file(cx, id, expected)
            .await??;
        self.parts.record_change();
        self.parts.reaper_wake.notify_one();
        Ok(())
    }
}
