//! `cargo xtask ci`: the gate that a change passes before it is merged.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::{self, Workspace};
use crate::{guard, test};

const CARGO_DENY_VERSION: &str = "0.20.2";

/// What to leave out.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the tests, for a caller that runs `cargo xtask test --require-all` itself
    #[arg(long)]
    without_tests: bool,
}

/// One step of the gate, and what to do when it fails.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<()>,
    remedy: &'static str,
}

/// In order of the time to a first answer. All but the guard's documentation share one target
/// directory.
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
        run: features,
        remedy: "the facade has to compile without a warning whatever its features; \
                 `cargo clippy -p attache --no-default-features --features …` shows it again",
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
];

/// What embedders choose of the facade, whose parts depend on each other's presence: nothing, one
/// database, both, each with a store, and last the default.
const FEATURES: &[&str] = &[
    "",
    "postgres",
    "postgres,sqlite",
    "s3,sqlite",
    "aws-config,postgres",
    "http,sqlite",
];

const TESTS: Step = Step {
    name: "test",
    run: tests,
    remedy: "`cargo xtask test` runs them again, `cargo test -p <crate> <name>` a single one",
};

/// Runs the steps and stops at the first that fails.
///
/// # Errors
/// Names the failed step, its cause and its remedy.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let last = (!options.without_tests).then_some(&TESTS);
    for step in STEPS.iter().chain(last) {
        println!("==> {}", step.name);
        let started = Instant::now();
        let result = (step.run)(workspace);
        let seconds = started.elapsed().as_secs_f32();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("<== {}: {verdict} in {seconds:.1} s", step.name);
        result.with_context(|| format!("step `{}` failed ({})", step.name, step.remedy))?;
    }
    Ok(())
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

/// What embedders may choose of the facade, besides everything.
fn features(workspace: &Workspace) -> Result<()> {
    for chosen in FEATURES {
        println!("note: the facade with «{chosen}»");
        let mut command = workspace.cargo(["clippy", "--quiet", "--package", "attache"]);
        command
            .args(["--no-default-features", "--features", chosen])
            .args(["--", "-D", "warnings"]);
        workspace::run(&mut command)?;
    }
    Ok(())
}

/// Licences, bans and sources. Advisories are left out on purpose: their database is a git clone
/// from the network, and a gate must give the same answer for the same tree.
fn deny(workspace: &Workspace) -> Result<()> {
    let probe = workspace
        .cargo(["deny", "--version"])
        .output()
        .context("cannot start cargo")?;
    if !probe.status.success() {
        let arguments = [
            "install",
            "cargo-deny",
            "--locked",
            "--version",
            CARGO_DENY_VERSION,
        ];
        workspace::run(&mut workspace.cargo(arguments)).context("cannot install cargo-deny")?;
    }
    workspace::run(&mut workspace.cargo(["deny", "check", "licenses", "bans", "sources"]))
}

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
