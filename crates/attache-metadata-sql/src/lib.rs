#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlite"),
    doc = "The metadata of attache in an SQL database: each feature, `sqlite` and `postgres`, brings one."
)]
// Without a backend there is nothing to run statements on.
#![cfg(any(feature = "sqlite", feature = "postgres"))]

mod blob_health;
mod blobs;
mod call;
mod calls;
mod columns;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub mod data_migration;
mod failure;
mod installation;
mod leases;
mod list;
mod migrations;
mod open_error;
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
mod reap;
mod records;
mod repository;
mod rows;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tenancy;
mod uploads;

pub use open_error::{DatabaseFailure, MigrationReport, OpenError};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions, PostgresRepository};
pub use repository::SqlRepository;
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteOptions, SqliteRepository};
