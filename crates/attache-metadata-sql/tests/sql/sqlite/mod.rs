//! The behaviour of SQLite alone.

mod schema;
mod uploads;
mod writer;
