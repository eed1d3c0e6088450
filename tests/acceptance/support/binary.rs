//! Finds the server to test, and makes sure that it is up to date.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// `ATTACHE_BIN`, or the `attached` in the directory that the test's own executable was built into.
pub(crate) fn attached() -> PathBuf {
    static FOUND: LazyLock<PathBuf> = LazyLock::new(find);
    FOUND.clone()
}

fn find() -> PathBuf {
    if let Some(path) = env::var_os("ATTACHE_BIN") {
        let path = PathBuf::from(path);
        assert!(
            path.is_file(),
            "ATTACHE_BIN is {}, and there is no such file",
            path.display()
        );
        return path;
    }
    let test = env::current_exe().expect("the test knows its own path");
    let built_into = test.ancestors().nth(2).expect("target/debug/deps/test");
    build();
    let path = built_into.join("attached");
    assert!(
        path.is_file(),
        "there is no {}: set ATTACHE_BIN to the server that is to be tested",
        path.display()
    );
    path
}

/// Builds the server: cargo does not do it for a test that only starts it, and a stale binary would be
/// tested without notice.
fn build() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "attached"])
        .current_dir(workspace)
        .status();
    let built = built.expect("cargo runs");
    assert!(built.success(), "cargo build --package attached fails");
}
