//! The signals that stop the server.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code by which a shell reports that SIGINT ended a process.
const SECOND_SIGNAL_EXIT: i32 = 130;

/// Installs handlers for SIGTERM and SIGINT.
///
/// The future resolves to the name of the first signal. From then on, a second signal ends the process
/// at once.
///
/// # Errors
///
/// Returns an error if the system refuses a handler.
pub(crate) fn listen() -> anyhow::Result<impl Future<Output = &'static str>> {
    let listen = |kind| signal(kind).context("signal handlers cannot be installed");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
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

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
