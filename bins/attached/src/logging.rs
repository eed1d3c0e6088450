//! Logging to standard error, and the log line of a panic.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{LogArgs, LogFilterSource, LogFormat};

/// The log of this process, whose filter can be read again.
#[derive(Debug)]
pub(crate) struct Log {
    source: LogFilterSource,
    filter: reload::Handle<EnvFilter, Registry>,
}

impl Log {
    /// Reads the file of the filter again, and uses what it holds from now on. Returns the filter, or
    /// `None` if it was not given as a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be used. The filter of before then stays in use.
    pub(crate) fn reload(&self) -> anyhow::Result<Option<String>> {
        if !self.source.is_file() {
            return Ok(None);
        }
        let (filter, text) = read_filter(&self.source)?;
        self.filter.reload(filter)?;
        Ok(Some(text))
    }
}

fn read_filter(source: &LogFilterSource) -> anyhow::Result<(EnvFilter, String)> {
    let filter = source.read().map_err(anyhow::Error::msg);
    let filter = filter.context("--log cannot be used")?;
    let parsed = EnvFilter::builder().parse(filter.as_str());
    let parsed = parsed.context("--log cannot be used")?;
    Ok((parsed, filter.as_str().to_owned()))
}

/// Starts logging to standard error.
///
/// # Errors
///
/// Returns an error if the filter is invalid.
pub(crate) fn install(args: &LogArgs) -> anyhow::Result<Log> {
    let (filter, _) = read_filter(&args.log_filter)?;
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match args.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines.with_filter(filter_fn(is_safe_to_log)))
        .init();
    std::panic::set_hook(Box::new(log_panic));
    Ok(Log {
        source: args.log_filter.clone(),
        filter: handle,
    })
}

/// Returns `true` if an event contains no secrets or personal data.
///
/// Below `info`, events of libraries can quote a request's head, and with it keys and names. The AWS
/// credential providers quote whole responses and lines of files even in warnings; missing credentials
/// are logged by our own code, whose events are safe at every level.
fn is_safe_to_log(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let is_aws_credentials =
        target.starts_with("aws_config") || target.starts_with("aws_runtime::env_config");
    let is_quiet_library = *event.level() <= Level::INFO && !is_aws_credentials;
    is_quiet_library || target.starts_with("attache")
}

/// Logs the location of a panic. Its message is omitted: it can contain a filename or a person.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(
        location,
        thread = std::thread::current().name(),
        "internal error: panic"
    );
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for SharedBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn library_details_are_filtered_and_ours_are_kept() {
        let written = SharedBuffer::default();
        let writer = written.clone();
        let lines = fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(lines.with_filter(filter_fn(is_safe_to_log)))
            .with(EnvFilter::new("trace"));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "h2::codec", "authorization");
            tracing::trace!(target: "hyper::proto", "path");
            tracing::warn!(target: "aws_config::sts", "response");
            tracing::warn!(target: "aws_runtime::env_config::normalize", "line");
            tracing::info!(target: "h2", "kept");
            tracing::trace!(target: "attache_service", "ours");
            tracing::debug!(target: "attached::server", "own");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        for (word, is_logged) in [
            ("authorization", false),
            ("path", false),
            ("response", false),
            ("line", false),
            ("kept", true),
            ("ours", true),
            ("own", true),
        ] {
            assert_eq!(text.contains(word), is_logged, "{word}: {text}");
        }
    }
}
