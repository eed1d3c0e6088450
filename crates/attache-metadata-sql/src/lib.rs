#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlite"),
    doc = "The metadata of attache in an SQL database. No database was chosen: turn the feature `sqlite` on."
)]

#[cfg(feature = "sqlite")]
mod listing;
#[cfg(feature = "sqlite")]
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::{DatabaseFailure, MigrationReport, OpenError, SqliteOptions, SqliteRepository};
