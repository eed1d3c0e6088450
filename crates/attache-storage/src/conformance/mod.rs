//! The conformance suite, which every backend and every wrapper must pass. Run it on yours.
//!
//! It uses nothing but the contract, stays below one namespace and deletes everything that it
//! stored, so it may run on a store that is in use.
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
mod leftovers;
mod listing;
mod new_keys;
mod reading;
mod refusing;
mod sandbox;
mod writing;

use std::fmt;

use attache_model::Entropy;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use self::leftovers::check_leftovers;
use self::sandbox::{Outcome, Sandbox};
use crate::{BlobKey, BlobStore};

/// Returns a namespace that no other run has: keys are never reused, not even by a test suite.
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

/// Runs all checks in order, up to the first that fails.
///
/// `namespace` must hold nothing else; see [`fresh_namespace`]. The blobs of the run are deleted,
/// whatever the result.
///
/// # Errors
///
/// The first check that failed.
pub async fn check_all(store: &dyn BlobStore, namespace: &BlobKey) -> Result<Report, Failure> {
    let mut passed = Vec::with_capacity(checks().len());
    for check in checks() {
        check.run(store, namespace).await?;
        passed.push(check.name());
    }
    Ok(Report { passed })
}

/// Returns all checks, to run them one by one or to list them.
pub fn checks() -> &'static [Check] {
    CHECKS
}

/// One requirement of the contract.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    run: for<'a> fn(&'a Sandbox<'a>) -> BoxFuture<'a, Outcome>,
}

impl Check {
    /// Returns the requirement as a short clause.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs this check alone, below `namespace`, and deletes what it stored.
    ///
    /// # Errors
    ///
    /// The store's behaviour instead, or the reason that the namespace could not be emptied.
    pub async fn run(&self, store: &dyn BlobStore, namespace: &BlobKey) -> Result<(), Failure> {
        let sandbox = Sandbox::new(store, namespace.clone());
        let outcome = (self.run)(&sandbox).await;
        let cleaned = sandbox.clean_up().await;
        outcome.and(cleaned).map_err(|violation| Failure {
            check: self.name,
            violation: violation.into_text(),
        })
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// The result of a run without failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
}

/// A check that a store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store fails the check that {check}: {violation}")]
pub struct Failure {
    check: &'static str,
    violation: String,
}

impl Failure {
    /// Returns the name of the check.
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// Returns the store's behaviour instead.
    pub fn violation(&self) -> &str {
        &self.violation
    }
}

macro_rules! check {
    ($name:literal, $run:path) => {
        Check {
            name: $name,
            run: |sandbox| $run(sandbox).boxed(),
        }
    };
}

const CHECKS: &[Check] = &[
    check!("a healthy store reports so", writing::health),
    check!("a blob reads as it was put", writing::round_trip),
    check!("chunks may be of any size", writing::uneven_chunks),
    check!("an existing key is treated as declared", writing::taken_key),
    check!("concurrent puts do not mix", writing::concurrent_puts),
    check!("a missing blob is not found", reading::missing),
    check!("a range yields its bytes", reading::ranges),
    check!("a range outside is refused", reading::ranges_outside),
    check!("a deleted blob is gone", reading::delete),
    check!("deleting can be repeated", reading::delete_again),
    check!(
        "a reader outlives a delete or fails",
        reading::delete_under_reader
    ),
    check!("presigning is as declared", reading::presign),
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
    check!("pages return each key once", listing::pages),
    check!("new keys differ and fit", new_keys::many_at_once),
];
