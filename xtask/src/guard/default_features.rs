//! The facade's default features compile no AWS and no PostgreSQL crate.

use anyhow::{Result, bail};

use crate::guard::confinement::matches;
use crate::workspace::{self, Workspace};

const FACADE: &str = "attache";

const UNWANTED: &[&str] = &[
    "aws-*",
    "postgres*",
    "sqlx-mysql",
    "sqlx-postgres",
    "tokio-postgres",
];

/// Returns the unwanted crates that the facade compiles by default.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let arguments = [
        "tree",
        "--package",
        FACADE,
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    let tree = workspace::output(&mut workspace.cargo(arguments))?;
    if !packages(&tree).any(|package| package == FACADE) {
        bail!("`cargo tree` did not list {FACADE} itself");
    }
    Ok(violations(&tree))
}

fn violations(tree: &str) -> Vec<String> {
    let mut found: Vec<_> = packages(tree)
        .filter(|package| UNWANTED.iter().any(|pattern| matches(pattern, package)))
        .map(|package| format!("{FACADE} compiles {package} with its default features"))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Returns the package names of `cargo tree --prefix none`: `name v1.2.3 (path) (*)`, one a line.
fn packages(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::violations;

    #[test]
    fn sqlite_alone_is_lean() {
        let tree = "attache v0.1.0 (/src/crates/attache)\nsqlx v0.9.0\nsqlx-sqlite v0.9.0 (*)\n";
        assert_eq!(violations(tree), Vec::<String>::new());
    }

    #[test]
    fn unwanted_crate_is_reported_once() {
        let tree = "attache v0.1.0\nsqlx-postgres v0.9.0\naws-sdk-s3 v1.9.0\naws-sdk-s3 v1.9.0 (*)";
        assert_eq!(
            violations(tree),
            [
                "attache compiles aws-sdk-s3 with its default features",
                "attache compiles sqlx-postgres with its default features",
            ]
        );
    }
}
