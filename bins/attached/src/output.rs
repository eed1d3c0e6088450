//! Standard output, for people and scripts.

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Prints the whole text, or returns an error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    let printed = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    printed.context("standard output cannot be written")
}
