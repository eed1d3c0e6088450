//! No Rust file is too long to read in one sitting. Functions are clippy's: `too-many-lines-threshold`.

use std::path::Path;

use anyhow::Result;

use crate::guard::sources::{self, Source};

const LIMIT_LINES: usize = 400;

/// Returns every file over the limit.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    Ok(violations(&sources::read(root, &["rs"])?))
}

fn violations(sources: &[Source]) -> Vec<String> {
    let counted = sources
        .iter()
        .map(|source| (&source.path, source.text.lines().count()));
    let long = counted.filter(|(_, lines)| *lines > LIMIT_LINES);
    long.map(|(path, lines)| format!("{path} has {lines} lines, more than {LIMIT_LINES}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_over_limit_is_a_violation() {
        let source = |path: &str, lines| Source {
            path: path.to_owned(),
            text: "\n".repeat(lines),
        };
        let sources = [source("short.rs", 400), source("long.rs", 401)];
        assert_eq!(
            violations(&sources),
            ["long.rs has 401 lines, more than 400"]
        );
    }
}
