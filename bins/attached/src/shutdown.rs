//! The signals that stop the server, and those that must not.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code by which a shell reports that SIGINT ended a process.
const SECOND_SIGNAL_EXIT: i32 = 130;

/// The signals to read files again.
#[derive(Debug)]
pub(crate) struct Reloads(Signal);

impl Reloads {
    /// Installs the handler of SIGHUP.
    ///
    /// # Errors
    ///
    /// Returns an error if the system refuses it.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        handle(SignalKind::hangup()).map(Self)
    }

    /// Keeps SIGHUP from ending a process that has nothing to read again.
    pub(crate) fn ignore(self) {
        ignore(self.0, "SIGHUP");
    }

    /// Waits for the next signal; several that have not been waited for count as one. Returns `false` if
    /// there will be none.
    pub(crate) async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

/// Installs handlers for SIGTERM and SIGINT, and for the user signals, which would end the process without
/// a line.
///
/// The future resolves to the name of the first signal to stop. From then on, a second one ends the
/// process at once.
///
/// # Errors
///
/// Returns an error if the system refuses a handler.
pub(crate) fn listen() -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut terminate = handle(SignalKind::terminate())?;
    let mut interrupt = handle(SignalKind::interrupt())?;
    ignore(handle(SignalKind::user_defined1())?, "SIGUSR1");
    ignore(handle(SignalKind::user_defined2())?, "SIGUSR2");
    Ok(async move {
        let first = either(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            let second = either(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = second, "second signal: exiting at once");
            std::process::exit(SECOND_SIGNAL_EXIT);
        });
        first
    })
}

fn handle(kind: SignalKind) -> anyhow::Result<Signal> {
    signal(kind).context("signal handlers cannot be installed")
}

/// Keeps a signal from ending the process, and says that it has no other effect.
fn ignore(mut received: Signal, name: &'static str) {
    tokio::spawn(async move {
        while received.recv().await.is_some() {
            tracing::info!(signal = name, "ignored: SIGTERM stops the process");
        }
    });
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
