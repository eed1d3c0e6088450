#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlite"),
    doc = "The metadata of attache in an SQL database: each feature, `sqlite` and `postgres`, brings one."
)]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod alter;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub mod data_migration;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod listing;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod order;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod uploads;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresRepository};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use schema::{DatabaseFailure, MigrationReport, OpenError};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteRepository};
