//! Claims: a file is used by exactly one holder.

use attache_model::{Context, FileId, FileRecord, Holder};

use crate::access::Action;
use crate::{FileService, ServiceError};

impl FileService {
    /// Claims an active file for a holder, and returns the record.
    ///
    /// Exactly one holder wins, under any concurrency. A retry by the same holder returns the same
    /// record, with the same `used_at`.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Archived`; `Claimed` if another holder has it.
    pub async fn claim_file(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Claim)?;
        Ok(self.parts.repository.claim_file(cx, id, holder).await??)
    }

    /// Releases the claim of `holder`, and returns the record. Releasing an unclaimed file changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`; `Claimed` if another holder has it.
    pub async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Result<FileRecord, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Release)?;
        Ok(self
            .parts
            .repository
            .release_claim(cx, id, holder)
            .await??)
    }
}
