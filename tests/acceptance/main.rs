//! The acceptance tests: stories about a running `attached`, told over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "a test says that something is wrong by panicking"
)]

mod support;

mod all_or_nothing;
mod claims;
mod content;
mod contract;
mod crash;
mod cross_origin;
mod deduplication;
mod dialects;
mod disk_full;
mod encrypted;
mod errors;
mod first_start;
mod hostile;
mod isolation;
mod keys;
mod lifecycle;
mod links;
mod list;
mod logs;
mod moving;
mod names;
mod outages;
mod paging;
mod past_the_server;
mod public;
mod record;
mod replicas;
mod roles;
mod shared_start;
mod shutdown;
mod slow_clients;
mod too_large;
mod truncated;
mod upload;
mod uploads;
