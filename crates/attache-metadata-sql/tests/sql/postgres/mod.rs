//! The behaviour of Postgres alone, on servers that these tests start.

mod away;
mod conformance;
mod costs;
mod data_migration;
mod earlier_server;
mod faults;
mod proxy;
mod races;
mod schema;
mod server;
mod uploads;

pub(crate) use server::ServerDatabase;
