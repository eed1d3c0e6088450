#![doc = include_str!("../README.md")]

mod clock;
mod entropy;
mod fixture;
#[cfg(all(feature = "postgres", unix))]
mod postgres;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use fixture::{Fixture, FixtureOptions};
#[cfg(all(feature = "postgres", unix))]
pub use postgres::ThrowawayPostgres;
