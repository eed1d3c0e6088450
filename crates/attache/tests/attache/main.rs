//! The facade as embedders see it.

#![cfg(target_os = "linux")]
#![cfg_attr(
    feature = "postgres",
    expect(
        clippy::unwrap_used,
        reason = "helpers outside test functions may panic"
    )
)]

#[cfg(feature = "postgres")]
mod data_migration;
mod examples;
mod identity;
mod installation;
mod place;
mod restored;
