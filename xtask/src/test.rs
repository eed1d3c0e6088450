//! `cargo xtask test`: the one command for all tests of the workspace.
//!
//! No test is skipped silently. One that cannot run prints `SKIPPED <suite>: <reason>` to its standard
//! error; such lines are listed at the end, and under `--require-all` they are failures. An acceptance
//! test that the pairing under test cannot run prints `NOT ON <pairing> <test>: <reason>`; it is listed
//! as well, and counts neither as passed nor as failed.

pub(crate) mod apt;
mod postgres;
pub(crate) mod programs;
mod report;
mod summary;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};
use crate::{steps, tools};
use report::Report;
pub(crate) use summary::Summary;

/// Makes a suite fail where it would otherwise skip.
const REQUIRE_ALL: &str = "ATTACHE_REQUIRE_ALL";

/// The server that the acceptance tests start.
const SERVER: &str = "ATTACHE_BIN";

/// Selects the database and the store of the acceptance tests.
pub(crate) const PAIRING: &str = "ATTACHE_TEST_PAIRING";

/// The backends that no default feature enables.
pub(crate) const ALL_BACKENDS: [&str; 2] = ["--features", "attache-metadata-sql/postgres"];

/// The modules of acceptance tests about HTTP alone, which the embedded pairing covers: no other
/// database or store changes them. `cargo xtask nightly` runs them on both pairings.
const ONLY_HTTP: &[&str] = &["cors", "dialects", "errors", "openapi", "slow_clients"];

/// The strictness of a run.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Count a skipped suite as a failure, and run ignored tests
    #[arg(long)]
    pub(crate) require_all: bool,
}

/// Builds what the suites need and runs them all, whatever fails in between.
///
/// # Errors
/// If the tests cannot be built or started; failed tests are in the summary.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Summary> {
    let tests = Tests::prepare(workspace, options)?;
    let mut summary = Summary::new(tests.require_all);
    summary.add(&steps::timed("tests", || {
        tests.run_suites(&Selection::default())
    })?);
    println!(
        "note: the acceptance tests again, on postgres+s3, without those about HTTP alone: {}",
        ONLY_HTTP.join(", ")
    );
    let filter = format!(
        "binary(acceptance) and not test(/^({})::/)",
        ONLY_HTTP.join("|")
    );
    let on_postgres = Selection {
        filter: Some(&filter),
        environment: &[(PAIRING, "postgres+s3")],
    };
    summary.add(&steps::timed("postgres+s3", || {
        tests.run_suites(&on_postgres)
    })?);
    summary.add(&steps::timed("doctests", || tests.run_doctests())?);
    Ok(summary)
}

/// The tests of one run of nextest.
#[derive(Default)]
pub(crate) struct Selection<'a> {
    /// All tests, or those that this filter expression selects.
    pub(crate) filter: Option<&'a str>,
    /// Variables for the tests.
    pub(crate) environment: &'a [(&'a str, &'a str)],
}

/// The built tests, and the PostgreSQL server that they share.
pub(crate) struct Tests<'a> {
    workspace: &'a Workspace,
    require_all: bool,
    postgres: postgres::Server,
}

impl<'a> Tests<'a> {
    /// Installs the programs that the tests need, builds the tests, and starts the shared server.
    ///
    /// # Errors
    /// If a step fails.
    pub(crate) fn prepare(workspace: &'a Workspace, options: &Options) -> Result<Self> {
        programs::require_all()?;
        tools::NEXTEST.require(workspace)?;
        // In one command with one set of features, so that no dependency is compiled twice.
        let mut build = workspace.cargo(["build", "--workspace", "--tests"]);
        build
            .args(["--bin", "attached", "--bin", "throwaway-postgres"])
            .args(ALL_BACKENDS);
        steps::timed("build", || workspace::run(&mut build))
            .context("the tests cannot be built")?;
        let postgres = postgres::Server::start(&workspace.built("throwaway-postgres"))?;
        Ok(Self {
            workspace,
            require_all: options.require_all || requires_all(std::env::var(REQUIRE_ALL).ok()),
            postgres,
        })
    }

    /// Runs all tests of a selection but the doctests.
    ///
    /// # Errors
    /// If nextest cannot be started or leaves no report; failed tests are in the report.
    pub(crate) fn run_suites(&self, selection: &Selection<'_>) -> Result<Report> {
        // Wherever cargo builds, nextest has its store in the workspace.
        let path = self
            .workspace
            .root()
            .join("target/nextest/default/junit.xml");
        // Not a report of an earlier run, if this one breaks off.
        drop(fs::remove_file(&path));

        let mut command = self.workspace.cargo(["nextest", "run", "--workspace"]);
        command
            .args(["--tests", "--no-fail-fast", "--cargo-quiet"])
            .args(ALL_BACKENDS)
            .args(["--test-threads", &test_threads().to_string()])
            .env(SERVER, self.workspace.built("attached"))
            .env(postgres::VARIABLE, self.postgres.directory());
        if let Some(filter) = selection.filter {
            command.args(["--filterset", filter]);
        }
        command.envs(selection.environment.iter().copied());
        if self.require_all {
            command.args(["--run-ignored", "all"]).env(REQUIRE_ALL, "1");
        }
        let status = command.stdin(Stdio::null()).status();
        let status = status.context("cannot start cargo nextest")?;
        let xml = match fs::read_to_string(&path) {
            Err(error) if status.success() => {
                return Err(error).context("nextest leaves no report");
            }
            // It has broken off before the first test.
            Err(_) => String::new(),
            Ok(xml) => xml,
        };
        let report = Report::of_suites(&xml).context("cannot read the report of nextest")?;
        Ok(report.ended(status.success()))
    }

    /// Runs the examples in the documentation, which nextest cannot run.
    ///
    /// # Errors
    /// If cargo cannot be started; failed tests are in the report.
    pub(crate) fn run_doctests(&self) -> Result<Report> {
        let mut command = self.workspace.cargo(["test", "--workspace", "--doc"]);
        command.args(["--no-fail-fast"]).args(ALL_BACKENDS);
        run_harness(&mut command)
    }
}

/// Runs a command that prints as libtest does, and shows what it prints.
fn run_harness(command: &mut Command) -> Result<Report> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    Ok(Report::of_harness(&text).ended(output.status.success()))
}

/// More threads than cores, because many tests wait for a server or a timeout.
fn test_threads() -> usize {
    2 * thread::available_parallelism().map_or(2, usize::from)
}

fn requires_all(value: Option<String>) -> bool {
    value.is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_script(script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let report = run_harness(&mut command).expect("to run the script");
        let mut summary = Summary::new(false);
        summary.add(&report);
        summary.to_string()
    }

    /// A module that is renamed would run on both pairings, unnoticed.
    #[test]
    fn left_out_modules_exist() {
        let modules = include_str!("../../tests/acceptance/main.rs");
        for name in ONLY_HTTP {
            assert!(modules.contains(&format!("\nmod {name};\n")), "{name}");
        }
    }

    #[test]
    fn doctest_results_are_counted() {
        let script = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'";
        assert_eq!(run_script(script), "3 passed, 0 failed");
    }

    #[test]
    fn broken_run_is_a_failure() {
        assert_eq!(run_script("exit 101"), "0 passed, 1 failed");
    }

    #[test]
    fn require_all_is_off_when_absent_empty_or_zero() {
        for off in [None, Some(""), Some("0"), Some("false")] {
            assert!(!requires_all(off.map(String::from)), "{off:?}");
        }
        assert!(requires_all(Some("1".to_owned())));
    }
}
