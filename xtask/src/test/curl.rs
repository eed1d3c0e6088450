//! curl, which runs the commands that published pages and our own documents print.

use anyhow::Result;

use super::apt;

/// Makes sure that there is a curl.
///
/// # Errors
/// When there is none and none can be installed; the message has the remedy.
pub(super) fn require() -> Result<()> {
    let is_there = || apt::version("curl").is_some();
    apt::require("curl", "curl", is_there, "have `curl` on the PATH")
}
