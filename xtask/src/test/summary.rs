//! The totals of all runs.

use std::fmt;

use super::report::Report;

/// The results of all test binaries of all runs.
#[derive(Debug)]
pub(crate) struct Summary {
    require_all: bool,
    passed: u64,
    failed: u64,
    skips: Vec<String>,
    inapplicable: Vec<String>,
    broken_runs: u64,
}

impl Summary {
    /// With `require_all` a skip counts as a failure.
    pub(crate) fn new(require_all: bool) -> Self {
        Self {
            require_all,
            passed: 0,
            failed: 0,
            skips: Vec::new(),
            inapplicable: Vec::new(),
            broken_runs: 0,
        }
    }

    /// Adds one run.
    pub(crate) fn add(&mut self, report: &Report) {
        let inapplicable = report.inapplicable.len() as u64;
        self.passed += report.passed.saturating_sub(inapplicable);
        self.failed += report.failed;
        self.inapplicable.extend_from_slice(&report.inapplicable);
        for skip in &report.skips {
            if !self.skips.contains(skip) {
                self.skips.push(skip.clone());
            }
        }
        self.broken_runs += u64::from(report.is_broken);
    }

    /// Returns `true` if some tests ran and none failed.
    pub(crate) fn is_success(&self) -> bool {
        self.passed > 0 && self.all_failed() == 0
    }

    /// Lists the tests that did not run and ends with the line of totals.
    pub(crate) fn print(&self) {
        println!();
        for line in self.inapplicable.iter().chain(&self.skips) {
            println!("{line}");
        }
        if self.require_all && !self.skips.is_empty() {
            println!("error: nothing may be skipped under --require-all");
        }
        if self.broken_runs > 0 {
            println!("error: {} runs broke off, see above", self.broken_runs);
        }
        if self.passed + self.all_failed() == 0 {
            println!("error: no test ran");
        }
        println!("{self}");
    }

    fn all_failed(&self) -> u64 {
        let forbidden = if self.require_all {
            self.skips.len() as u64
        } else {
            0
        };
        self.failed + self.broken_runs + forbidden
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed",
            self.passed,
            self.all_failed()
        )?;
        match self.skips.len() {
            0 => Ok(()),
            _ if self.require_all => Ok(()),
            skipped => write!(formatter, ", {skipped} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(count: u64) -> Report {
        Report {
            passed: count,
            ..Report::default()
        }
    }

    fn summary(require_all: bool, reports: &[Report]) -> Summary {
        let mut summary = Summary::new(require_all);
        for report in reports {
            summary.add(report);
        }
        summary
    }

    #[test]
    fn runs_are_added_up() {
        let failing = Report {
            failed: 2,
            ..passed(1)
        };
        let summary = summary(false, &[passed(3), failing]);
        assert_eq!(summary.to_string(), "4 passed, 2 failed");
        assert!(!summary.is_success());
    }

    #[test]
    fn run_without_failures_succeeds() {
        let summary = summary(true, &[passed(3), passed(3)]);
        assert_eq!(summary.to_string(), "6 passed, 0 failed");
        assert!(summary.is_success());
    }

    #[test]
    fn run_without_tests_fails() {
        assert!(!summary(false, &[passed(0)]).is_success());
    }

    #[test]
    fn broken_run_is_one_failure() {
        let broken = passed(0).ended(false);
        assert_eq!(summary(false, &[passed(3), broken]).all_failed(), 1);
    }

    #[test]
    fn skip_fails_only_under_require_all() {
        let skipping = || Report {
            skips: vec!["SKIPPED postgres: no server".to_owned()],
            ..passed(3)
        };
        let tolerant = summary(false, &[skipping(), skipping()]);
        assert_eq!(tolerant.to_string(), "6 passed, 0 failed, 1 skipped");
        assert!(tolerant.is_success());
        let strict = summary(true, &[skipping(), skipping()]);
        assert_eq!(strict.to_string(), "6 passed, 1 failed");
        assert!(!strict.is_success());
    }

    #[test]
    fn inapplicable_test_did_not_pass() {
        let report = Report {
            inapplicable: vec!["NOT ON postgres+s3 disk_full: it has no disk".to_owned()],
            ..passed(3)
        };
        let strict = summary(true, &[report]);
        assert_eq!(strict.to_string(), "2 passed, 0 failed");
        assert!(strict.is_success());
    }
}
