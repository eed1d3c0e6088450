//! The operations without HTTP, on SQLite and an in-memory store with scripted faults.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod service {
    mod access;
    mod bodies;
    mod downloads;
    mod ended_keys;
    mod in_flight;
    mod inspections;
    mod lists;
    mod lost_bytes;
    mod media_types;
    mod pending_bounds;
    mod pending_uploads;
    mod presigned;
    mod reaper;
    mod reused_contexts;
    mod sessions;
    mod stock;
    mod support;
    mod verification;
}
