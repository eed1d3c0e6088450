//! `cargo xtask nightly`: the long checks, too slow for each change.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::ci;
use crate::clients;
use crate::document;
use crate::steps::{self, Step};
use crate::test::{self, Selection, Summary, Tests};
use crate::tools;
use crate::workspace::{self, Workspace};

/// The steps, the quickest first.
const STEPS: &[Step] = &[
    Step {
        name: "features",
        run: |workspace| ci::features(workspace, FEATURES),
        remedy: ci::FEATURES_REMEDY,
    },
    Step {
        name: "clients",
        run: |workspace| clients::run(workspace, &clients::Options::default()),
        remedy: "`cargo xtask clients <name>` makes one again, and leaves it in `target/clients/`",
    },
    Step {
        name: "requests",
        run: |workspace| document::try_requests(workspace, &document::MANY),
        remedy: "mend the document where it is wrong, otherwise the server",
    },
    Step {
        name: "fuzz",
        run: fuzz,
        remedy: "`cargo +nightly fuzz run -s none <target> fuzz/artifacts/<target>/<file>` runs a found input again",
    },
    Step {
        name: "pairings",
        run: pairings,
        remedy: "`ATTACHE_TEST_PAIRING=postgres+s3 cargo test -p attache-acceptance <name>` runs one again",
    },
    Step {
        name: "repetitions",
        run: repetitions,
        remedy: "`PROPTEST_CASES=20000 ATTACHE_TEST_ROUNDS=20 cargo test -p <crate> <name>` runs one again",
    },
    Step {
        name: "lists",
        run: lists,
        remedy: "`cargo xtask bench lists` runs it again",
    },
];

/// The features of the facade that the gate leaves out.
const FEATURES: &[&str] = &[
    "postgres,sqlite",
    "s3,sqlite",
    "aws-config,postgres",
    "http,sqlite",
];

/// Runs the steps and stops at the first that fails.
///
/// # Errors
/// Names the failed step, its cause and its remedy.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    steps::run(workspace, STEPS)
}

/// Runs every fuzz target for a minute.
///
/// # Errors
/// If the nightly toolchain is missing, or at the first target that does not compile or finds an input.
fn fuzz(workspace: &Workspace) -> Result<()> {
    workspace::run(nightly_cargo(workspace).arg("--version"))
        .context("no nightly toolchain: `rustup toolchain install nightly` installs it")?;
    tools::FUZZ.require(workspace)?;
    let targets = workspace::output(&mut workspace.cargo(["fuzz", "list"]))?;
    ensure!(!targets.trim().is_empty(), "`fuzz/` has no targets");
    for target in targets.lines() {
        println!("note: fuzzing {target}");
        let mut command = nightly_cargo(workspace);
        command
            .args(["fuzz", "run", "-s", "none", target, "--"])
            .args(["-max_total_time=60", "-rss_limit_mb=2048"]);
        workspace::run(&mut command)?;
    }
    Ok(())
}

/// The cargo of the nightly toolchain. Only rustup's cargo, the one on the path, can choose a toolchain.
fn nightly_cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace.root()).arg("+nightly");
    command
}

/// Runs all stories on both pairings, those about HTTP alone included.
fn pairings(workspace: &Workspace) -> Result<()> {
    let tests = Tests::prepare(workspace, &test::Options { require_all: true })?;
    let mut summary = Summary::new(true);
    for pairing in ["sqlite+local", "postgres+s3"] {
        summary.add(&tests.run_suites(&Selection {
            filter: Some("binary(acceptance)"),
            environment: &[(test::PAIRING, pairing)],
        })?);
    }
    conclude(&summary)
}

/// Runs the tests that repeat something with many more repetitions.
fn repetitions(workspace: &Workspace) -> Result<()> {
    let tests = Tests::prepare(workspace, &test::Options { require_all: true })?;
    let mut summary = Summary::new(true);
    summary.add(&tests.run_suites(&Selection {
        filter: Some("test(/propert|crash|rac(e|ing)|concurrent|kill/)"),
        environment: &[
            ("PROPTEST_CASES", "20000"),
            ("ATTACHE_TEST_ROUNDS", "20"),
            (test::PAIRING, "postgres+s3"),
        ],
    })?);
    conclude(&summary)
}

fn conclude(summary: &Summary) -> Result<()> {
    summary.print();
    if !summary.is_success() {
        bail!("{summary}");
    }
    Ok(())
}

/// Compares lists, lookups and claims among ten thousand and a million records.
fn lists(workspace: &Workspace) -> Result<()> {
    workspace::run(&mut workspace.cargo(["xtask", "bench", "lists"]))
}
