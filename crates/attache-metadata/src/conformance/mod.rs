//! The conformance suite: checks that every [`MetadataRepository`] must pass.
//!
//! Run it against your own backend. A [`Fixture`] is one empty repository with a way to advance its
//! clock; a [`FixtureFactory`] creates a new one for each check. The checks need no particular async
//! runtime, and all randomness is seeded, so that failures are reproducible.
//!
//! ```
//! use attache_metadata::conformance::{FixtureFactory, check_all};
//!
//! async fn my_repository_conforms(factory: &dyn FixtureFactory) {
//!     let failures = check_all(factory).await;
//!     assert!(failures.is_empty(), "{failures:#?}");
//! }
//! ```

mod claims;
mod commits;
mod dedup;
mod endings;
mod following;
mod health;
mod installation;
mod isolation;
mod lifecycle;
mod listing;
mod naive;
mod page_text;
mod people;
mod reaping;
mod tenancy;
mod uploads;
mod world;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::MetadataRepository;
use world::{CheckResult, World};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A repository under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Returns the repository.
    fn repository(&self) -> Arc<dyn MetadataRepository>;

    /// Lets at least `duration` pass on the database's clock, by advancing the clock or by waiting.
    ///
    /// A check calls this at most twice, with twice its [`short_lease`](Self::short_lease).
    async fn advance(&self, duration: Duration);

    /// The duration of a lease that a check lets end; 200 milliseconds by default.
    ///
    /// The few calls that a check makes before the end must take less. A fixture that can advance its
    /// clock should return one to five minutes (leases that must hold last an hour). One that waits may
    /// return seconds, for a distant database.
    fn short_lease(&self) -> Duration {
        Duration::from_millis(200)
    }
}

/// Creates repositories to test.
#[async_trait]
pub trait FixtureFactory: Send + Sync {
    /// Creates an empty repository, without even a tenant.
    ///
    /// # Errors
    ///
    /// Any error fails the check that asked for the fixture.
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError>;
}

/// The failure of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check's name.
    pub check: &'static str,
    /// The expected and the actual behaviour.
    pub problem: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.problem)
    }
}

impl std::error::Error for Failure {}

/// One requirement on a repository.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    run: for<'w> fn(&'w World) -> BoxFuture<'w, CheckResult>,
}

impl Check {
    /// The name of the check, such as `claims::exactly_one_holder_wins`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the check on a fixture of its own.
    ///
    /// # Errors
    ///
    /// Returns the first violation.
    pub async fn run(&self, factory: &dyn FixtureFactory) -> Result<(), Failure> {
        let failed = |problem| Failure {
            check: self.name,
            problem,
        };
        let fixture = factory.fixture().await;
        let fixture = fixture.map_err(|error| failed(format!("no fixture: {error}")))?;
        let world = World::new(fixture);
        let outcome = (self.run)(&world).await;
        outcome.map_err(|problem| failed(problem.to_string()))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Runs every check, one after the other, and returns the failures.
pub async fn check_all(factory: &dyn FixtureFactory) -> Vec<Failure> {
    let mut failures = Vec::new();
    for check in checks() {
        failures.extend(check.run(factory).await.err());
    }
    failures
}

macro_rules! checks {
    ($($module:ident :: { $($check:ident),+ $(,)? })+) => {
        &[$($(Check {
            name: concat!(stringify!($module), "::", stringify!($check)),
            run: |world| Box::pin($module::$check(world)),
        }),+),+]
    };
}

const CHECKS: &[Check] = checks! {
        tenancy::{
            slugs_are_taken_once,
            tenants_are_listed_in_pages,
            keys_are_kept_and_found,
            keys_are_listed_in_pages,
            keys_are_revoked_once,
            subjects_are_registered_once,
            healthy_repositories_respond,
        }
        commits::{
            records_are_found_as_they_were_committed,
            records_are_found_by_number_and_key,
            commits_are_all_or_none,
            lost_leases_are_refused,
            renewed_leases_hold,
            abandoned_blobs_are_reaped_at_once,
            keys_are_unique,
            repeated_requests_are_refused,
            holds_are_set_and_released,
        }
        uploads::{
            uploads_are_found_as_they_were_begun,
            unknown_people_are_refused,
            uploads_become_records,
            uploads_complete_once,
            deleting_a_record_deletes_its_upload,
            refusals_leave_an_upload_pending,
            equal_bytes_of_uploads_are_stored_once,
            foreign_uploads_are_not_found,
        }
        endings::{
            exactly_one_completion_wins,
            completion_and_cancellation_are_exclusive,
            cancelled_uploads_are_dropped,
            staging_blobs_are_reaped_once,
            expired_uploads_are_dropped,
        }
        following::{
            places_follow_the_order_of_commits,
            numbers_are_a_tenants_own,
            numbers_have_no_gaps,
            followers_miss_nothing,
        }
        people::{
            people_are_registered_once,
            lookups_never_register,
            identifiers_are_compared_by_bytes,
        }
        dedup::{
            equal_bytes_are_stored_once,
            tenants_never_share_blobs,
            equal_uploads_return_the_existing_record,
            only_eligible_records_are_reused,
        }
        reaping::{
            ended_leases_are_reaped,
            reaped_blobs_are_purged,
            usage_counts_live_and_reapable_blobs,
            condemned_blobs_are_revived,
            deleting_is_final,
            shared_blobs_are_kept,
            races_never_lose_referenced_bytes,
        }
        health::{
            marks_are_kept_and_removed,
            only_bytes_that_were_seen_are_marked,
            equal_bytes_repair_a_faulty_blob,
            repairs_need_a_lease,
            blobs_are_listed_with_their_files,
            late_writers_are_reaped_again,
        }
        claims::{
            exactly_one_holder_wins,
            same_holder_may_claim_again,
            only_the_holder_releases,
            claimed_files_are_kept,
            archived_files_are_not_claimed,
        }
        lifecycle::{
            archiving_and_restoring_are_idempotent,
            fields_change,
            empty_changes_keep_the_revision,
            changes_respect_the_revision,
            changes_register_people,
            deletions_are_final,
        }
        isolation::{
            foreign_records_are_not_found,
            foreign_blobs_are_not_touched,
            foreign_people_are_unknown,
            public_files_are_located,
        }
        installation::{
            id_is_registered_once,
            generations_rise,
            signing_key_is_noted,
            restored_database_forgets_doubtful_blobs,
            sample_holds_live_blobs,
        }
        listing::{
            pages_hold_each_record_once,
            paging_survives_concurrent_changes,
            filters_match_a_naive_implementation,
            time_bounds_are_exclusive,
            prefixes_are_compared_by_bytes,
            pages_keep_their_limit,
        }
        page_text::{
            page_ends_once_its_text_fills_it,
        }
};

/// Returns every check, to run them one by one.
pub fn checks() -> &'static [Check] {
    CHECKS
}
