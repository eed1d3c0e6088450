#![doc = include_str!("../README.md")]

#[cfg(feature = "http")]
mod api_document;
#[cfg(feature = "fixture")]
mod clock;
#[cfg(feature = "fixture")]
mod entropy;
#[cfg(feature = "fixture")]
mod fixture;
#[cfg(feature = "http")]
mod http_client;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
#[cfg(feature = "fixture")]
mod presigning;
#[cfg(feature = "s3")]
mod s3;
#[cfg(all(feature = "tls", unix))]
mod tls;

#[cfg(feature = "fixture")]
pub use clock::ManualClock;
#[cfg(feature = "fixture")]
pub use entropy::SeededEntropy;
#[cfg(feature = "fixture")]
pub use fixture::{Fixture, FixtureOptions};
#[cfg(feature = "http")]
pub use http_client::{HttpCall, HttpClient, HttpProblem, HttpResponse, PUBLIC_URL};
#[cfg(all(feature = "postgres", unix))]
pub use postgres::{PostgresServer, ThrowawayPostgres};
#[cfg(feature = "fixture")]
pub use presigning::STORE_URL;
#[cfg(feature = "s3")]
pub use s3::{S3Fault, S3Object, S3Operation, S3Request, ThrowawayS3};
#[cfg(all(feature = "tls", unix))]
pub use tls::{ThrowawayAuthority, TlsProxy};
