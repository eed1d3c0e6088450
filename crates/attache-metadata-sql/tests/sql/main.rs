//! The repositories against the public suite, and what goes beyond it: schemas, events, uploads over
//! restarts, groups of changes, races between processes, and lost servers. What holds for both
//! databases is written once and runs on each.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod broken;
mod broken_files;
mod broken_health;
mod broken_uploads;
mod conformance;
mod database;
mod earlier_values;
mod events;
mod schema;
mod sqlite;
mod uploads;

#[cfg(all(feature = "postgres", unix))]
mod postgres;
#[cfg(all(feature = "postgres", unix))]
#[path = "../../examples/postgres_conformance/clock.rs"]
mod server_clock;
