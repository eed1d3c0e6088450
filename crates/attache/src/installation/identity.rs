//! Opening both halves of an installation, which must belong together.

use attache_metadata::InstallationRow;
use attache_model::Finding;
use attache_service::{
    Halves, IdentityError, InstallationGuard, Marker, RestoreReport, Standing, compare_halves,
};
use attache_signing::KeyRing;

use super::Installation;
use super::database::InstallationDatabase;
use super::error::OpenError;
use super::options::InstallationOptions;
use super::store::{OpenStore, open_store};

impl InstallationOptions {
    /// Opens the database and the store, in an order in which nothing is created beside a half that
    /// belongs to another: an empty directory may be one whose volume is not mounted, and a database that
    /// is missing may be lost.
    pub(super) async fn open_halves(&self) -> Result<(InstallationDatabase, OpenStore), OpenError> {
        let is_new = self.database.is_missing();
        let mut store = None;
        if is_new || !self.storage.is_empty_directory() {
            // The store's lock also keeps a server of an older version away, before anything is migrated.
            store = Some(open_store(self).await?);
        }
        if let (true, Some(store)) = (is_new, &store) {
            Halves::require_unused(store.blobs.as_ref(), store.marker.as_ref()).await?;
        }
        if !self.database.is_shared() {
            InstallationDatabase::migrate(self).await?;
        }
        let database = InstallationDatabase::open(self).await?;
        if store.is_none() {
            let row = database.repository().find_installation().await;
            compare_halves(row.map_err(IdentityError::from)?.as_ref(), None)?;
        }
        let store = match store {
            Some(store) => store,
            None => open_store(self).await?,
        };
        Ok((database, store))
    }

    /// Pairs or compares the halves.
    pub(super) async fn open_identity(
        &self,
        database: &InstallationDatabase,
        store: &OpenStore,
    ) -> Result<InstallationGuard, OpenError> {
        let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
        Ok(halves(database, store).open(clock, entropy).await?)
    }

    /// Pairs or compares halves that another installation is copied to.
    #[cfg(all(feature = "sqlite", feature = "postgres"))]
    pub(crate) async fn pair_target(&self, store: &OpenStore) -> Result<(), OpenError> {
        let database = InstallationDatabase::open(self).await?;
        let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
        let paired = halves(&database, store).pair(clock, entropy).await;
        database.close().await;
        Ok(paired.map(drop)?)
    }

    /// Reports whether the database and the store belong together, and whether the signing keys are
    /// those of the other servers. Works beside a running server, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError::Identity`] if they do not.
    pub async fn diagnose_identity(
        &self,
        database: &InstallationDatabase,
    ) -> Result<Vec<Finding>, OpenError> {
        // The store first: what the database says later is at least as new.
        let marker = self.read_marker().await.map_err(IdentityError::from)?;
        let row = database.repository().find_installation().await;
        let row = row.map_err(IdentityError::from)?;
        let marker = marker.map(|text| Marker::parse(&text)).transpose()?;
        let mut findings = vec![match compare_halves(row.as_ref(), marker)? {
            Standing::Together { id, .. } => Finding::fine(format!("id {id}")),
            Standing::New => Finding::fine("no id yet: the next start gives one to both"),
        }];
        if let (Ok(Some(ring)), Some(row)) = (self.find_keys(), row)
            && let Some(foreign) = foreign_signing_key(&row, &ring)
        {
            findings.push(Finding::warning(foreign_key_text(&foreign)));
        }
        Ok(findings)
    }
}

impl Installation {
    /// Accepts the database and the store as they are, after one of them was restored from a copy, so
    /// that the installation opens again. No bytes are deleted because of what the copy knew of uploads
    /// and deletions that were under way.
    ///
    /// With `adopt` also those that belong to different installations, or that lack their id: the store
    /// becomes the database's. No program may have the installation open.
    ///
    /// # Errors
    ///
    /// [`OpenError::Identity`] if they do not belong together and `adopt` is false, [`OpenError::InUse`];
    /// nothing was changed then.
    pub async fn accept_restored(
        options: &InstallationOptions,
        adopt: bool,
    ) -> Result<RestoreReport, OpenError> {
        let _locks = options.lock()?;
        if !options.database.is_shared() && !options.database.is_missing() {
            InstallationDatabase::migrate(options).await?;
        }
        let database = InstallationDatabase::open(options).await?;
        let accepted = async {
            if options.storage.is_empty_directory() && !adopt {
                let row = database.repository().find_installation().await;
                compare_halves(row.map_err(IdentityError::from)?.as_ref(), None)?;
            }
            let store = open_store(options).await?;
            let (clock, entropy) = (options.clock.as_ref(), options.entropy.as_ref());
            let halves = halves(&database, &store);
            Ok(halves.accept_restored(adopt, clock, entropy).await?)
        };
        let accepted = accepted.await;
        database.close().await;
        accepted
    }
}

fn halves(database: &InstallationDatabase, store: &OpenStore) -> Halves {
    Halves {
        repository: database.repository(),
        store: store.blobs.clone(),
        marker: store.marker.clone(),
    }
}

/// Notes this server's signing key in the database, and warns if the server that started last signs with
/// a key that this one does not have.
pub(super) async fn note_signing_key(
    database: &InstallationDatabase,
    ring: &KeyRing,
) -> Result<(), OpenError> {
    let repository = database.repository();
    let own = ring.signing_key().fingerprint();
    let before = repository.note_signing_key(&own).await;
    let before = before.map_err(IdentityError::from)?;
    if let Some(foreign) = before.filter(|before| !has_key(ring, before)) {
        tracing::warn!("{}", foreign_key_text(&foreign));
    }
    Ok(())
}

fn has_key(ring: &KeyRing, fingerprint: &str) -> bool {
    ring.keys().any(|key| key.fingerprint() == fingerprint)
}

fn foreign_signing_key(row: &InstallationRow, ring: &KeyRing) -> Option<String> {
    row.signing_key
        .clone()
        .filter(|noted| !has_key(ring, noted))
}

fn foreign_key_text(foreign: &str) -> String {
    format!(
        "the server that started last signs with another key, {foreign} (id:fingerprint): links and \
         cursors that it made are not valid here; give all servers the same signing keys"
    )
}
