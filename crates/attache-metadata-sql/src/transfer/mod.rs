//! Carrying the records of an SQLite database over to PostgreSQL, row by row and unchanged.
//!
//! Both schemas have the same tables with the same columns, and each table is copied as it is. See
//! [`Transfer`].

mod carry;
mod error;
mod page;
mod tables;
#[cfg(all(test, unix))]
mod tests;

pub use carry::{CarriedRows, Transfer, TransferBlob};
pub use error::TransferError;

pub(crate) use page::{Comparison, Page, Values, compare};
pub(crate) use tables::Table;
