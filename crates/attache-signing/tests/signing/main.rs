//! Signed links, cursors and API keys as users of the crate see them.

#![expect(
    clippy::unwrap_used,
    reason = "helpers outside test functions may panic"
)]

mod api_keys;
mod cursors;
mod links;
mod redaction;
mod upload_links;
mod vectors;

use std::time::Duration;

use attache_model::{OsEntropy, Timestamp};
use attache_signing::KeyRing;

const DAY: Duration = Duration::from_hours(24);
const NOW_SECONDS: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW_SECONDS * 1000)
}

fn ring() -> KeyRing {
    KeyRing::generate(now(), &OsEntropy)
}

/// Generates a ring on an earlier day, so that its key id differs from the key id of [`ring`].
fn earlier_ring() -> KeyRing {
    KeyRing::generate(
        Timestamp::from_millis((NOW_SECONDS - 86_400) * 1000),
        &OsEntropy,
    )
}

/// Returns a ring in which `newer` signs and both verify.
fn rotated(newer: &KeyRing, older: &KeyRing) -> KeyRing {
    newer
        .clone()
        .with_second(older.signing_key().clone())
        .unwrap()
}
