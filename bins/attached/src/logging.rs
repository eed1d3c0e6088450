//! Log lines: where they go, in which form, and what a panic writes.

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{LogArgs, LogFormat};

/// Begins to log to standard error.
///
/// # Errors
///
/// Where the filter cannot be read.
pub(crate) fn install(args: &LogArgs) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&args.log_filter)
        .context("--log: write a level such as info, or a filter such as info,attached=debug")?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match args.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter_fn(is_discreet)))
        .with(filter)
        .init();
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Whether an event may be logged at all. What is below `info` in the libraries used can quote a
/// request's head, and with it keys and names; our own parts quote none at any level. Who looks for
/// credentials quotes whole answers, and lines of files, even in its warnings; that there are none is
/// told by us.
fn is_discreet(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let is_of_credentials =
        target.starts_with("aws_config") || target.starts_with("aws_runtime::env_config");
    let is_plain = *event.level() <= Level::INFO && !is_of_credentials;
    is_plain || target.starts_with("attache")
}

/// Says where a panic happened. Its message is left out: it can quote a file's name or a person.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(
        location,
        thread = std::thread::current().name(),
        "a fault of the program: a panic"
    );
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn libraries_never_tell_details_and_our_own_parts_do_when_asked() {
        let written = Written::default();
        let writer = written.clone();
        let lines = fmt::layer().with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(lines.with_filter(filter_fn(is_discreet)))
            .with(EnvFilter::new("trace"));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "h2::codec", "authorization");
            tracing::trace!(target: "hyper::proto", "path");
            tracing::warn!(target: "aws_config::sts", "answer");
            tracing::warn!(target: "aws_runtime::env_config::normalize", "line");
            tracing::info!(target: "h2", "told");
            tracing::trace!(target: "attache_service", "ours");
            tracing::debug!(target: "attached::server", "mine");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        for (word, is_there) in [
            ("authorization", false),
            ("path", false),
            ("answer", false),
            ("line", false),
            ("told", true),
            ("ours", true),
            ("mine", true),
        ] {
            assert_eq!(text.contains(word), is_there, "{word}: {text}");
        }
    }
}
