#![doc = include_str!("../README.md")]

mod clock;
mod entropy;
mod fixture;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use fixture::{Fixture, FixtureOptions};
