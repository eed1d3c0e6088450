//! The signals that stop the server, and those that must not.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code by which a shell reports that SIGINT ended a process.
const SECOND_SIGNAL_EXIT: i32 = 130;

/// Installs handlers for SIGTERM and SIGINT, and for the signals that would end the process without a line.
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
    ignore(listen(SignalKind::hangup())?, "SIGHUP");
    ignore(listen(SignalKind::user_defined1())?, "SIGUSR1");
    ignore(listen(SignalKind::user_defined2())?, "SIGUSR2");
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

/// Keeps a signal from ending the process, and says that it has no other effect.
fn ignore(mut received: Signal, name: &'static str) {
    tokio::spawn(async move {
        while received.recv().await.is_some() {
            tracing::info!(
                signal = name,
                "ignored: API keys apply at once, settings and signing keys at the next start"
            );
        }
    });
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
