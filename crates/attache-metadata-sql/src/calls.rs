//! The calls to a database, counted and timed; its outages, logged once each.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use attache_metadata::{RepositoryError, RepositoryErrorKind};
use attache_model::{Outage, OutageChange};
use metrics::{counter, histogram};

/// The observer of a database's calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    outage: Mutex<Outage>,
}

impl Calls {
    /// Waits for a call, and records its duration and outcome.
    pub(crate) async fn observe<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, RepositoryError>>,
    ) -> Result<T, RepositoryError> {
        let started = Instant::now();
        let result = call.await;
        let labels = [("operation", operation)];
        histogram!("attache_database_call_duration_seconds", &labels).record(started.elapsed());
        match &result {
            Ok(_) => self.note_success(),
            Err(error) => {
                let labels = [("operation", operation), ("kind", kind_name(error.kind()))];
                counter!("attache_database_errors_total", &labels).increment(1);
                if error.is_outage() {
                    self.note_failure(error);
                }
            }
        }
        result
    }

    fn note_success(&self) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(OutageChange::Ended { failures, lasted }) = outage.succeeded(Instant::now()) {
            tracing::info!(failures, ?lasted, "the database responds again");
        }
    }

    fn note_failure(&self, error: &RepositoryError) {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if outage.failed(Instant::now()).is_some() {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the database is unavailable or full");
        }
    }
}

fn kind_name(kind: RepositoryErrorKind) -> &'static str {
    match kind {
        RepositoryErrorKind::Unavailable => "unavailable",
        RepositoryErrorKind::Busy => "busy",
        RepositoryErrorKind::OutcomeUnknown => "outcome-unknown",
        RepositoryErrorKind::OutOfSpace => "out-of-space",
        RepositoryErrorKind::Inconsistent => "inconsistent",
        _ => "other",
    }
}
