//! `cargo xtask guard`: the architecture rules that the compiler does not know.

mod confinement;
mod decisions;
mod default_features;
mod file_length;
mod layers;
mod public_api;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// What a check found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    /// Broken rules: the guard fails.
    violations: Vec<String>,
    /// Worth a look, not a failure.
    notes: Vec<String>,
}

impl From<Vec<String>> for Findings {
    fn from(violations: Vec<String>) -> Self {
        Self {
            violations,
            notes: Vec::new(),
        }
    }
}

/// A named check of the whole workspace.
type Check = (&'static str, fn(&Workspace) -> Result<Findings>);

const CHECKS: &[Check] = &[
    (
        "our crates depend on each other downwards only",
        |workspace| Ok(layers::violations(&workspace.members()).into()),
    ),
    ("foreign crates stay where they belong", |workspace| {
        Ok(confinement::violations(&workspace.members()).into())
    }),
    ("no file is too long to read", |workspace| {
        file_length::check(workspace.root())
    }),
    ("decision records have numbers of their own", |workspace| {
        decisions::check(workspace.root()).map(Findings::from)
    }),
    ("the facade's default features are lean", |workspace| {
        default_features::check(workspace).map(Findings::from)
    }),
    (
        "no SQL, SDK or HTTP type below attache-http's public API",
        |workspace| public_api::check(workspace).map(Findings::from),
    ),
];

/// Runs every check, then fails if any rule is broken.
///
/// # Errors
/// When a rule is broken or a check cannot be carried out.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut violations = 0;
    for (name, check) in CHECKS {
        println!("guard: {name}");
        let findings = check(workspace)?;
        for note in &findings.notes {
            println!("  note: {note}");
        }
        for violation in &findings.violations {
            println!("  VIOLATION: {violation}");
        }
        violations += findings.violations.len();
    }
    if violations > 0 {
        bail!("{violations} violations of the architecture rules");
    }
    Ok(())
}
