//! A file that is being written. It becomes a blob, or it disappears.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;
use tokio::runtime::Handle;

use super::disk::write_all;
use super::error::{LocalError, WriteError};
use super::fate::Fate;
use super::shared::Shared;
use super::space_grant::SpaceGrant;
use super::tree::{create_file, link_unnamed_file, split_path};
use crate::{BlobKey, BodyVerifier, StoredBlob};

/// The bytes after which the kernel is asked to start writing back. Measured: the interval hardly
/// matters between 2 and 8 MiB, but without the hint a large put is a quarter slower.
const WRITE_BACK_BYTES: u64 = 8 * 1024 * 1024;

/// The most space that a put is granted at once. Each grant reads the filesystem's free space.
const GRANT_BYTES: u64 = 4 * 1024 * 1024;

/// The writer of one body. Its methods block.
pub(super) struct Writer {
    shared: Arc<Shared>,
    key: BlobKey,
    verifier: BodyVerifier,
    staged: OffThread,
    /// The declared length of the body, if there is one.
    exact_size_bytes: Option<u64>,
    hinted_bytes: u64,
}

impl Writer {
    /// Creates a writer, without accessing the disk.
    pub(super) fn new(
        shared: Arc<Shared>,
        key: BlobKey,
        verifier: BodyVerifier,
        exact_size_bytes: Option<u64>,
    ) -> Self {
        Self {
            shared,
            key,
            verifier,
            staged: OffThread(None),
            exact_size_bytes,
            hinted_bytes: 0,
        }
    }

    /// Writes the next bytes. After an error the file is removed.
    pub(super) fn write(mut self, bytes: &[u8]) -> Result<Self, WriteError> {
        match self.try_write(bytes) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.verifier.update(bytes)?;
        let end = self.verifier.size_bytes();
        let batch_bytes = bytes.len() as u64;
        let wanted_bytes = self.wanted_bytes(end - batch_bytes, end);
        let staged = if let Some(staged) = &mut self.staged.0 {
            staged.grant.ensure(batch_bytes, wanted_bytes)?;
            staged
        } else {
            let mut grant = SpaceGrant::none(&self.shared);
            // Even an empty file takes some space.
            grant.ensure(batch_bytes.max(1), wanted_bytes)?;
            let staged = StagedFile::create(&self.shared, &self.key, grant)?;
            self.staged.0.insert(staged)
        };
        let file = staged.file.as_fd();
        let disk = self.shared.disk.as_ref();
        write_all(disk, file, bytes).map_err(LocalError::system("writing"))?;
        staged.grant.spend(batch_bytes);
        if end - self.hinted_bytes >= WRITE_BACK_BYTES {
            disk.hint_write_back(file, self.hinted_bytes, end - self.hinted_bytes);
            self.hinted_bytes = end;
        }
        Ok(())
    }

    /// Returns the space to request for the bytes from `begin` to `end`: no more than the body has
    /// had so far, so that many slow senders cannot withhold much space from others.
    fn wanted_bytes(&self, begin: u64, end: u64) -> u64 {
        let rest_bytes = self
            .exact_size_bytes
            .map_or(u64::MAX, |exact| exact.saturating_sub(begin));
        end.min(GRANT_BYTES).min(rest_bytes)
    }

    /// Makes the complete body durable under its key, unless the put was abandoned. Nothing else is
    /// left either way.
    pub(super) fn commit(mut self, fate: &Fate) -> Result<StoredBlob, WriteError> {
        let mut staged = match self.staged.0.take() {
            Some(staged) => staged,
            // An empty body has nothing to write.
            None => StagedFile::create(&self.shared, &self.key, SpaceGrant::none(&self.shared))?,
        };
        // Everything is written: return the rest.
        staged.grant = SpaceGrant::none(&self.shared);
        let stored = self.verifier.finish()?;
        staged.publish(&self.key, fate)?;
        Ok(stored)
    }

    /// Removes the file.
    pub(super) fn discard(mut self) {
        drop(self.staged.0.take());
    }
}

/// A staged file that is dropped on a blocking thread, because freeing gigabytes takes time.
struct OffThread(Option<StagedFile>);

impl Drop for OffThread {
    fn drop(&mut self) {
        if let Some(staged) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            // A runtime that is shutting down drops the work, which removes the file, too.
            runtime.spawn(async move {
                let place = staged.shared.places.remove().await;
                let removal = move || {
                    let _place = place;
                    drop(staged);
                };
                // It is removed even if nobody waits.
                let _ = tokio::task::spawn_blocking(removal).await;
            });
        }
    }
}

/// A file that is removed on drop unless it was published.
struct StagedFile {
    shared: Arc<Shared>,
    /// The name in `staging`. `None` of a file without a name, which the kernel removes with its last
    /// descriptor.
    staging_name: Option<String>,
    file: OwnedFd,
    grant: SpaceGrant,
    is_published: bool,
}

impl StagedFile {
    /// Creates the file without a name in its final directory, or in `staging` where the filesystem
    /// has no such files. A rename between directories takes a lock of the whole filesystem: with 64
    /// small puts at once, files without a name are stored 1.5 times as fast.
    fn create(shared: &Arc<Shared>, key: &BlobKey, grant: SpaceGrant) -> Result<Self, LocalError> {
        let (staging_name, file) = if shared.supports_unnamed_files {
            let (path, _) = split_path(key.as_str());
            let directory = shared.create_directories(path)?;
            (None, shared.disk.create_unnamed_file(directory.as_fd()))
        } else {
            let name = shared.next_staging_name();
            let file = create_file(shared.staging.as_fd(), &name);
            (Some(name), file)
        };
        Ok(Self {
            shared: Arc::clone(shared),
            staging_name,
            file: file.map_err(LocalError::system("creating a file"))?,
            grant,
            is_published: false,
        })
    }

    /// Makes the bytes durable, then gives the file its name, then makes the name durable.
    fn publish(mut self, key: &BlobKey, fate: &Fate) -> Result<(), LocalError> {
        self.shared.sync_file(self.file.as_fd())?;
        let (path, name) = split_path(key.as_str());
        let directory = self.shared.create_directories(path)?;
        fate.unless_abandoned(|| {
            self.give_name(directory.as_fd(), name)
                .map_err(LocalError::system("naming the blob"))?;
            self.is_published = true;
            Ok(())
        })?;
        self.shared
            .sync_directory(directory.as_fd())
            .inspect_err(|_| {
                // The name may or may not survive. The put has failed, so try to remove it; the
                // removal cannot be made durable either.
                let _ = rustix::fs::unlinkat(&directory, name, AtFlags::empty());
            })
    }

    /// Gives the file its final name, without replacing another.
    fn give_name(&self, directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<()> {
        let staging = self.shared.staging.as_fd();
        let Some(staging_name) = &self.staging_name else {
            return link_unnamed_file(self.file.as_fd(), directory, name);
        };
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(staging, staging_name, directory, name, flags) {
            // The filesystem does not support the flag. A link does not replace anything either.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            renamed => return renamed,
        }
        rustix::fs::linkat(staging, staging_name, directory, name, AtFlags::empty())?;
        // The blob exists. A second name in staging is removed by the next open at the latest.
        let _ = rustix::fs::unlinkat(staging, staging_name, AtFlags::empty());
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.is_published
            && let Some(staging_name) = &self.staging_name
        {
            // If this fails, the next open removes the file.
            let staging = self.shared.staging.as_fd();
            let _ = rustix::fs::unlinkat(staging, staging_name, AtFlags::empty());
        }
    }
}
