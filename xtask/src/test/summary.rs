//! Adds up what the test binaries of a run print: results, skips, and runs that broke.

use std::fmt;

/// The results of all test binaries of all runs.
#[derive(Debug)]
pub(crate) struct Summary {
    require_all: bool,
    passed: u64,
    failed: u64,
    ignored: u64,
    skips: Vec<String>,
    /// The tests that have no story on the pairing they ran on, though they count as passed there.
    untold: Vec<String>,
    /// Runs that failed without naming a failed test: a crash, or a test that does not compile.
    broken_runs: u64,
    failed_before_run: u64,
}

/// The counts of one `test result:` line.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Summary {
    /// With `require_all` a skip counts as a failure.
    pub(crate) fn new(require_all: bool) -> Self {
        Self {
            require_all,
            passed: 0,
            failed: 0,
            ignored: 0,
            skips: Vec::new(),
            untold: Vec::new(),
            broken_runs: 0,
            failed_before_run: 0,
        }
    }

    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(counts) = parse_result(line) {
            self.passed += counts.passed;
            self.failed += counts.failed;
            self.ignored += counts.ignored;
        } else if let Some(untold) = parse_line(line, "NOT ON ") {
            self.untold.push(untold.to_owned());
        } else if let Some(skip) = parse_line(line, "SKIPPED ")
            && !self.skips.iter().any(|known| known == skip)
        {
            self.skips.push(skip.to_owned());
        }
    }

    /// Closes one `cargo test`, with how it ended.
    pub(crate) fn end_run(&mut self, succeeded: bool) {
        if !succeeded && self.failed == self.failed_before_run {
            self.broken_runs += 1;
        }
        self.failed_before_run = self.failed;
    }

    /// Some tests ran, and none failed.
    pub(crate) fn is_success(&self) -> bool {
        self.all_passed() > 0 && self.all_failed() == 0
    }

    /// Lists what did not run and ends with the line of totals.
    pub(crate) fn print(&self) {
        println!();
        for untold in &self.untold {
            println!("{untold}");
        }
        for skip in &self.skips {
            println!("{skip}");
        }
        if self.ignored > 0 {
            println!("SKIPPED {} tests: marked #[ignore]", self.ignored);
        }
        if self.require_all && self.skipped() > 0 {
            println!("error: nothing may be skipped under --require-all");
        }
        if self.broken_runs > 0 {
            println!(
                "error: {} runs of cargo test broke off, see above",
                self.broken_runs
            );
        }
        if self.passed + self.all_failed() == 0 {
            println!("error: no test ran");
        }
        println!("{self}");
    }

    fn skipped(&self) -> u64 {
        self.ignored + self.skips.len() as u64
    }

    fn all_passed(&self) -> u64 {
        self.passed.saturating_sub(self.untold.len() as u64)
    }

    fn all_failed(&self) -> u64 {
        let forbidden = if self.require_all { self.skipped() } else { 0 };
        self.failed + self.broken_runs + forbidden
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed",
            self.all_passed(),
            self.all_failed()
        )?;
        match self.skipped() {
            0 => Ok(()),
            _ if self.require_all => Ok(()),
            skipped => write!(formatter, ", {skipped} skipped"),
        }
    }
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
fn parse_result(line: &str) -> Option<Counts> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |noun: &str| {
        counts
            .split(';')
            .find_map(|part| part.trim().strip_suffix(noun)?.trim().parse().ok())
    };
    Some(Counts {
        passed: count("passed")?,
        failed: count("failed")?,
        ignored: count("ignored")?,
    })
}

/// Reads a mark such as `SKIPPED <suite>: <reason>`, alone on its line or behind `test name ... `,
/// which the harness leaves open while a single-threaded test runs.
fn parse_line<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let told = match line.split_once(" ... ") {
        Some((test, rest)) if test.starts_with("test ") => rest,
        _ => line,
    };
    let (suite, reason) = told.strip_prefix(mark)?.split_once(": ")?;
    (!suite.trim().is_empty() && !reason.trim().is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; \
                      finished in 0.00s\n";
    const FAILED: &str = "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; \
                          0 filtered out; finished in 1.20s\n";

    fn summary(require_all: bool, lines: &[&str], succeeded: bool) -> Summary {
        let mut summary = Summary::new(require_all);
        for line in lines {
            summary.read_line(line);
        }
        summary.end_run(succeeded);
        summary
    }

    #[test]
    fn results_of_all_binaries_are_added_up() {
        let summary = summary(
            false,
            &["running 3 tests\n", OK, "Doc-tests x\n", FAILED],
            false,
        );
        assert_eq!(summary.to_string(), "4 passed, 2 failed, 1 skipped");
        assert!(!summary.is_success());
    }

    #[test]
    fn a_run_without_failures_succeeds() {
        let summary = summary(true, &[OK, OK], true);
        assert_eq!(summary.to_string(), "6 passed, 0 failed");
        assert!(summary.is_success());
    }

    #[test]
    fn no_test_at_all_is_no_success() {
        assert!(!summary(false, &["running 0 tests\n"], true).is_success());
    }

    #[test]
    fn a_run_that_breaks_off_counts_as_a_failure_once() {
        let mut summary = summary(false, &[OK], false);
        summary.read_line(FAILED);
        summary.end_run(false);
        assert_eq!(summary.all_failed(), 1 + 2);
    }

    #[test]
    fn a_skip_is_listed_once_and_is_a_failure_where_all_are_required() {
        let lines = [
            OK,
            "SKIPPED postgres: no server\n",
            "SKIPPED postgres: no server\n",
        ];
        let tolerant = summary(false, &lines, true);
        assert_eq!(tolerant.to_string(), "3 passed, 0 failed, 1 skipped");
        assert!(tolerant.is_success());
        let strict = summary(true, &lines, true);
        assert_eq!(strict.to_string(), "3 passed, 1 failed");
        assert!(!strict.is_success());
    }

    #[test]
    fn a_test_without_a_story_on_its_pairing_did_not_pass() {
        let lines = ["NOT ON postgres+s3 disk_full: it has no disk\n", OK];
        let strict = summary(true, &lines, true);
        assert_eq!(strict.to_string(), "2 passed, 0 failed");
        assert_eq!(strict.untold.len(), 1);
        assert!(strict.is_success());
    }

    #[test]
    fn only_whole_skip_lines_count() {
        assert_eq!(
            parse_line("SKIPPED s3: no store: retry", "SKIPPED "),
            Some("SKIPPED s3: no store: retry")
        );
        assert_eq!(
            parse_line("test a ... SKIPPED s3: none", "SKIPPED "),
            Some("SKIPPED s3: none")
        );
        for other in [
            "SKIPPED s3",
            "SKIPPED : x",
            "left: \"SKIPPED s3: none\"",
            "test a ... ok",
        ] {
            assert_eq!(parse_line(other, "SKIPPED "), None, "{other}");
        }
    }

    #[test]
    fn only_whole_result_lines_count() {
        assert_eq!(
            parse_result("  left: \"test result: ok. 3 passed; 0 failed\""),
            None
        );
        assert_eq!(parse_result("test result: ok."), None);
    }
}
