//! The embedded backend: one file, one thread that writes and commits in groups, and a few that read.

pub(crate) mod connection;
mod failure;
mod group;
mod list;
pub(crate) mod migrate;
pub(crate) mod open;
mod options;
mod queue;
pub(crate) mod readers;
pub(crate) mod session;
mod wal;
mod writer;

pub use open::{Sqlite, SqliteRepository};
pub use options::SqliteOptions;
