//! The key ring in use, which can be replaced while requests run.

use std::sync::{Arc, PoisonError, RwLock};

use attache_signing::KeyRing;

/// The key ring in use.
#[derive(Debug)]
pub(crate) struct LiveKeyRing(RwLock<Arc<KeyRing>>);

impl LiveKeyRing {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self(RwLock::new(Arc::new(ring)))
    }

    /// Returns the ring that is in use now; signing and verifying with it needs no lock.
    pub(crate) fn current(&self) -> Arc<KeyRing> {
        let ring = self.0.read();
        ring.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace(&self, ring: KeyRing) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(ring);
    }
}
