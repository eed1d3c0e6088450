//! The embedded backend: one file, one writer that commits in groups, several readers.

mod blobs;
mod change;
mod commit;
pub(crate) mod connect;
mod decode;
mod events;
pub(crate) mod failure;
mod files;
mod find;
mod group;
mod list;
pub(crate) mod migrate;
pub(crate) mod open;
mod options;
mod people;
mod tenancy;
mod uploads;
mod wal;
mod writer;

pub use open::SqliteRepository;
pub use options::SqliteOptions;
