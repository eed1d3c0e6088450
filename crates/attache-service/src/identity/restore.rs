//! The acceptance of a database and a store after one of them was restored or replaced.

use attache_metadata::ForgottenBlobs;
use attache_model::{Clock, Entropy, InstallationId};
use attache_storage::MarkerWrite;

use super::{Halves, IdentityError, Marker, Standing, compare_halves};

/// The result of accepting restored halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreReport {
    /// The id that both halves have now.
    pub id: InstallationId,
    /// The generation that both halves have now.
    pub generation: u64,
    /// The blobs that the database forgot. Their bytes stay in the store.
    pub forgotten: ForgottenBlobs,
}

impl Halves {
    /// Accepts the database and the store as they are, after one of them was restored from a copy. What
    /// the database knew of unfinished uploads and of blobs to delete is forgotten, because records may
    /// have come to refer to their bytes since: no bytes are deleted for it.
    ///
    /// Halves of different installations are accepted only with `adopt`: the store is the database's
    /// from then on. No program may have the installation open.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] if they do not belong together and `adopt` is false; either may fail.
    pub async fn accept_restored(
        &self,
        adopt: bool,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<RestoreReport, IdentityError> {
        let marker = match self.read_marker().await {
            Err(IdentityError::Marker { .. }) if adopt => None,
            read => read?,
        };
        let row = self.repository.find_installation().await?;
        match compare_halves(row.as_ref(), marker) {
            Ok(Standing::New) if !adopt => self.require_matching_blobs().await?,
            Ok(_) | Err(IdentityError::OlderDatabase { .. }) => {}
            Err(_) if adopt => {}
            Err(error) => return Err(error),
        }
        let id = row.as_ref().map(|row| row.id);
        let id = id.unwrap_or_else(|| InstallationId::generate(clock.now(), entropy));
        let seen = [
            row.map_or(0, |row| row.generation),
            marker.map_or(0, |marker| marker.generation),
        ];
        let generation = seen.into_iter().max().unwrap_or_default() + 1;
        // In the database first, as always.
        let accepted = self.repository.accept_restored(id, generation, clock.now());
        let forgotten = accepted.await?;
        let text = Marker { id, generation }.to_string();
        self.marker
            .write_marker(&text, MarkerWrite::Replace)
            .await?;
        Ok(RestoreReport {
            id,
            generation,
            forgotten,
        })
    }
}
