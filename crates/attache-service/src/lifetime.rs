//! Validates requested lifetimes of links and uploads.

use std::time::Duration;

use attache_model::InvalidValue;

use crate::ServiceError;

/// Returns the requested lifetime (or `default`) in whole seconds: at least one, at most `max`.
///
/// # Errors
///
/// `Invalid`, of `expires_in`.
pub(crate) fn check_lifetime(
    requested: Option<Duration>,
    default: Duration,
    max: Duration,
) -> Result<Duration, ServiceError> {
    let lifetime = requested.unwrap_or(default);
    if lifetime.as_secs() >= 1 && lifetime <= max {
        return Ok(Duration::from_secs(lifetime.as_secs()));
    }
    let problem = format!("is not between 1 and {} seconds", max.as_secs());
    Err(InvalidValue::new("expires_in", problem).into())
}
