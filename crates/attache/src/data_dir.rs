//! The directory of an embedded installation.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Creates the directory and its missing parents, accessible to the owner only. An existing directory
/// keeps its mode: everything inside is owner-only by itself.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn created_directory_is_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a/b");
        create(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        create(&path).unwrap();
        std::fs::write(path.join("file"), "").unwrap();
        assert!(create(&path.join("file")).is_err());
    }
}
