//! The options of a shared database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attache_metadata::EventHook;

use super::address;
use crate::open_error::OpenError;

/// The options to reach and use a database on a PostgreSQL server with.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// The address of the database: `postgres://user:password@host:port/database?sslmode=…`. A secret.
    pub url: String,
    /// The most connections that this process opens, at least 1. 10 by default.
    pub max_connections: u32,
    /// Turns changes into outbox rows; `None` for none.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// The time that a call waits for a connection, to be made or to become free, before it fails as
    /// unavailable. 5 seconds by default.
    pub acquire_for: Duration,
    /// The time that the commit of an upload whose response was lost is looked for, before its outcome is
    /// unknown. 10 seconds by default.
    pub resolve_for: Duration,
}

impl PostgresOptions {
    /// Returns the defaults for a database: ten connections, no event hook.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 10,
            event_hook: None,
            acquire_for: Duration::from_secs(5),
            resolve_for: Duration::from_secs(10),
        }
    }

    /// Returns the same as [`new`](Self::new), for an address that is to be checked.
    ///
    /// # Errors
    ///
    /// [`OpenError::Address`] where it cannot be one.
    pub fn parse(url: impl Into<String>) -> Result<Self, OpenError> {
        let options = Self::new(url);
        address::parse(&options.url)?;
        Ok(options)
    }

    /// Returns the options with an event hook.
    #[must_use]
    pub fn with_event_hook(mut self, hook: Arc<dyn EventHook>) -> Self {
        self.event_hook = Some(hook);
        self
    }

    /// Returns the options with another number of connections.
    #[must_use]
    pub fn with_max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("max_connections", &self.max_connections)
            .field("event_hook", &self.event_hook)
            .field("acquire_for", &self.acquire_for)
            .field("resolve_for", &self.resolve_for)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_address_is_refused_and_not_shown() {
        for url in [
            "postgres://u:p@db.example:5433/files",
            "postgresql://localhost/files?host=/run/postgresql&sslmode=disable",
            "postgres://h/d?options[search_path]=attache",
        ] {
            PostgresOptions::parse(url).unwrap();
        }
        for url in [
            "",
            "mysql://u:canary@h/d",
            "postgres://u:canary@h:port/d",
            "postgres://h/d?pasword=canary",
            "postgres://h/d?sslmode=canary",
        ] {
            let refused = PostgresOptions::parse(url).unwrap_err();
            assert!(matches!(refused, OpenError::Address), "{url}: {refused}");
            assert!(!format!("{refused} {refused:?}").contains("canary"));
        }
    }

    #[test]
    fn debug_hides_the_address() {
        let options = PostgresOptions::new("postgres://user:hunter2@db.example/files");
        let shown = format!("{options:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("db.example"),
            "{shown}"
        );
    }
}
