//! The space that one put has been granted.

use std::os::fd::AsFd;
use std::sync::Arc;

use super::error::LocalError;
use super::shared::Shared;

/// The space that one put may write. The unwritten rest is released on drop.
#[derive(Debug)]
pub(super) struct SpaceGrant {
    shared: Arc<Shared>,
    left_bytes: u64,
}

impl SpaceGrant {
    /// Creates an empty grant.
    pub(super) fn none(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            left_bytes: 0,
        }
    }

    /// Ensures that `needed_bytes` are granted, requesting up to `wanted_bytes` at once, so that
    /// not every write reads the free space.
    ///
    /// # Errors
    ///
    /// [`LocalError::Reserved`] if that would use the reserve or the grants of others.
    pub(super) fn ensure(
        &mut self,
        needed_bytes: u64,
        wanted_bytes: u64,
    ) -> Result<(), LocalError> {
        if self.left_bytes >= needed_bytes {
            return Ok(());
        }
        let shared = &self.shared;
        self.left_bytes += shared.space.grant(
            shared.disk.as_ref(),
            shared.staging.as_fd(),
            needed_bytes - self.left_bytes,
            wanted_bytes.saturating_sub(self.left_bytes),
        )?;
        Ok(())
    }

    /// Records that bytes were written.
    pub(super) fn spend(&mut self, written_bytes: u64) {
        let spent_bytes = written_bytes.min(self.left_bytes);
        self.left_bytes -= spent_bytes;
        self.shared.space.release(spent_bytes);
    }
}

impl Drop for SpaceGrant {
    fn drop(&mut self) {
        self.spend(self.left_bytes);
    }
}
