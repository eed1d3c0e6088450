//! The outcome of one run of tests, read from what the runner leaves behind.

use anyhow::{Context, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The outcome of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// The lines `SKIPPED <suite>: <reason>`.
    pub(super) skips: Vec<String>,
    /// The lines `NOT ON <pairing> <test>: <reason>`, of tests that count as passed in the run.
    pub(super) inapplicable: Vec<String>,
    /// True if the run failed without a failed test: a crash, or a test that does not compile.
    pub(super) is_broken: bool,
}

impl Report {
    /// Reads nextest's report in `JUnit`'s format, which has the output of each test.
    ///
    /// # Errors
    /// If it is not well-formed. An empty one has no tests.
    pub(super) fn of_suites(xml: &str) -> Result<Self> {
        let mut report = Self::default();
        let mut reader = Reader::from_str(xml);
        let mut output = String::new();
        loop {
            match reader.read_event()? {
                Event::Start(tag) if tag.name().as_ref() == b"testsuites" => {
                    report.failed = number(&tag, "failures")? + number(&tag, "errors")?;
                    report.passed = number(&tag, "tests")?.saturating_sub(report.failed);
                }
                Event::Start(tag) if tag.name().as_ref().starts_with(b"system-") => output.clear(),
                Event::End(tag) if tag.name().as_ref().starts_with(b"system-") => {
                    output.lines().for_each(|line| report.read_line(line));
                }
                Event::Text(text) => output.push_str(&text.decode()?),
                Event::GeneralRef(name) => output.push_str(match &name[..] {
                    b"lt" => "<",
                    b"gt" => ">",
                    b"amp" => "&",
                    b"quot" => "\"",
                    b"apos" => "'",
                    _ => "?",
                }),
                Event::Eof => return Ok(report),
                _ => {}
            }
        }
    }

    /// Reads the output of test binaries that print as libtest does.
    pub(super) fn of_harness(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            if let Some((passed, failed)) = parse_result(line) {
                report.passed += passed;
                report.failed += failed;
            }
        }
        report
    }

    /// Adds the exit status of the run.
    #[must_use]
    pub(super) fn ended(mut self, is_success: bool) -> Self {
        self.is_broken = !is_success && self.failed == 0;
        self
    }

    fn read_line(&mut self, line: &str) {
        if let Some(line) = parse_line(line, "NOT ON ") {
            self.inapplicable.push(line.to_owned());
        } else if let Some(line) = parse_line(line, "SKIPPED ") {
            self.skips.push(line.to_owned());
        }
    }
}

fn number(tag: &BytesStart<'_>, name: &str) -> Result<u64> {
    let attribute = tag.try_get_attribute(name)?;
    let attribute = attribute.with_context(|| format!("no attribute `{name}`"))?;
    let value = std::str::from_utf8(&attribute.value)?;
    value
        .parse()
        .with_context(|| format!("`{name}` is {value}"))
}

/// Reads the counts of `test result: ok. 3 passed; 0 failed; …`.
fn parse_result(line: &str) -> Option<(u64, u64)> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |noun: &str| {
        counts
            .split(';')
            .find_map(|part| part.trim().strip_suffix(noun)?.trim().parse().ok())
    };
    Some((count("passed")?, count("failed")?))
}

/// Reads a mark such as `SKIPPED <suite>: <reason>`, alone on its line or behind `test name ... `,
/// which the harness leaves open while a test runs.
fn parse_line<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let line = match line.split_once(" ... ") {
        Some((test, rest)) if test.starts_with("test ") => rest,
        _ => line,
    };
    let (suite, reason) = line.strip_prefix(mark)?.split_once(": ")?;
    (!suite.trim().is_empty() && !reason.trim().is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <testsuites name=\"nextest-run\" tests=\"5\" failures=\"1\" errors=\"1\" uuid=\"x\">\n\
        <testsuite name=\"a\" tests=\"5\"><testcase name=\"b\" classname=\"a\">\n\
        <system-out>running 1 test\ntest b ... ok</system-out>\n\
        <system-err>NOT ON postgres+s3 b: it has &lt;no&gt; disk\nSKIPPED s3: no store</system-err>\n\
        </testcase></testsuite></testsuites>";

    #[test]
    fn junit_report_is_read() {
        let report = Report::of_suites(XML).expect("a report").ended(false);
        let expected = Report {
            passed: 3,
            failed: 2,
            skips: vec!["SKIPPED s3: no store".to_owned()],
            inapplicable: vec!["NOT ON postgres+s3 b: it has <no> disk".to_owned()],
            is_broken: false,
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn missing_report_of_failed_run_is_broken() {
        let report = Report::of_suites("").expect("an empty report");
        assert!(report.ended(false).is_broken);
        assert!(Report::of_suites("<testsuites tests=\"many\">").is_err());
    }

    #[test]
    fn partial_skip_lines_do_not_count() {
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
    fn partial_result_lines_do_not_count() {
        assert_eq!(
            parse_result("test result: ok. 3 passed; 0 failed"),
            Some((3, 0))
        );
        assert_eq!(
            parse_result("  left: \"test result: ok. 3 passed; 0 failed\""),
            None
        );
        assert_eq!(parse_result("test result: ok."), None);
    }
}
