//! The behaviour of SQLite alone.

mod lanes;
mod schema;
mod uploads;
mod writer;
