//! The identity of an installation: a database and a store that belong together.
//!
//! Both halves have the same id and a generation: the database in a row, the store in its marker. With
//! every few changes the database's generation grows first, and the store's follows. So
//!
//! - halves with different ids, or one without its half, do not belong together;
//! - a store that is ahead of its database has seen a later state of it: the database is a copy from
//!   before, and leases and condemned blobs in it may since have become records.
//!
//! Either way nothing may be served, and above all nothing deleted, before an operator decides.

mod compare;
mod error;
mod guard;
mod marker;
mod restore;

pub use compare::{Standing, compare_halves};
pub use error::IdentityError;
pub use guard::InstallationGuard;
pub use marker::Marker;
pub use restore::RestoreReport;

use std::sync::Arc;

use attache_metadata::{InstallationRow, MetadataRepository};
use attache_model::{Clock, Entropy, InstallationId};
use attache_storage::{BlobErrorKind, BlobKey, BlobStore, MarkerWrite, StoreMarker};

/// The number of blobs that are looked at, from each end, to see whether halves without an id match.
const SAMPLE: u32 = 8;

/// A database and a store, which may or may not belong together.
#[derive(Debug, Clone)]
pub struct Halves {
    /// The database.
    pub repository: Arc<dyn MetadataRepository>,
    /// The store.
    pub store: Arc<dyn BlobStore>,
    /// The same store, to read and write its marker.
    pub marker: Arc<dyn StoreMarker>,
}

impl Halves {
    /// Checks that the halves belong together, and returns what keeps watch over them. Halves that have
    /// no id get one, if they are new, or if the database's blobs are in the store: it was written by a
    /// version without ids.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]. Nothing was deleted, and nothing may be served.
    pub async fn open(
        self,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<InstallationGuard, IdentityError> {
        if self.standing().await? == Standing::New {
            self.require_matching_blobs().await?;
        }
        self.pair(clock, entropy).await
    }

    /// As [`open`](Self::open), for halves that are about to be filled from another installation: what
    /// the store holds already is not compared with the database.
    ///
    /// # Errors
    ///
    /// [`IdentityError`].
    pub async fn pair(
        self,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<InstallationGuard, IdentityError> {
        let id = match self.standing().await? {
            Standing::Together { id, .. } => id,
            Standing::New => {
                let id = InstallationId::generate(clock.now(), entropy);
                let row = self.repository.register_installation(id, clock.now());
                let row = row.await?;
                self.create_marker(&row).await?;
                row.id
            }
        };
        let guard = InstallationGuard::new(self, id);
        guard.advance().await?;
        Ok(guard)
    }

    /// Compares the halves. The store is read first: the database read later is at least as new.
    async fn standing(&self) -> Result<Standing, IdentityError> {
        let marker = self.read_marker().await?;
        let row = self.repository.find_installation().await?;
        compare_halves(row.as_ref(), marker)
    }

    /// Checks that a store belongs to no database yet, before a database is created for it.
    ///
    /// # Errors
    ///
    /// [`IdentityError::LostDatabase`], [`IdentityError::UnknownBlobs`]; the store may fail.
    pub async fn require_unused(
        store: &dyn BlobStore,
        marker: &dyn StoreMarker,
    ) -> Result<(), IdentityError> {
        if let Some(text) = marker.read_marker().await? {
            let store = Marker::parse(&text)?.id;
            return Err(IdentityError::LostDatabase { store });
        }
        match store.list("", None, 1).await?.keys.pop() {
            Some(key) => Err(IdentityError::UnknownBlobs { key }),
            None => Ok(()),
        }
    }

    async fn read_marker(&self) -> Result<Option<Marker>, IdentityError> {
        let text = self.marker.read_marker().await?;
        text.map(|text| Marker::parse(&text)).transpose()
    }

    async fn create_marker(&self, row: &InstallationRow) -> Result<(), IdentityError> {
        let marker = Marker {
            id: row.id,
            generation: 0,
        };
        let text = marker.to_string();
        let created = self.marker.write_marker(&text, MarkerWrite::Create);
        match created.await {
            Err(error) if error.kind() != BlobErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        // Another program may have been first, or a store without conditions may have kept the other's.
        let found = self.read_marker().await?;
        compare_halves(Some(row), found).map(drop)
    }

    /// Compares what the database and the store hold, where neither has an id.
    async fn require_matching_blobs(&self) -> Result<(), IdentityError> {
        let known = self.repository.sample_storage_keys(SAMPLE).await?;
        if known.is_empty() {
            return self.require_known_blobs().await;
        }
        let mut missing = None;
        for key in &known {
            let key = BlobKey::parse(key.as_str());
            let key = key.map_err(|error| IdentityError::Key(Box::new(error)))?;
            match self.store.head(&key).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == BlobErrorKind::NotFound => missing = Some(key),
                Err(error) => return Err(error.into()),
            }
        }
        missing.map_or(Ok(()), |key| Err(IdentityError::MissingBlobs { key }))
    }

    /// Refuses a store that holds blobs of which the database knows none.
    async fn require_known_blobs(&self) -> Result<(), IdentityError> {
        let limit = usize::try_from(SAMPLE).unwrap_or(usize::MAX);
        let mut unknown = None;
        for key in self.store.list("", None, limit).await?.keys {
            if self.repository.knows_storage_key(key.as_str()).await? {
                return Ok(());
            }
            unknown = Some(key);
        }
        unknown.map_or(Ok(()), |key| Err(IdentityError::UnknownBlobs { key }))
    }
}
