//! Progress of a data migration: a bar on a terminal, otherwise a line at intervals.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attache::data_migration::{DataMigrationEvent, DataMigrationObserver};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// The interval of lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

const STYLE: &str = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left  {msg}";

/// Shows the progress of a data migration on standard error.
pub(crate) struct Progress {
    state: Arc<State>,
    lines: Option<JoinHandle<()>>,
}

struct State {
    blobs: AtomicU64,
    all_blobs: AtomicU64,
    bytes: AtomicU64,
    all_bytes: AtomicU64,
    /// The current table, and how many of its rows are done.
    rows: Mutex<Option<(&'static str, u64)>>,
    /// `None` without a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts to show progress. Needs a tokio runtime.
    pub(crate) fn start() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let state = Arc::new(State {
            blobs: AtomicU64::new(0),
            all_blobs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            all_bytes: AtomicU64::new(0),
            rows: Mutex::new(None),
            bar: is_terminal.then(bar),
        });
        let lines = (!is_terminal).then(|| tokio::spawn(write_lines(state.clone())));
        Self { state, lines }
    }

    /// Returns the observer for the data migration.
    pub(crate) fn observer(&self) -> DataMigrationObserver {
        let state = self.state.clone();
        Arc::new(move |event| state.update(event))
    }

    /// Shows the final state, and stops.
    pub(crate) fn finish(self) {
        if let Some(lines) = &self.lines {
            lines.abort();
            eprintln!("{}", self.state.line());
        }
        if let Some(bar) = &self.state.bar {
            bar.abandon();
        }
    }
}

impl State {
    fn update(&self, event: DataMigrationEvent) {
        match event {
            DataMigrationEvent::Started { blobs, bytes } => {
                self.all_blobs.store(blobs, Ordering::Relaxed);
                self.all_bytes.store(bytes, Ordering::Relaxed);
            }
            DataMigrationEvent::BlobSkipped { size_bytes } => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(size_bytes, Ordering::Relaxed);
            }
            DataMigrationEvent::BytesRead(bytes) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            DataMigrationEvent::BlobCopied { .. } => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
            }
            DataMigrationEvent::RowsDone { table, rows } => {
                let mut done = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
                *done = Some((table, rows));
            }
            _ => {}
        }
        if let Some(bar) = &self.bar {
            bar.set_length(self.all_bytes.load(Ordering::Relaxed));
            bar.set_position(self.bytes.load(Ordering::Relaxed));
            bar.set_message(self.message());
        }
    }

    /// Formats the text after the bar.
    fn message(&self) -> String {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.map_or_else(
            || {
                let (blobs, all) = (&self.blobs, &self.all_blobs);
                let (blobs, all) = (blobs.load(Ordering::Relaxed), all.load(Ordering::Relaxed));
                format!("{blobs} of {all} blobs")
            },
            |(table, rows)| format!("{table}: {rows} rows"),
        )
    }

    /// Formats everything in one line.
    fn line(&self) -> String {
        let bytes = HumanBytes(self.bytes.load(Ordering::Relaxed));
        let all = HumanBytes(self.all_bytes.load(Ordering::Relaxed));
        format!("copied {bytes} of {all}, {}", self.message())
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(STYLE);
    // A test checks that the constant template is valid.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

async fn write_lines(state: Arc<State>) {
    let mut ticks = tokio::time::interval(LINE_INTERVAL);
    loop {
        ticks.tick().await;
        eprintln!("{}", state.line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_template_is_valid() {
        ProgressStyle::with_template(STYLE).unwrap();
    }

    #[tokio::test]
    async fn line_shows_blobs_and_then_rows() {
        let progress = Progress::start();
        let observe = progress.observer();
        observe(DataMigrationEvent::Started {
            blobs: 3,
            bytes: 4096,
        });
        observe(DataMigrationEvent::BlobSkipped { size_bytes: 1024 });
        observe(DataMigrationEvent::BytesRead(1024));
        observe(DataMigrationEvent::BlobCopied { size_bytes: 1024 });
        let line = progress.state.line();
        assert_eq!(line, "copied 2.00 KiB of 4.00 KiB, 2 of 3 blobs");
        observe(DataMigrationEvent::RowsDone {
            table: "files",
            rows: 500,
        });
        assert!(progress.state.line().ends_with("files: 500 rows"));
        progress.finish();
    }
}
