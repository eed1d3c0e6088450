//! The store against a whole S3 on loopback (s3s-fs, with signatures verified), through a proxy that
//! breaks what it is told to.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod conformance;
mod credentials;
mod diagnosis;
mod faults;
mod giving_up;
mod memory;
mod presigned;
mod reading;
mod requests;
mod support;
