//! SIGHUP: what the configuration names as a file is read again.

use attache::Installation;
use attache::model::with_causes;

use crate::logging::Log;
use crate::shutdown::Reloads;

/// Reads the files again at each signal. Never returns; cancel-safe between two signals.
pub(crate) async fn run(mut reloads: Reloads, installation: &Installation, log: &Log) {
    while reloads.next().await {
        reload(installation, log).await;
    }
    std::future::pending::<()>().await;
}

/// Reads each file again. One that cannot be used leaves in place what was read before.
async fn reload(installation: &Installation, log: &Log) {
    // The filter comes first, so that the lines below are logged as it says.
    let filter = log.reload().unwrap_or_else(|error| {
        let reason = format!("{error:#}");
        tracing::error!(reason, "the log filter stays as it was");
        None
    });
    let ring = installation.reload_signing_keys().await;
    let ring = ring.unwrap_or_else(|error| {
        let reason = with_causes(&error);
        tracing::error!(reason, "the signing keys stay as they were");
        None
    });
    let keys = ring.map(|ring| {
        let ids = ring.keys().map(|key| key.id().as_str());
        ids.collect::<Vec<_>>().join(",")
    });
    tracing::info!(
        signal = "SIGHUP",
        signing_keys = keys,
        log_filter = filter,
        "read again what these fields name; all other settings apply at the next start"
    );
}
