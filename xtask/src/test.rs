//! `cargo xtask test`: the one command for all tests of the workspace.
//!
//! Nothing is skipped silently. A suite that cannot run says so in a line of its own,
//! `SKIPPED <suite>: <reason>`, written straight to `std::io::stderr()` (what `eprintln!` writes is
//! captured by the test harness). Such lines are listed at the end; under `--require-all` they are
//! failures. An acceptance test without a story on the pairing it runs on says `NOT ON <pairing>
//! <test>: <reason>`; it is listed as well, and counts neither as passed nor as failed.

mod apt;
mod curl;
mod node;
mod postgres;
mod summary;

use std::io::{BufRead, BufReader, PipeReader, Write};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};
pub(crate) use summary::Summary;

/// Tells a suite that it must fail where it would otherwise skip.
const REQUIRE_ALL: &str = "ATTACHE_REQUIRE_ALL";

/// The backends that nothing enables by default.
pub(crate) const ALL_BACKENDS: [&str; 2] = ["--features", "attache-metadata-sql/postgres"];

/// Tells the acceptance tests what to run the server on.
const PAIRING: &str = "ATTACHE_TEST_PAIRING";

/// What is run, and on which pairing where that is not the embedded default. Benches are left to
/// clippy: without `--bench` they would measure nothing.
const RUNS: &[(&[&str], Option<&str>)] = &[
    (&["--tests", "--examples"], None),
    (&["--test", "acceptance"], Some("postgres+s3")),
    (&["--doc"], None),
];

/// After so long without a line it is worth asking whether cargo has ended.
const QUIET: Duration = Duration::from_secs(2);

/// How strict to be.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Count a skipped suite or an ignored test as a failure
    #[arg(long)]
    pub(crate) require_all: bool,
}

/// Builds what the suites need and runs them all, whatever fails in between.
///
/// # Errors
/// When the server cannot be built or cargo cannot be started; failed tests are in the summary.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Summary> {
    let require_all = options.require_all || requires_all(std::env::var(REQUIRE_ALL).ok());

    postgres::require()?;
    node::require()?;
    curl::require()?;
    // The acceptance tests start this binary; cargo builds no other package's binary for a test.
    workspace::run(&mut workspace.cargo(["build", "--package", "attached"]))
        .context("the server that the acceptance tests start cannot be built")?;

    let mut summary = Summary::new(require_all);
    for (targets, pairing) in RUNS {
        // Always of the whole workspace: of a package alone, cargo would build another variant.
        let mut command = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
        command.args(ALL_BACKENDS).args(*targets);
        if let Some(pairing) = pairing {
            println!("note: the acceptance tests once more, on {pairing}");
            command.env(PAIRING, pairing);
        }
        if require_all {
            command.env(REQUIRE_ALL, "1");
        }
        run_suites(command, &mut summary, &mut std::io::stdout())?;
    }
    Ok(summary)
}

fn requires_all(value: Option<String>) -> bool {
    value.is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Shows both streams of the child in the order they were written, and counts what goes by.
fn run_suites(mut command: Command, summary: &mut Summary, screen: &mut impl Write) -> Result<()> {
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("cannot start cargo")?;
    // The command still holds the write ends: the reader sees no end until they are closed.
    drop(command);

    let lines = read_lines(reader);
    loop {
        match lines.recv_timeout(QUIET) {
            Ok(line) => {
                screen.write_all(&line)?;
                summary.read_line(&String::from_utf8_lossy(&line));
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // A process that a test left behind keeps the pipe open: do not wait for it.
            Err(RecvTimeoutError::Timeout) => {
                if child.try_wait()?.is_some() {
                    writeln!(screen, "note: a test left a process behind")?;
                    break;
                }
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    summary.end_run(status.success());
    Ok(())
}

/// Reads on another thread, so that the caller can stop waiting.
fn read_lines(reader: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell script as if it were cargo; also what it showed.
    fn run_script(script: &str) -> (Summary, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut summary = Summary::new(false);
        let mut screen = Vec::new();
        run_suites(command, &mut summary, &mut screen).expect("to run the script");
        (summary, String::from_utf8(screen).expect("text"))
    }

    #[test]
    fn both_streams_are_shown_in_order_and_counted() {
        let script = "echo 'SKIPPED s3: no store' >&2; \
                      echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; \
                      echo end >&2";
        let (summary, screen) = run_script(script);
        assert_eq!(summary.to_string(), "3 passed, 0 failed, 1 skipped");
        assert_eq!(
            screen,
            "SKIPPED s3: no store\ntest result: ok. 3 passed; 0 failed; 0 ignored\nend\n"
        );
    }

    #[test]
    fn how_the_run_ended_is_counted() {
        assert_eq!(run_script("exit 101").0.to_string(), "0 passed, 1 failed");
    }

    #[test]
    fn a_process_left_behind_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("gate"), "").expect("a gate");
        // What stays behind holds both streams until the gate goes, or for a minute at most.
        let script = format!(
            "cd {}; (for second in $(seq 60); do [ -e gate ] && sleep 1; done; touch ended) & \
             echo 'test result: ok. 1 passed; 0 failed; 0 ignored'",
            folder.path().display()
        );
        let (summary, screen) = run_script(&script);
        let was_waited_for = path("ended").exists();
        std::fs::remove_file(path("gate")).expect("to open the gate");
        assert!(!was_waited_for);
        assert!(summary.is_success());
        assert!(
            screen.ends_with("note: a test left a process behind\n"),
            "{screen}"
        );
    }

    #[test]
    fn the_variable_is_off_when_absent_empty_or_zero() {
        for off in [None, Some(""), Some("0"), Some("false")] {
            assert!(!requires_all(off.map(String::from)), "{off:?}");
        }
        assert!(requires_all(Some("1".to_owned())));
    }
}
