//! How long what is handed out holds, as its caller asked within bounds.

use std::time::Duration;

use attache_model::InvalidValue;

use crate::ServiceError;

/// The lifetime that was asked for, in whole seconds: at least one, at most `most`.
///
/// # Errors
///
/// `Invalid`, of `expires_in`.
pub(crate) fn lifetime(
    asked: Option<Duration>,
    default: Duration,
    most: Duration,
) -> Result<Duration, ServiceError> {
    let lifetime = asked.unwrap_or(default);
    if lifetime.as_secs() >= 1 && lifetime <= most {
        return Ok(Duration::from_secs(lifetime.as_secs()));
    }
    let problem = format!("is not between 1 and {} seconds", most.as_secs());
    Err(InvalidValue::new("expires_in", problem).into())
}
