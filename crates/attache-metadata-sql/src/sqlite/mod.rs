//! The embedded backend: one file, one writer that commits in groups, several readers.

mod blobs;
mod change;
mod commit;
mod connect;
mod decode;
mod events;
mod failure;
mod files;
mod find;
#[cfg(feature = "postgres")]
mod frozen;
mod group;
mod list;
mod migrate;
mod open;
mod options;
mod people;
mod tenancy;
mod uploads;
mod wal;
mod writer;

#[cfg(feature = "postgres")]
pub(crate) use frozen::FrozenSqlite;
pub use open::SqliteRepository;
pub use options::SqliteOptions;
