//! The whole HTTP API in this process, on SQLite and a store in memory whose faults are scripted: what
//! a test from outside cannot bring about. Every answer is held against the OpenAPI document.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod api {
    mod authorisation;
    mod contract;
    mod conversation;
    mod dialects;
    mod direct_uploads;
    mod faults;
    mod inspection;
    mod panics;
    mod redirects;
    mod support;
}
