#![doc = include_str!("../README.md")]

mod clock;
mod entropy;
mod fixture;
#[cfg(feature = "http")]
mod http_client;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
mod presigning;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use fixture::{Fixture, FixtureOptions};
#[cfg(feature = "http")]
pub use http_client::{HttpAnswer, HttpCall, HttpClient, HttpProblem, PUBLIC_URL};
#[cfg(all(feature = "postgres", unix))]
pub use postgres::ThrowawayPostgres;
pub use presigning::STORE_URL;
