//! What goes wrong on a disk, in full, and its one translation into the meanings of the contract.

use rustix::io::Errno;

use crate::{BlobError, BlobErrorKind, BlobKey, BodyError, PutError};

/// A failure of the local store, as its log should have it.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalError {
    #[error("{action} failed")]
    System {
        action: &'static str,
        #[source]
        errno: Errno,
    },
    /// The call that failed was a sync: what was written is in doubt.
    #[error("{action} failed, so what was written may not be on the disk")]
    SyncFailed {
        action: &'static str,
        #[source]
        errno: Errno,
    },
    #[error("an earlier sync failed: changes are refused until the store is opened again")]
    Degraded,
    #[error("another store has the directory open")]
    Locked,
    #[error("`blobs` and `staging` lie on different filesystems")]
    SplitFilesystem,
    #[error("the filesystem is mounted read-only")]
    ReadOnly,
    /// What other puts were granted is not theirs to take either.
    #[error("{needed_bytes} more bytes would use up the reserve of {reserved_bytes} bytes")]
    Reserved {
        reserved_bytes: u64,
        needed_bytes: u64,
    },
    #[error("something that is not a plain file has the blob's name")]
    NotAFile,
    #[error("the file ends {missing_bytes} bytes too early")]
    Truncated { missing_bytes: u64 },
    #[error("the range ends beyond the {size_bytes} bytes of the blob")]
    InvalidRange { size_bytes: u64 },
    #[error("the local store signs no requests")]
    SignsNothing,
    #[error("the caller gave the put up")]
    Abandoned,
    #[error("the runtime is shutting down")]
    ShuttingDown,
}

impl LocalError {
    /// For `map_err`: names the step that a system call was.
    pub(super) fn system(action: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { action, errno }
    }

    pub(super) fn kind(&self) -> BlobErrorKind {
        match self {
            Self::System { errno, .. } => kind_of_errno(*errno),
            Self::SyncFailed { errno, .. } if is_out_of_space(*errno) => BlobErrorKind::OutOfSpace,
            Self::SyncFailed { .. } | Self::SplitFilesystem => BlobErrorKind::Other,
            Self::Locked => BlobErrorKind::InUse,
            Self::Degraded | Self::Abandoned | Self::ShuttingDown => BlobErrorKind::Unavailable,
            Self::ReadOnly => BlobErrorKind::PermissionDenied,
            Self::Reserved { .. } => BlobErrorKind::OutOfSpace,
            Self::NotAFile | Self::Truncated { .. } => BlobErrorKind::Corrupt,
            Self::InvalidRange { .. } => BlobErrorKind::InvalidRange,
            Self::SignsNothing => BlobErrorKind::Unsupported,
        }
    }

    /// The public error of an operation on the whole store.
    pub(super) fn into_store_error(self, operation: &'static str) -> BlobError {
        BlobError::new(self.kind(), operation).with_source(self)
    }

    /// The public error of an operation on one blob.
    pub(super) fn into_blob_error(self, operation: &'static str, key: &BlobKey) -> BlobError {
        self.into_store_error(operation).with_key(key)
    }

    /// The public error of a put, where a missing name does not mean a missing blob.
    fn into_put_error(self, key: &BlobKey) -> BlobError {
        let kind = match &self {
            // A part of the key is the whole key of another blob.
            Self::System { errno, .. } if *errno == Errno::NOTDIR => BlobErrorKind::AlreadyExists,
            Self::System { errno, .. } if *errno == Errno::NAMETOOLONG => {
                BlobErrorKind::Unsupported
            }
            // A directory of ours was taken away while we worked.
            Self::System { errno, .. } if *errno == Errno::NOENT => BlobErrorKind::Other,
            _ => self.kind(),
        };
        BlobError::new(kind, "put").with_key(key).with_source(self)
    }
}

/// Why a put came to nothing, before it is known to the caller by its key.
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

/// Whether an error means a full disk or quota, which is no defect of the device.
pub(super) fn is_out_of_space(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT)
}

fn kind_of_errno(errno: Errno) -> BlobErrorKind {
    match errno {
        // A name too long for the filesystem cannot be there either.
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => BlobErrorKind::NotFound,
        Errno::EXIST => BlobErrorKind::AlreadyExists,
        errno if is_out_of_space(errno) => BlobErrorKind::OutOfSpace,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => BlobErrorKind::Unavailable,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => BlobErrorKind::PermissionDenied,
        // A symbolic link where there can be none of ours.
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
    fn every_errno_that_means_something_is_told_apart() {
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
    fn a_put_never_says_that_a_blob_is_missing() {
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
    fn a_full_disk_is_no_failed_device_even_when_the_sync_finds_out() {
        let failed = |errno| LocalError::SyncFailed {
            action: "a test",
            errno,
        };
        assert_eq!(failed(Errno::NOSPC).kind(), BlobErrorKind::OutOfSpace);
        assert_eq!(failed(Errno::IO).kind(), BlobErrorKind::Other);
    }
}
