//! The verbs without HTTP, on SQLite and a store in memory whose faults are scripted.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod service {
    mod attempts;
    mod authorising;
    mod direct;
    mod downloading;
    mod listing;
    mod presigned;
    mod reaping;
    mod support;
    mod types;
    mod uploading;
}
