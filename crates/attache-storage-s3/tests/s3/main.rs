//! The store against a complete S3 server on loopback (s3s-fs, which verifies signatures), behind a
//! proxy that injects faults.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cancellation;
mod conformance;
mod credentials;
mod diagnosis;
mod faults;
mod marker;
mod memory;
mod presigned;
mod reading;
mod requests;
mod support;
