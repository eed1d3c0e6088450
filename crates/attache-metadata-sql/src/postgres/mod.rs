//! The shared backend: a PostgreSQL server, and any number of processes on it.
//!
//! Every change is one transaction at READ COMMITTED, in which locks are taken in one order: an
//! upload, then people, then blobs by id, then the tenant's sequence, then files by id. A question that
//! a lock protects is asked in a statement *after* the one that took the lock: a statement that waits for
//! a lock works on the snapshot it had before it waited.

mod address;
pub(crate) mod connect;
mod diagnose;
mod failure;
mod link;
mod list;
pub(crate) mod migrate;
mod open;
mod options;
mod places;
mod resolve;
pub(crate) mod server;
mod session;
mod transaction;

pub use open::{Postgres, PostgresRepository};
pub use options::PostgresOptions;
