//! What SQLite alone does.

mod schema;
mod uploads;
mod writer;
