//! The signals that end the server.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the shell makes of a process that a signal ended.
const SECOND_SIGNAL_EXIT: i32 = 130;

/// Takes over SIGTERM and SIGINT. The answer is ready, with the signal's name, at the first of them;
/// from then on the next one ends the process at once.
///
/// # Errors
///
/// Where the system does not let the process listen.
pub(crate) fn listen() -> anyhow::Result<impl Future<Output = &'static str>> {
    let listen = |kind| signal(kind).context("signals cannot be listened to");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        let first = either(&mut terminate, &mut interrupt).await;
        tokio::spawn(async move {
            let second = either(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = second, "told to end a second time: ending at once");
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
