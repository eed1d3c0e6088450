//! The file of the signing keys: loaded, checked for its permissions, generated at the first start.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use attache_model::{Clock, Entropy};
use attache_signing::{KeyRing, KeyRingError};
use zeroize::Zeroizing;

/// A key file has two lines and a comment; anything longer is another file.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// The error of loading or generating a key file. It names the file and never shows its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeysError {
    /// There is no such file.
    #[error("there is no key file {}", .path.display())]
    Missing {
        /// The missing file.
        path: PathBuf,
    },
    /// Users other than the owner may read or change the file, so its keys count as leaked.
    #[error(
        "the key file {} has mode {mode:04o}: users other than its owner may read it; if none did, \
         run chmod 600 on it, otherwise generate new keys",
        .path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a key ring.
    #[error("the key file {} cannot be used", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line and the problem.
        #[source]
        source: KeyRingError,
    },
    /// The file could not be read or created.
    #[error("the key file {} cannot be read or created", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// Loads a key file.
///
/// # Errors
///
/// Returns [`SigningKeysError::Missing`] if there is no file, and [`SigningKeysError::Exposed`] if group
/// or others have any permission on it.
pub fn load(path: &Path) -> Result<KeyRing, SigningKeysError> {
    let (text, mode) = read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => SigningKeysError::Missing { path: path.into() },
        _ => failed(path, source),
    })?;
    if mode & 0o077 != 0 {
        let path = path.into();
        return Err(SigningKeysError::Exposed { path, mode });
    }
    KeyRing::parse(&text).map_err(|source| SigningKeysError::Malformed {
        path: path.into(),
        source,
    })
}

/// Loads a key file; if there is none, generates one with a new key, accessible to its owner only.
///
/// The file appears complete and durable, or not at all. If several programs generate it at the same
/// time, one wins and all of them return its keys.
///
/// # Errors
///
/// The same as [`load`], except `Missing`.
pub fn load_or_generate(
    path: &Path,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<KeyRing, SigningKeysError> {
    match load(path) {
        Err(SigningKeysError::Missing { .. }) => {}
        loaded => return loaded,
    }
    let ring = KeyRing::generate(clock.now(), entropy);
    // The id of a new key is unique, and so is the file it is written to first.
    let suffix = format!(".{}.new", ring.signing_key().id());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(suffix);
    let temporary = PathBuf::from(temporary);
    let written = write_new(&temporary, ring.to_file_text().as_bytes())
        .and_then(|()| publish(&temporary, path));
    let removed = std::fs::remove_file(&temporary);
    written
        .and(removed)
        .map_err(|source| failed(path, source))?;
    load(path)
}

fn read(path: &Path) -> io::Result<(Zeroizing<String>, u32)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a key file"));
    }
    let capacity = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    // Enough capacity for everything, so that growing leaves no copy of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    Ok((text, metadata.permissions().mode() & 0o7777))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Links the file to its final name, unless another file has it by now.
fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    match std::fs::hard_link(temporary, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        linked => linked?,
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn failed(path: &Path, source: io::Error) -> SigningKeysError {
    let path = path.into();
    SigningKeysError::File { path, source }
}

#[cfg(test)]
mod tests {
    use attache_model::{OsEntropy, SystemClock};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn keys_are_generated_once_and_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing-keys");
        assert!(matches!(load(&path), Err(SigningKeysError::Missing { .. })));
        let ring = load_or_generate(&path, &SystemClock, &OsEntropy).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = load_or_generate(&path, &SystemClock, &OsEntropy).unwrap();
        assert_eq!(ring.signing_key().id(), again.signing_key().id());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn exposed_keys_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing-keys");
        load_or_generate(&path, &SystemClock, &OsEntropy).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601] {
            set_mode(&path, mode);
            let refused = load_or_generate(&path, &SystemClock, &OsEntropy).unwrap_err();
            assert!(matches!(refused, SigningKeysError::Exposed { mode: m, .. } if m == mode));
        }
        set_mode(&path, 0o400);
        load(&path).unwrap();
    }

    #[test]
    fn malformed_file_is_neither_replaced_nor_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing-keys");
        std::fs::write(&path, "one:not-a-secret-of-32-bytes").unwrap();
        set_mode(&path, 0o600);
        let refused = load_or_generate(&path, &SystemClock, &OsEntropy).unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(matches!(refused, SigningKeysError::Malformed { .. }));
        assert!(!shown.contains("not-a-secret"), "{shown}");
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("one:"));
        let directory = load(directory.path()).unwrap_err();
        assert!(matches!(directory, SigningKeysError::File { .. }));
    }
}
