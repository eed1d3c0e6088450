//! Acceptance tests: stories about a running `attached`, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

mod support;

mod api_keys;
mod atomic_uploads;
mod availability;
mod body_limits;
mod claims;
mod content;
mod cors;
mod crash;
mod data_migration;
mod deduplication;
mod dialects;
mod disk_full;
mod errors;
mod filenames;
mod first_start;
mod following;
mod hostile_requests;
mod installation;
mod isolation;
mod lifecycle;
mod links;
mod list;
mod logs;
mod metrics;
mod openapi;
mod outages;
mod pagination;
mod pending_uploads;
mod presigned_requests;
mod public_files;
mod record;
mod refusals;
mod reload;
mod replicas;
mod shared_start;
mod shutdown;
mod slow_clients;
mod store_credentials;
mod tls_backends;
mod truncated_bodies;
mod upload;
mod verify;
