//! Failures of the disk in detail, and their translation into the kinds of the contract.

use std::path::PathBuf;

use attache_lanes::Refused;
use rustix::io::Errno;

use crate::{BlobError, BlobErrorKind, BlobKey, BodyError, PutError};

/// A failure of the local store, with the detail that the log needs.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalError {
    #[error("{action} failed")]
    System {
        action: &'static str,
        #[source]
        errno: Errno,
    },
    /// A sync failed: the written bytes may be lost.
    #[error("{action} failed, so the written bytes may not be on the disk")]
    SyncFailed {
        action: &'static str,
        #[source]
        errno: Errno,
    },
    #[error("an earlier sync failed: changes are refused until the store is reopened")]
    Degraded,
    #[error("the store was opened for reading only")]
    OpenedReadOnly,
    #[error("another store has the directory open")]
    Locked,
    #[error("`blobs` and `staging` are on different filesystems")]
    SplitFilesystem,
    #[error("the filesystem is mounted read-only")]
    ReadOnly,
    /// The bytes granted to other puts are not available either.
    #[error(
        "{needed_bytes} more bytes would use up the reserve of {reserved_bytes} bytes: \
         {available_bytes} bytes may still be written at {}",
        .root.display()
    )]
    Reserved {
        root: PathBuf,
        reserved_bytes: u64,
        available_bytes: u64,
        needed_bytes: u64,
    },
    #[error("the disk or the quota at {} is full: {free_bytes} bytes are free", .root.display())]
    DiskFull {
        root: PathBuf,
        free_bytes: u64,
        #[source]
        errno: Errno,
    },
    #[error("the marker is too long, or no text")]
    BadMarker,
    #[error("the blob's name belongs to something that is not a regular file")]
    NotAFile,
    #[error("the file ends {missing_bytes} bytes too early")]
    Truncated { missing_bytes: u64 },
    #[error("the bytes in the slot are not those that were stored")]
    Damaged,
    #[error("the body is larger than its key was made for")]
    SlotTooSmall,
    #[error("the range ends beyond the {size_bytes} bytes of the blob")]
    InvalidRange { size_bytes: u64 },
    #[error("the local store does not presign requests")]
    CannotPresign,
    #[error("the put was abandoned by its caller")]
    Abandoned,
    /// No more calls may wait for the disk.
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the runtime is shutting down")]
    ShuttingDown,
}

impl LocalError {
    /// Returns a function for `map_err` that names the failed step.
    pub(super) fn system(action: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { action, errno }
    }

    /// Returns the failure of a batch as one of its changes reports it.
    pub(super) fn of_batch(&self) -> Self {
        match self {
            Self::System { action, errno } => Self::System {
                action,
                errno: *errno,
            },
            Self::SyncFailed { action, errno } => Self::SyncFailed {
                action,
                errno: *errno,
            },
            Self::Refused(refused) => Self::Refused(*refused),
            Self::Degraded => Self::Degraded,
            _ => Self::ShuttingDown,
        }
    }

    /// Returns the system's error if it means a full disk or quota.
    pub(super) fn out_of_space(&self) -> Option<Errno> {
        match self {
            Self::System { errno, .. } | Self::SyncFailed { errno, .. } => {
                is_out_of_space(*errno).then_some(*errno)
            }
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> BlobErrorKind {
        match self {
            Self::System { errno, .. } => kind_of_errno(*errno),
            Self::SyncFailed { errno, .. } if is_out_of_space(*errno) => BlobErrorKind::OutOfSpace,
            Self::SyncFailed { .. } | Self::SplitFilesystem | Self::SlotTooSmall => {
                BlobErrorKind::Other
            }
            Self::Locked => BlobErrorKind::InUse,
            Self::Degraded | Self::Abandoned | Self::ShuttingDown => BlobErrorKind::Unavailable,
            Self::Refused(_) => BlobErrorKind::Busy,
            Self::ReadOnly => BlobErrorKind::PermissionDenied,
            Self::Reserved { .. } | Self::DiskFull { .. } => BlobErrorKind::OutOfSpace,
            Self::NotAFile | Self::BadMarker | Self::Truncated { .. } | Self::Damaged => {
                BlobErrorKind::Corrupt
            }
            Self::InvalidRange { .. } => BlobErrorKind::InvalidRange,
            Self::CannotPresign | Self::OpenedReadOnly => BlobErrorKind::Unsupported,
        }
    }

    /// Converts into the public error of an operation on the whole store.
    pub(super) fn into_store_error(self, operation: &'static str) -> BlobError {
        BlobError::new(self.kind(), operation).with_source(self)
    }

    /// Converts into the public error of an operation on one blob.
    pub(super) fn into_blob_error(self, operation: &'static str, key: &BlobKey) -> BlobError {
        self.into_store_error(operation).with_key(key)
    }

    /// Converts into the public error of a put, for which a missing name is not a missing blob.
    fn into_put_error(self, key: &BlobKey) -> BlobError {
        let kind = match &self {
            // A parent of the key is itself the key of a blob.
            Self::System { errno, .. } if *errno == Errno::NOTDIR => BlobErrorKind::AlreadyExists,
            Self::System { errno, .. } if *errno == Errno::NAMETOOLONG => {
                BlobErrorKind::Unsupported
            }
            // A directory of the store was removed during the put.
            Self::System { errno, .. } if *errno == Errno::NOENT => BlobErrorKind::Other,
            _ => self.kind(),
        };
        BlobError::new(kind, "put").with_key(key).with_source(self)
    }
}

/// The failure of a put, before its key is added.
#[derive(Debug)]
pub(super) enum WriteError {
    Body(BodyError),
    Local(LocalError),
}

impl WriteError {
    pub(super) fn into_put_error(self, key: &BlobKey) -> PutError {
        match self {
            Self::Body(error) => PutError::Body(error),
            Self::Local(error) => PutError::Store(error.into_put_error(key)),
        }
    }
}

impl From<BodyError> for WriteError {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<LocalError> for WriteError {
    fn from(error: LocalError) -> Self {
        Self::Local(error)
    }
}

/// Returns `true` if the error means a full disk or quota, which is no defect of the device.
pub(super) fn is_out_of_space(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT)
}

fn kind_of_errno(errno: Errno) -> BlobErrorKind {
    match errno {
        // A blob whose name is too long for the filesystem cannot exist.
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => BlobErrorKind::NotFound,
        Errno::EXIST => BlobErrorKind::AlreadyExists,
        errno if is_out_of_space(errno) => BlobErrorKind::OutOfSpace,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => BlobErrorKind::Unavailable,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => BlobErrorKind::PermissionDenied,
        // The store creates no symbolic links.
        Errno::LOOP => BlobErrorKind::Corrupt,
        _ => BlobErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(errno: Errno) -> BlobErrorKind {
        LocalError::system("a test")(errno).kind()
    }

    #[test]
    fn errno_maps_to_kind() {
        assert_eq!(kind(Errno::NOENT), BlobErrorKind::NotFound);
        assert_eq!(kind(Errno::NOTDIR), BlobErrorKind::NotFound);
        assert_eq!(kind(Errno::EXIST), BlobErrorKind::AlreadyExists);
        assert_eq!(kind(Errno::NOSPC), BlobErrorKind::OutOfSpace);
        assert_eq!(kind(Errno::DQUOT), BlobErrorKind::OutOfSpace);
        assert_eq!(kind(Errno::MFILE), BlobErrorKind::Unavailable);
        assert_eq!(kind(Errno::NFILE), BlobErrorKind::Unavailable);
        assert_eq!(kind(Errno::ACCESS), BlobErrorKind::PermissionDenied);
        assert_eq!(kind(Errno::ROFS), BlobErrorKind::PermissionDenied);
        assert_eq!(kind(Errno::LOOP), BlobErrorKind::Corrupt);
        assert_eq!(kind(Errno::IO), BlobErrorKind::Other);
    }

    #[test]
    fn put_failure_is_never_not_found() {
        let key = BlobKey::parse("a/b").unwrap();
        let put_kind = |errno| {
            LocalError::system("a test")(errno)
                .into_put_error(&key)
                .kind()
        };
        assert_eq!(put_kind(Errno::NOENT), BlobErrorKind::Other);
        assert_eq!(put_kind(Errno::NOTDIR), BlobErrorKind::AlreadyExists);
        assert_eq!(put_kind(Errno::NAMETOOLONG), BlobErrorKind::Unsupported);
        assert_eq!(put_kind(Errno::NOSPC), BlobErrorKind::OutOfSpace);
    }

    #[test]
    fn full_disk_found_by_sync_is_out_of_space() {
        let failed = |errno| LocalError::SyncFailed {
            action: "a test",
            errno,
        };
        assert_eq!(failed(Errno::NOSPC).kind(), BlobErrorKind::OutOfSpace);
        assert_eq!(failed(Errno::IO).kind(), BlobErrorKind::Other);
    }
}
