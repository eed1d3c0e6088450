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
    /// Users other than the owner may change the file, so its keys may be theirs.
    #[error(
        "the key file {} has mode {mode:04o}: users other than its owner may change it; if none did, \
         run chmod go-w on it, otherwise generate new keys",
        .path.display()
    )]
    Writable {
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

/// Loads a key file. Logs a warning if users other than its owner may read it, as they may where a
/// container's secrets are mounted.
///
/// # Errors
///
/// Returns [`SigningKeysError::Missing`] if there is no file, and [`SigningKeysError::Writable`] if group
/// or others may change it.
pub fn load(path: &Path) -> Result<KeyRing, SigningKeysError> {
    let loaded = inspect(path)?;
    if let Some(warning) = loaded.warning() {
        tracing::warn!("{warning}");
    }
    Ok(loaded.ring)
}

/// The content of a key file, and its mode.
#[derive(Debug)]
pub struct KeyFile {
    /// The keys.
    pub ring: KeyRing,
    path: PathBuf,
    mode: u32,
}

impl KeyFile {
    /// Returns a warning if users other than the owner may read the file.
    pub fn warning(&self) -> Option<String> {
        let Self { path, mode, .. } = self;
        let path = path.display();
        (mode & 0o044 != 0).then(|| {
            format!(
                "the key file {path} has mode {mode:04o}: users other than its owner may read it; \
                 a user who does can sign links"
            )
        })
    }
}

/// Loads a key file, and returns a warning instead of logging it.
///
/// # Errors
///
/// The same as [`load`].
pub fn inspect(path: &Path) -> Result<KeyFile, SigningKeysError> {
    let (text, mode) = read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => SigningKeysError::Missing { path: path.into() },
        _ => failed(path, source),
    })?;
    let path = path.to_owned();
    if mode & 0o022 != 0 {
        return Err(SigningKeysError::Writable { path, mode });
    }
    match KeyRing::parse(&text) {
        Ok(ring) => Ok(KeyFile { ring, path, mode }),
        Err(source) => Err(SigningKeysError::Malformed { path, source }),
    }
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
    let refused = |problem: String| Err(io::Error::new(ErrorKind::InvalidData, problem));
    if !metadata.is_file() {
        return refused("it is not a regular file".to_owned());
    }
    if metadata.len() > MAX_FILE_BYTES {
        return refused(format!(
            "it has {} bytes, more than the {MAX_FILE_BYTES} of a key file",
            metadata.len()
        ));
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
    fn keys_that_others_may_change_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing-keys");
        load_or_generate(&path, &SystemClock, &OsEntropy).unwrap();
        for mode in [0o660, 0o602, 0o620, 0o666] {
            set_mode(&path, mode);
            let refused = load_or_generate(&path, &SystemClock, &OsEntropy).unwrap_err();
            assert!(matches!(refused, SigningKeysError::Writable { mode: m, .. } if m == mode));
        }
    }

    #[test]
    fn keys_that_others_may_read_are_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing-keys");
        load_or_generate(&path, &SystemClock, &OsEntropy).unwrap();
        // The modes of secrets that Docker and Kubernetes mount are among them.
        for (mode, is_exposed) in [
            (0o400, false),
            (0o600, false),
            (0o711, false),
            (0o440, true),
            (0o444, true),
            (0o640, true),
            (0o644, true),
            (0o404, true),
        ] {
            set_mode(&path, mode);
            load(&path).unwrap();
            let warning = inspect(&path).unwrap().warning();
            assert_eq!(warning.is_some(), is_exposed, "{mode:o}");
            let names_mode = |text: &String| text.contains(&format!("{mode:04o}"));
            assert!(warning.as_ref().is_none_or(names_mode), "{warning:?}");
        }
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
