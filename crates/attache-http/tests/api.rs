//! The whole HTTP API in this process, on SQLite and an in-memory store with scripted faults: the cases
//! that a black-box test cannot cause. Every response is checked against the OpenAPI document.

#![expect(clippy::unwrap_used, reason = "a test ends at the first failure")]

mod api {
    mod authorisation;
    mod contract;
    mod conversation;
    mod dialects;
    mod direct_uploads;
    mod ended_keys;
    mod faults;
    mod inspection;
    mod leniency;
    mod notations;
    mod panics;
    mod redirects;
    mod single_uploads;
    mod support;
    mod web_pages;
}
