//! The filter of log lines: levels, also per module.

use std::path::{Path, PathBuf};

use super::nearest::hint;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// The modules that log: ours, and the libraries whose warnings are worth a level of their own.
const TARGETS: [&str; 24] = [
    "attached",
    "attache",
    "attache_http",
    "attache_metadata",
    "attache_metadata_sql",
    "attache_model",
    "attache_service",
    "attache_signing",
    "attache_storage",
    "attache_storage_s3",
    "aws_config",
    "aws_runtime",
    "aws_sdk_s3",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "sqlx",
    "tokio_util",
    "tower",
    "tower_http",
];

/// The source of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogFilterSource {
    /// The filter itself.
    Given(LogFilter),
    /// A file that holds it.
    File(PathBuf),
}

impl LogFilterSource {
    /// Parses a filter, or `@` and the path of a file that can be used.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('@') {
            None => LogFilter::parse(text).map(Self::Given),
            Some(path) => {
                let file = Self::File(PathBuf::from(path));
                file.read().map(|_| file)
            }
        }
    }

    /// Returns the filter as it is now.
    pub(crate) fn read(&self) -> Result<LogFilter, String> {
        match self {
            Self::Given(filter) => Ok(filter.clone()),
            Self::File(path) => read_file(path).map_err(|problem| {
                let path = path.display();
                format!("the file {path} holds no filter of log lines: {problem}")
            }),
        }
    }

    /// Returns `true` if the filter may change while the program runs.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Reads a filter of one or more lines; empty ones, and those that begin with `#`, mean nothing.
fn read_file(path: &Path) -> Result<LogFilter, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    LogFilter::parse(&lines.collect::<Vec<_>>().join(","))
}

/// A filter that was checked, in the syntax of `tracing_subscriber::EnvFilter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// Parses a comma-separated list of levels and of `MODULE=LEVEL`. Modules that the list does not name
    /// log at `info`, unless it has a level for all.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut has_level_for_all = false;
        let directives: Vec<&str> = text.split(',').map(str::trim).collect();
        for directive in &directives {
            match directive.rsplit_once('=') {
                None => {
                    check_level(directive)?;
                    has_level_for_all = true;
                }
                Some((target, level)) => {
                    check_target(target)?;
                    check_level(level)?;
                }
            }
        }
        let base = if has_level_for_all { "" } else { "info," };
        Ok(Self(format!("{base}{}", directives.join(","))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_level(level: &str) -> Result<(), String> {
    if LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
        return Ok(());
    }
    let known = LEVELS.join(", ");
    if TARGETS.contains(&level) {
        return Err(format!(
            "the module {level} has no level: write {level}=debug ({known})"
        ));
    }
    Err(format!(
        "`{level}` is not a level{}: write one of {known}, or a filter such as info,attached=debug",
        hint(level, LEVELS)
    ))
}

fn check_target(target: &str) -> Result<(), String> {
    let module = target.split("::").next().unwrap_or_default();
    let is_path = target
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_:".contains(letter));
    if is_path && TARGETS.contains(&module) {
        return Ok(());
    }
    Err(format!(
        "`{target}` is not a module that logs{}: known are {}",
        hint(module, TARGETS),
        TARGETS.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::EnvFilter;

    use super::*;

    #[test]
    fn levels_for_all_and_for_modules_are_read() {
        for (text, filter) in [
            ("info", "info"),
            ("WARN", "WARN"),
            ("off", "off"),
            ("info,attached=debug", "info,attached=debug"),
            (
                "warn, attache_http::wire=trace",
                "warn,attache_http::wire=trace",
            ),
            // Without a level for all, the rest of the log would be silent.
            ("attached=debug", "info,attached=debug"),
            ("sqlx=warn", "info,sqlx=warn"),
        ] {
            let parsed = LogFilter::parse(text).unwrap();
            assert_eq!(parsed.as_str(), filter);
            EnvFilter::builder().parse(parsed.as_str()).unwrap();
        }
    }

    #[test]
    fn filter_file_is_read_again_and_checked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let argument = format!("@{}", path.display());
        let missing = LogFilterSource::parse(&argument).unwrap_err();
        assert!(missing.contains("No such file"), "{missing}");
        std::fs::write(&path, "# for the night\nwarn\n\nattached=debug\n").unwrap();
        let source = LogFilterSource::parse(&argument).unwrap();
        assert_eq!(source.read().unwrap().as_str(), "warn,attached=debug");
        std::fs::write(&path, "debug").unwrap();
        assert_eq!(source.read().unwrap().as_str(), "debug");
        for (bad, message) in [("", "not a level"), ("inof", "did you mean `info`?")] {
            std::fs::write(&path, bad).unwrap();
            let refused = source.read().unwrap_err();
            assert!(refused.contains(message), "{bad}: {refused}");
        }
    }

    #[test]
    fn unknown_level_or_module_is_refused_with_its_like() {
        for (text, message) in [
            ("inof", "`inof` is not a level; did you mean `info`?"),
            ("", "`` is not a level"),
            ("info,", "`` is not a level"),
            ("verbose", "error, warn, info, debug, trace"),
            ("warning", "did you mean `warn`?"),
            ("info,attached=debig", "did you mean `debug`?"),
            ("info,atached=debug", "did you mean `attached`?"),
            ("info,attache-http=debug", "did you mean `attache_http`?"),
            ("postgres=debug", "`postgres` is not a module that logs"),
            ("attached", "write attached=debug"),
            ("info;attached=debug", "is not a module"),
            ("info=debug", "is not a module"),
            ("attached[span]=debug", "is not a module"),
        ] {
            let refused = LogFilter::parse(text).unwrap_err();
            assert!(refused.contains(message), "{text}: {refused}");
        }
    }
}
