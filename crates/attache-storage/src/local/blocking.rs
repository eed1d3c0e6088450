//! Blocking work on the runtime's threads for it.

use tokio::task::JoinError;

use super::error::LocalError;

/// Runs work on a blocking thread and waits for it. Once started, it runs to its end even if the
/// future is dropped.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LocalError> {
    finished(tokio::task::spawn_blocking(work)).await
}

/// Waits for work that is running already, and resumes its panic.
pub(super) async fn finished<T>(
    task: impl Future<Output = Result<T, JoinError>>,
) -> Result<T, LocalError> {
    task.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => LocalError::ShuttingDown,
    })
}
