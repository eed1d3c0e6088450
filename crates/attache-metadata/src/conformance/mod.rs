//! What every [`MetadataRepository`] must do, as checks that anybody can run on theirs.
//!
//! A [`Fixture`] is one empty repository and a way to let its clock move on; a [`FixtureFactory`]
//! makes a new one for each check. Nothing here needs a certain runtime, and everything that is
//! random is seeded, so that a failure repeats.
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
mod isolation;
mod lifecycle;
mod listing;
mod naive;
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
use world::{Outcome, World};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A repository under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The repository.
    fn repository(&self) -> Arc<dyn MetadataRepository>;

    /// Lets at least `duration` pass on the database's clock: by moving a clock that can be moved, or
    /// by waiting. A check asks for twice its [`short_lease`](Self::short_lease), and that twice at
    /// most.
    async fn advance(&self, duration: Duration);

    /// How long a lease is that a check lets end: 200 milliseconds, where this is not written.
    ///
    /// The few calls that a check makes before the end must take less. So a fixture whose clock can be
    /// moved should answer minutes, which no machine is too slow for: five at most, as a lease that is
    /// to hold is an hour long. One that waits may answer seconds for a database that is far away.
    fn short_lease(&self) -> Duration {
        Duration::from_millis(200)
    }
}

/// Makes repositories to test.
#[async_trait]
pub trait FixtureFactory: Send + Sync {
    /// A repository that holds nothing, not even a tenant.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being made; the check it was for fails with it.
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError>;
}

/// A check that a repository did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The check's name.
    pub check: &'static str,
    /// What was expected and what was found.
    pub problem: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.problem)
    }
}

impl std::error::Error for Failure {}

/// One thing that a repository must do.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    run: for<'w> fn(&'w World) -> BoxFuture<'w, Outcome>,
}

impl Check {
    /// What the check is called, such as `claims::exactly_one_holder_wins`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the check on a repository of its own.
    ///
    /// # Errors
    ///
    /// The first thing that was not as it must be.
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

/// Runs every check, one after the other, and answers those that failed.
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
            keys_are_kept_and_found,
            keys_are_listed_in_pages,
            keys_are_revoked_for_good,
            principals_of_others_are_registered_once,
            health_answers,
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
            uploads_are_found_as_they_were_promised,
            unknown_people_are_refused,
            uploads_become_records,
            uploads_complete_once,
            deleted_records_take_their_uploads_along,
            refusals_leave_an_upload_pending,
            equal_bytes_of_uploads_are_stored_once,
            foreign_uploads_are_not_found,
        }
        endings::{
            one_of_many_completions_wins,
            completions_and_cancellations_exclude_each_other,
            cancelled_uploads_are_forgotten,
            staging_blobs_are_reaped_once,
            expired_uploads_are_dropped,
        }
        people::{
            people_are_registered_once,
            lookups_never_register,
            people_are_told_apart_by_bytes,
        }
        dedup::{
            equal_bytes_are_stored_once,
            tenants_never_share_blobs,
            equal_uploads_are_answered_with_the_record,
            only_eligible_records_are_answered,
        }
        reaping::{
            ended_promises_are_reaped,
            reaped_blobs_are_purged_and_forgotten,
            condemned_blobs_come_back,
            deleting_is_final,
            shared_blobs_are_kept,
            races_never_lose_referenced_bytes,
        }
        claims::{
            exactly_one_holder_wins,
            the_same_holder_repeats,
            only_the_holder_releases,
            claimed_files_stay,
            archived_files_are_not_claimed,
        }
        lifecycle::{
            archiving_and_restoring_are_idempotent,
            fields_change,
            changes_of_nothing_change_nothing,
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
        listing::{
            pages_hold_each_record_once,
            pages_go_on_while_records_come_and_go,
            filters_agree_with_a_naive_one,
            moments_are_exclusive,
            prefixes_are_compared_by_bytes,
            pages_keep_their_limit,
        }
};

/// Every check.
pub fn checks() -> &'static [Check] {
    CHECKS
}
