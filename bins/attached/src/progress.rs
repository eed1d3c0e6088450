//! How far a transfer has come: a bar on a terminal, and a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attache::transfer::{TransferEvent, TransferObserver};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

const STYLE: &str = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left  {msg}";

/// Shows on standard error how far a transfer has come.
pub(crate) struct Progress {
    state: Arc<State>,
    lines: Option<JoinHandle<()>>,
}

struct State {
    blobs: AtomicU64,
    all_blobs: AtomicU64,
    bytes: AtomicU64,
    all_bytes: AtomicU64,
    /// The table whose rows are being carried, and how many are done.
    rows: Mutex<Option<(&'static str, u64)>>,
    /// `None` where there is no terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to show. Needs a tokio runtime.
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

    /// What the transfer is to tell.
    pub(crate) fn observer(&self) -> TransferObserver {
        let state = self.state.clone();
        Arc::new(move |event| state.note(event))
    }

    /// Shows the last state, and no more.
    pub(crate) fn end(self) {
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
    fn note(&self, event: TransferEvent) {
        match event {
            TransferEvent::Begun { blobs, bytes } => {
                self.all_blobs.store(blobs, Ordering::Relaxed);
                self.all_bytes.store(bytes, Ordering::Relaxed);
            }
            TransferEvent::BlobFound { size_bytes } => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(size_bytes, Ordering::Relaxed);
            }
            TransferEvent::BytesRead(bytes) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            TransferEvent::BlobCarried { .. } => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
            }
            TransferEvent::RowsDone { table, rows } => {
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

    /// What stands behind the bar.
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

    /// All of it in one line.
    fn line(&self) -> String {
        let bytes = HumanBytes(self.bytes.load(Ordering::Relaxed));
        let all = HumanBytes(self.all_bytes.load(Ordering::Relaxed));
        format!("carried {bytes} of {all}, {}", self.message())
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template(STYLE);
    // The template is a constant, and a test reads it.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

async fn write_lines(state: Arc<State>) {
    let mut turns = tokio::time::interval(EVERY);
    loop {
        turns.tick().await;
        eprintln!("{}", state.line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_has_a_style() {
        ProgressStyle::with_template(STYLE).unwrap();
    }

    #[tokio::test]
    async fn a_line_tells_of_blobs_and_then_of_rows() {
        let progress = Progress::start();
        let tell = progress.observer();
        tell(TransferEvent::Begun {
            blobs: 3,
            bytes: 4096,
        });
        tell(TransferEvent::BlobFound { size_bytes: 1024 });
        tell(TransferEvent::BytesRead(1024));
        tell(TransferEvent::BlobCarried { size_bytes: 1024 });
        let line = progress.state.line();
        assert_eq!(line, "carried 2.00 KiB of 4.00 KiB, 2 of 3 blobs");
        tell(TransferEvent::RowsDone {
            table: "files",
            rows: 500,
        });
        assert!(progress.state.line().ends_with("files: 500 rows"));
        progress.end();
    }
}
