//! Finds the binary under test.

use std::env;
use std::path::PathBuf;

/// `ATTACHE_BIN`, or the `attached` in the directory that the test's own executable was built into.
pub(crate) fn attached() -> PathBuf {
    if let Some(path) = env::var_os("ATTACHE_BIN") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "ATTACHE_BIN is {}, and there is no such file",
            path.display()
        );
        return path.canonicalize().unwrap();
    }
    let executable = env::current_exe().unwrap();
    executable
        .ancestors()
        .map(|folder| folder.join("attached"))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!(
                "there is no binary to test in the target directory of {}: \
                 run cargo build -p attached, or set ATTACHE_BIN",
                executable.display()
            )
        })
}
