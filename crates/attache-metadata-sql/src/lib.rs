#![doc = include_str!("../README.md")]

#[cfg(feature = "sqlite")]
mod listing;
#[cfg(feature = "sqlite")]
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::{DatabaseFailure, MigrationReport, OpenError, SqliteOptions, SqliteRepository};
