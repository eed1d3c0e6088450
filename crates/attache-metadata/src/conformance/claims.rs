//! Claims: exactly one holder wins, under any concurrency.

use attache_model::{Claim, FileRecord, Holder};
use futures_util::future::join_all;

use super::world::{CheckResult, Problem, World, accepted, ensure, ensure_eq, refused};
use crate::Refusal;

/// The number of concurrent claims.
const CLAIMANTS: usize = 64;

fn claim_of(record: &FileRecord) -> Result<Claim, Problem> {
    let claim = record.claim.clone();
    claim.ok_or_else(|| Problem::new("a claimed record shows no claim"))
}

pub(super) async fn exactly_one_holder_wins(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let file = world
        .file(&world.context(&tenancy), "wanted by many")
        .await?;
    let mut attempts = Vec::new();
    for number in 0..CLAIMANTS {
        let cx = world.context(&tenancy);
        let holder = Holder::parse(&format!("certificate:{number}"))?;
        attempts.push(async move {
            let attempt = repository.claim_file(&cx, file.id, &holder).await;
            (holder, cx.now(), attempt)
        });
    }
    let mut winners = Vec::new();
    let mut refusals = Vec::new();
    for (holder, at, attempt) in join_all(attempts).await {
        match attempt? {
            Ok(record) => {
                let expected = Claim {
                    used_by: holder,
                    used_at: at,
                };
                ensure_eq!(
                    claim_of(&record)?,
                    expected,
                    "the claim returned to the winner"
                );
                winners.push(record);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    ensure_eq!(winners.len(), 1, "winners of {CLAIMANTS} claims at once");
    let winner = winners.swap_remove(0);
    let claim = claim_of(&winner)?;
    let used_at = claim.used_at;
    for refusal in refusals {
        ensure_eq!(
            refusal,
            Refusal::Claimed { used_at },
            "the refusal of the others"
        );
    }
    ensure!(
        winner.revision > file.revision,
        "a claim does not change the revision"
    );
    ensure_eq!(
        winner.updated_at,
        used_at,
        "the update time of a claimed record"
    );
    let found = world
        .stored(&world.context(&tenancy), file.id)
        .await?
        .record;
    ensure_eq!(found, winner, "the record after the claims");
    Ok(())
}

pub(super) async fn same_holder_may_claim_again(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let file = world
        .file(&world.context(&tenancy), "wanted by one")
        .await?;
    let holder = Holder::parse("certificate:42")?;
    let mut attempts = Vec::new();
    for _ in 0..CLAIMANTS {
        let cx = world.context(&tenancy);
        let holder = &holder;
        attempts.push(async move { repository.claim_file(&cx, file.id, holder).await });
    }
    let mut records = Vec::new();
    for attempt in join_all(attempts).await {
        records.push(accepted(attempt)?);
    }
    let first = records.swap_remove(0);
    ensure_eq!(claim_of(&first)?.used_by, holder, "the holder");
    for record in records {
        ensure_eq!(record, first, "the record returned to a repeated claim");
    }
    Ok(())
}

pub(super) async fn only_the_holder_releases(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let file = world.file(&cx, "lent").await?;
    let (holder, other) = (Holder::parse("one")?, Holder::parse("One")?);
    let free = accepted(repository.release_claim(&cx, file.id, &holder).await)?;
    ensure_eq!(free, file, "an unclaimed file after a release");
    let claimed = accepted(repository.claim_file(&cx, file.id, &holder).await)?;
    let used_at = claim_of(&claimed)?.used_at;
    let attempt = repository.release_claim(&cx, file.id, &other).await;
    refused(
        attempt,
        &Refusal::Claimed { used_at },
        "a release by another holder",
    )?;
    let later = world.context(&tenancy);
    let released = accepted(repository.release_claim(&later, file.id, &holder).await)?;
    ensure_eq!(released.claim, None, "the claim after its release");
    ensure!(
        released.revision > claimed.revision,
        "a release does not change the revision"
    );
    let later = world.context(&tenancy);
    let claimed = accepted(repository.claim_file(&later, file.id, &other).await)?;
    let expected = Claim {
        used_by: other,
        used_at: later.now(),
    };
    ensure_eq!(claim_of(&claimed)?, expected, "the next claim");
    Ok(())
}

pub(super) async fn claimed_files_are_kept(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let file = world.file(&cx, "in use").await?;
    let claimed = accepted(
        repository
            .claim_file(&cx, file.id, &Holder::parse("a")?)
            .await,
    )?;
    let used_at = claim_of(&claimed)?.used_at;
    let refusal = Refusal::Claimed { used_at };
    let later = world.context(&tenancy);
    let attempt = repository.archive_file(&later, file.id).await;
    refused(attempt, &refusal, "archiving a claimed file")?;
    let attempt = repository.delete_file(&later, file.id, None).await;
    refused(attempt, &refusal, "deleting a claimed file")?;
    let attempt = repository
        .delete_file(&later, file.id, Some(claimed.revision))
        .await;
    refused(attempt, &refusal, "deleting a claimed file at its revision")?;
    let found = world.stored(&cx, file.id).await?.record;
    ensure_eq!(found, claimed, "the claimed record");
    Ok(())
}

pub(super) async fn archived_files_are_not_claimed(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let file = world.file(&cx, "put away").await?;
    let holder = Holder::parse("a")?;
    accepted(repository.archive_file(&cx, file.id).await)?;
    let attempt = repository.claim_file(&cx, file.id, &holder).await;
    refused(attempt, &Refusal::Archived, "a claim of an archived file")?;
    accepted(repository.restore_file(&cx, file.id).await)?;
    accepted(repository.claim_file(&cx, file.id, &holder).await)?;
    Ok(())
}
