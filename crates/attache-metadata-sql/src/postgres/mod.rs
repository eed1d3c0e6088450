//! The shared backend: a PostgreSQL server, and any number of processes on it.
//!
//! Every change is one transaction at READ COMMITTED, in which locks are taken in one order: an
//! upload, then people, then blobs by id, then files by id. A question whose answer a lock is to protect is asked in a
//! statement *after* the one that took the lock: a statement that waits for a lock answers from the
//! snapshot it had before it waited.

mod blobs;
mod change;
mod commit;
pub(crate) mod connect;
mod decode;
mod diagnose;
mod events;
mod failure;
mod files;
mod find;
mod list;
pub(crate) mod migrate;
pub(crate) mod open;
mod options;
mod people;
mod reap;
mod settle;
mod tenancy;
mod transaction;
mod uploads;

pub use open::PostgresRepository;
pub use options::PostgresOptions;
