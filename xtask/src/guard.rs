//! `cargo xtask guard`: the architecture rules that the compiler does not know.

mod circles;
mod confinement;
mod decisions;
mod default_features;
mod file_length;
mod layers;
mod public_api;
mod sources;
mod test_binaries;
mod wording;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// A named check of the whole workspace, which returns the broken rules.
type Check = (&'static str, fn(&Workspace) -> Result<Vec<String>>);

const CHECKS: &[Check] = &[
    (
        "our crates depend on each other downwards only",
        |workspace| Ok(layers::violations(&workspace.members())),
    ),
    ("foreign crates stay where they belong", |workspace| {
        Ok(confinement::violations(&workspace.members()))
    }),
    ("each crate has one integration test binary", |workspace| {
        Ok(test_binaries::violations(workspace.test_binaries()))
    }),
    ("no modules import each other in a circle", |workspace| {
        circles::check(workspace)
    }),
    ("no file is too long to read", |workspace| {
        file_length::check(workspace.root())
    }),
    ("the English of the field", |workspace| {
        wording::check(workspace.root())
    }),
    ("decision records have numbers of their own", |workspace| {
        decisions::check(workspace.root())
    }),
    ("the facade's default features are lean", |workspace| {
        default_features::check(workspace)
    }),
    (
        "no SQL, SDK or HTTP type below attache-http's public API",
        |workspace| public_api::check(workspace),
    ),
];

/// Runs every check, then fails if any rule is broken.
///
/// # Errors
/// If a rule is broken or a check cannot be carried out.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut violations = 0;
    for (name, check) in CHECKS {
        println!("guard: {name}");
        for violation in check(workspace)? {
            println!("  VIOLATION: {violation}");
            violations += 1;
        }
    }
    if violations > 0 {
        bail!("{violations} violations of the architecture rules");
    }
    Ok(())
}
