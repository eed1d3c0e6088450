//! The directory an embedded installation lives in.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Makes the directory and what is missing above it, readable by the owner only. One that is there
/// is taken as it is: everything inside is owner-only by itself.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_directory_is_its_owners() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a/b");
        make(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        make(&path).unwrap();
        std::fs::write(path.join("file"), "").unwrap();
        assert!(make(&path.join("file")).is_err());
    }
}
