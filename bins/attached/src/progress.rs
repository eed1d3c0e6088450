//! Progress of a long command on standard error: a bar on a terminal, otherwise a line at intervals.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attache::data_migration::{DataMigrationEvent, DataMigrationObserver};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// The interval of lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The unit of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Blobs,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left  {msg}",
            Self::Blobs => "{bar:30} {pos}/{len} blobs  {eta} left  {msg}",
        }
    }
}

/// Shows the progress of a command.
pub(crate) struct Progress {
    unit: Unit,
    /// Counts, and draws itself only on a terminal.
    bar: ProgressBar,
    /// `None` on a terminal.
    lines: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show progress. Needs a tokio runtime.
    pub(crate) fn start(unit: Unit) -> Self {
        // A test checks that the constant templates are valid.
        let style = ProgressStyle::with_template(unit.template());
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style);
        let lines = if bar.is_hidden() {
            Some(tokio::spawn(write_lines(bar.clone(), unit)))
        } else {
            bar.enable_steady_tick(Duration::from_millis(500));
            None
        };
        Self { unit, bar, lines }
    }

    /// Sets how much there is to do.
    pub(crate) fn set_length(&self, length: u64) {
        self.bar.set_length(length);
    }

    /// Adds what was done.
    pub(crate) fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// Runs `print` while nothing is drawn.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Returns the observer for the data migration.
    pub(crate) fn observer(&self) -> DataMigrationObserver {
        let bar = self.bar.clone();
        let (done, all) = (AtomicU64::new(0), AtomicU64::new(0));
        let count_blob = move |bar: &ProgressBar, all: &AtomicU64| {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            bar.set_message(format!("{done} of {} blobs", all.load(Ordering::Relaxed)));
        };
        Arc::new(move |event| match event {
            DataMigrationEvent::Started { blobs, bytes } => {
                all.store(blobs, Ordering::Relaxed);
                bar.set_length(bytes);
                bar.set_message(format!("0 of {blobs} blobs"));
            }
            DataMigrationEvent::BlobSkipped { size_bytes } => {
                bar.inc(size_bytes);
                count_blob(&bar, &all);
            }
            DataMigrationEvent::BytesRead(bytes) => bar.inc(bytes),
            DataMigrationEvent::BlobCopied { .. } => count_blob(&bar, &all),
            DataMigrationEvent::RowsDone { table, rows } => {
                bar.set_message(format!("{table}: {rows} rows"));
            }
            _ => {}
        })
    }

    /// Shows the final state, and stops.
    pub(crate) fn finish(self) {
        if let Some(lines) = self.lines {
            lines.abort();
            eprintln!("{}", line(&self.bar, self.unit));
        }
        self.bar.abandon();
    }
}

/// Formats the progress in one line.
fn line(bar: &ProgressBar, unit: Unit) -> String {
    let (done, all) = (bar.position(), bar.length().unwrap_or(0));
    let counted = match unit {
        Unit::Bytes => format!("{} of {} done", HumanBytes(done), HumanBytes(all)),
        Unit::Blobs => format!("{done} of {all} blobs done"),
    };
    let message = bar.message();
    if message.is_empty() {
        counted
    } else {
        format!("{counted}, {message}")
    }
}

async fn write_lines(bar: ProgressBar, unit: Unit) {
    let mut ticks = tokio::time::interval(LINE_INTERVAL);
    loop {
        ticks.tick().await;
        eprintln!("{}", line(&bar, unit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_template_is_valid() {
        for unit in [Unit::Bytes, Unit::Blobs] {
            ProgressStyle::with_template(unit.template()).unwrap();
        }
    }

    #[tokio::test]
    async fn line_shows_blobs_and_then_rows() {
        let progress = Progress::start(Unit::Bytes);
        let observe = progress.observer();
        observe(DataMigrationEvent::Started {
            blobs: 3,
            bytes: 4096,
        });
        observe(DataMigrationEvent::BlobSkipped { size_bytes: 1024 });
        observe(DataMigrationEvent::BytesRead(1024));
        observe(DataMigrationEvent::BlobCopied { size_bytes: 1024 });
        let shown = line(&progress.bar, progress.unit);
        assert_eq!(shown, "2.00 KiB of 4.00 KiB done, 2 of 3 blobs");
        observe(DataMigrationEvent::RowsDone {
            table: "files",
            rows: 500,
        });
        assert!(line(&progress.bar, progress.unit).ends_with("files: 500 rows"));
        progress.finish();
    }
}
