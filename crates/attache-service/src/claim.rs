//! Marking a file as used by exactly one holder, and letting go of it.

use attache_model::{Context, FileId, FileRecord, Holder};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

impl FileService {
    /// Claims an active file for a holder. Exactly one holder wins, under any concurrency; the same
    /// holder again gets the same answer.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Claimed` by another, `Archived`.
    pub async fn claim_file(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::Claim)?;
        Ok(self.parts.repository.claim_file(cx, id, holder).await??)
    }

    /// Releases a file that `holder` holds. Releasing one that nobody holds changes nothing.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Claimed` by another.
    pub async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::Release)?;
        Ok(self
            .parts
            .repository
            .release_claim(cx, id, holder)
            .await??)
    }
}
