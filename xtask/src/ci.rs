//! `cargo xtask ci`: the gate that a change passes before it is merged.

use anyhow::{Result, bail};

use crate::steps::{self, Step};
use crate::workspace::{self, Workspace};
use crate::{browsers, clients, document, guard, test, tools};

/// The steps to leave out.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the tests, for a caller that runs `cargo xtask test --require-all` itself
    #[arg(long)]
    without_tests: bool,
}

/// The steps, the quickest to fail first.
const STEPS: &[Step] = &[
    Step {
        name: "format",
        run: format,
        remedy: "run `cargo fmt --all`",
    },
    Step {
        name: "clippy",
        run: clippy,
        remedy: "fix the lints above; `cargo clippy --workspace --all-targets` shows them again",
    },
    Step {
        name: "features",
        run: |workspace| features(workspace, FEATURES),
        remedy: FEATURES_REMEDY,
    },
    Step {
        name: "guard",
        run: guard::run,
        remedy: "see the layering rules in CONTRIBUTING.md; `cargo xtask guard` checks them again",
    },
    Step {
        name: "deny",
        run: deny,
        remedy: "choose another crate, or argue for it in deny.toml with a reason",
    },
    Step {
        name: "documentation",
        run: documentation,
        remedy: "fix the documentation above; `cargo doc --workspace --no-deps` shows it again",
    },
    Step {
        name: "lint of the OpenAPI document",
        run: document::lint,
        remedy: "mend the descriptions beside the handlers, or `attache-http/src/openapi/`",
    },
    Step {
        name: "clients",
        run: |workspace| clients::run_named(workspace, clients::IN_THE_GATE),
        remedy: "`cargo xtask clients <name>` makes one again, and leaves it in `target/clients/`",
    },
    Step {
        name: "browsers",
        run: browsers::run,
        remedy: "`cargo xtask browsers` runs them again",
    },
    Step {
        name: "requests",
        run: |workspace| document::try_requests(workspace, &document::FEW),
        remedy: "mend the document where it is wrong, otherwise the server; `cargo xtask requests` sends them again",
    },
];

const TESTS: Step = Step {
    name: "test",
    run: tests,
    remedy: "`cargo xtask test` runs them again, `cargo test -p <crate> <name>` a single one",
};

/// The features of the facade that each change is checked with: none, and the one without SQLite.
/// `clippy` has all of them; `cargo xtask nightly` checks more sets.
const FEATURES: &[&str] = &["", "postgres"];

pub(crate) const FEATURES_REMEDY: &str = "the facade has to compile without a warning whatever its \
    features; `cargo clippy -p attache --no-default-features --features …` shows it again";

/// Runs the steps and stops at the first that fails.
///
/// # Errors
/// Names the failed step, its cause and its remedy.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let last = (!options.without_tests).then_some(&TESTS);
    steps::run(workspace, STEPS.iter().chain(last))
}

fn format(workspace: &Workspace) -> Result<()> {
    workspace::run(&mut workspace.cargo(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(["clippy", "--workspace", "--all-targets"]);
    command
        .args(test::ALL_BACKENDS)
        .args(["--", "-D", "warnings"]);
    workspace::run(&mut command)
}

/// Checks the facade with sets of features that an embedder may choose: its parts depend on each
/// other's presence.
///
/// # Errors
/// At the first set with a warning.
pub(crate) fn features(workspace: &Workspace, sets: &[&str]) -> Result<()> {
    for features in sets {
        println!("note: the facade with `{features}`");
        let mut command = workspace.cargo(["clippy", "--quiet", "--package", "attache"]);
        command
            .args(["--no-default-features", "--features", features])
            .args(["--", "-D", "warnings"]);
        workspace::run(&mut command)?;
    }
    Ok(())
}

/// Checks licences, bans and sources. Advisories are left out on purpose: their database is a git clone
/// from the network, and a gate must give the same result for the same tree.
fn deny(workspace: &Workspace) -> Result<()> {
    tools::DENY.require(workspace)?;
    workspace::run(&mut workspace.cargo(["deny", "check", "licenses", "bans", "sources"]))
}

/// Builds the documentation. It also compiles the workspace without development dependencies, which
/// could enable a feature that a crate lacks.
fn documentation(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(["doc", "--workspace", "--no-deps"]);
    command.args(test::ALL_BACKENDS);
    workspace::run(command.env("RUSTDOCFLAGS", "-Dwarnings"))
}

fn tests(workspace: &Workspace) -> Result<()> {
    let summary = test::run(workspace, &test::Options { require_all: true })?;
    summary.print();
    if !summary.is_success() {
        bail!("{summary}");
    }
    Ok(())
}
