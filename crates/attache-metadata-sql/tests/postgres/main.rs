//! The Postgres repository on a server that these tests start: the public suite, the schema, races
//! between processes, and what becomes of changes while the server or the way to it is lost.

#![cfg(all(feature = "postgres", unix))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

#[path = "../../examples/postgres_conformance/clock.rs"]
mod clock;
mod conformance;
mod costs;
#[cfg(feature = "sqlite")]
mod data_migration;
mod events;
mod faults;
mod place;
mod proxy;
mod races;
mod schema;
mod uploads;
