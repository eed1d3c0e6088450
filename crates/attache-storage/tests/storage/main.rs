//! The backends and wrappers of this crate, from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod conformance;
#[cfg(target_os = "linux")]
mod leftovers;
mod local;
#[cfg(target_os = "linux")]
mod local_disks;
mod negative_controls;
mod support;
mod wrappers;
