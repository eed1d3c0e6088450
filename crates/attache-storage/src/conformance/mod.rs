//! A suite that every backend and every wrapper must pass; run it on yours.
//!
//! It uses nothing but the contract, cleans up behind itself, and may run on a store that is in
//! use: everything it does happens below one namespace.
//!
//! ```
//! use attache_model::OsEntropy;
//! use attache_storage::{MemoryBlobStore, conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let store = MemoryBlobStore::new();
//! let report = conformance::check_all(&store, &conformance::fresh_namespace(&OsEntropy)).await?;
//! assert!(report.passed.contains(&"an aborted body leaves nothing"));
//! # Ok::<(), conformance::Failure>(())
//! # }).unwrap();
//! ```

mod bodies;
mod cancelling;
mod listing;
mod reading;
mod refusing;
mod space;
mod writing;

use std::fmt;

use attache_model::Entropy;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use self::space::{Outcome, Space};
use crate::{BlobKey, BlobStore};

/// A namespace that no other run has: keys are never reused, not even by a test suite.
///
/// # Panics
///
/// Never: hex digits are always a key.
pub fn fresh_namespace(entropy: &dyn Entropy) -> BlobKey {
    let mut random = [0; 8];
    entropy.fill(&mut random);
    let text = format!("conformance-{:016x}", u64::from_le_bytes(random));
    BlobKey::parse(text).expect("hex digits are a key")
}

/// Runs every check, one after the other, up to the first that fails.
///
/// `namespace` holds the blobs of this run and nothing else; see [`fresh_namespace`]. Whatever comes
/// of it, the blobs are deleted again.
///
/// # Errors
///
/// The first check that failed, by name.
pub async fn check_all(store: &dyn BlobStore, namespace: &BlobKey) -> Result<Report, Failure> {
    let mut passed = Vec::with_capacity(checks().len());
    for check in checks() {
        check.run(store, namespace).await?;
        passed.push(check.name());
    }
    Ok(Report { passed })
}

/// Every check, to run them singly or to list them.
pub fn checks() -> &'static [Check] {
    CHECKS
}

/// One thing that a store must do.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    run: for<'a> fn(&'a Space<'a>) -> BoxFuture<'a, Outcome>,
}

impl Check {
    /// What the store must do, as a short clause.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs this check alone, below `namespace`, and deletes what it stored.
    ///
    /// # Errors
    ///
    /// What the store did instead, or what kept it from being cleaned.
    pub async fn run(&self, store: &dyn BlobStore, namespace: &BlobKey) -> Result<(), Failure> {
        let space = Space::new(store, namespace.clone());
        let outcome = (self.run)(&space).await;
        let cleaned = space.clean_up().await;
        outcome.and(cleaned).map_err(|problem| Failure {
            check: self.name,
            problem: problem.into_text(),
        })
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// What a passing run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The names of the checks, all of which passed.
    pub passed: Vec<&'static str>,
}

/// A check that a store did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store fails the check that {check}: {problem}")]
pub struct Failure {
    check: &'static str,
    problem: String,
}

impl Failure {
    /// The name of the check.
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// What the store did instead.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

macro_rules! check {
    ($name:literal, $run:path) => {
        Check {
            name: $name,
            run: |space| $run(space).boxed(),
        }
    };
}

const CHECKS: &[Check] = &[
    check!("a healthy store says so", writing::health),
    check!("a blob is as it was put", writing::round_trip),
    check!("chunks may be of any size", writing::uneven_chunks),
    check!("a taken key is treated as announced", writing::taken_key),
    check!("concurrent puts do not mix", writing::concurrent_puts),
    check!("a missing blob is not found", reading::missing),
    check!("a range gives its bytes", reading::ranges),
    check!("a range outside is refused", reading::ranges_outside),
    check!("a deleted blob is gone", reading::delete),
    check!("deleting can be repeated", reading::delete_again),
    check!(
        "a reader outlives a delete or fails",
        reading::delete_under_reader
    ),
    check!("presigning is as announced", reading::presign),
    check!("a short body is refused", refusing::short_body),
    check!("a long body is refused", refusing::long_body),
    check!("the size limit is exact", refusing::size_limit),
    check!("the digest is verified", refusing::digest),
    check!("an aborted body leaves nothing", refusing::aborted_body),
    check!("a body is not read after its end", refusing::body_end),
    check!("a dropped put leaves nothing", cancelling::dropped_midway),
    check!(
        "a put dropped at its end is whole or nothing",
        cancelling::dropped_at_end
    ),
    check!("a listing is in byte order", listing::order),
    check!("a listing keeps to its prefix", listing::prefix),
    check!("pages give each key once", listing::pages),
];
