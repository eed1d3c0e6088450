//! Tests that cannot run on this machine: they say so, and do not pass where everything has to run.

use std::io::Write as _;
use std::process::Command;

/// Says that the calling test cannot run here, and why. It fails where everything has to run.
#[track_caller]
pub(crate) fn skip(suite: &str, reason: &str) {
    // Past the capture of the test harness.
    drop(writeln!(std::io::stderr(), "SKIPPED {suite}: {reason}"));
    let may_skip = std::env::var_os("ATTACHE_REQUIRE_ALL").is_none();
    assert!(may_skip, "skipped: {reason}");
}

/// Whether there is a program on the `PATH`; where there is not, the calling test is skipped.
#[track_caller]
pub(crate) fn has_program(name: &str, suite: &str) -> bool {
    let version = Command::new(name).arg("--version").output();
    if version.is_err() {
        skip(suite, &format!("there is no `{name}` on the PATH"));
    }
    version.is_ok()
}
