//! Copying the records of an SQLite database to PostgreSQL, row by row and unchanged.
//!
//! Both schemas have the same tables with the same columns, and each table is copied as it is. See
//! [`DataMigration`].

mod copy;
mod error;
mod page;
mod source;
mod tables;
mod target;
#[cfg(all(test, unix))]
mod tests;

pub use copy::{CopiedRows, DataMigration, SourceBlob};
pub use error::DataMigrationError;

use page::{Comparison, Page, compare};
use tables::Table;
