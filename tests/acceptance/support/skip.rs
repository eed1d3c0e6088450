//! Tests that cannot run on this machine: they print that, and fail if nothing may be skipped.

use std::io::Write as _;
use std::process::Command;

/// Prints that the calling test cannot run here, and why. Fails if nothing may be skipped.
#[track_caller]
pub(crate) fn skip(suite: &str, reason: &str) {
    // `eprintln!` would be captured by the test harness.
    drop(writeln!(std::io::stderr(), "SKIPPED {suite}: {reason}"));
    let may_skip = std::env::var_os("ATTACHE_REQUIRE_ALL").is_none();
    assert!(may_skip, "skipped: {reason}");
}

/// Returns `true` if a program is on the `PATH`; skips the calling test if not.
#[track_caller]
pub(crate) fn has_program(name: &str, suite: &str) -> bool {
    let version = Command::new(name).arg("--version").output();
    if version.is_err() {
        skip(suite, &format!("there is no `{name}` on the PATH"));
    }
    version.is_ok()
}
