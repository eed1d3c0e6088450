//! Claims: exactly one holder, whatever happens at once.

use attache_model::{Claim, FileRecord, Holder};
use futures_util::future::join_all;

use super::world::{Outcome, Problem, World, ensure, ensure_eq, made, refused};
use crate::Refusal;

/// How many claims are made at once.
const CLAIMANTS: usize = 64;

fn held(record: &FileRecord) -> Result<Claim, Problem> {
    let claim = record.claim.clone();
    claim.ok_or_else(|| Problem::new("a claimed record shows no claim"))
}

pub(super) async fn exactly_one_holder_wins(world: &World) -> Outcome {
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
                ensure_eq!(held(&record)?, expected, "the claim answered to the winner");
                winners.push(record);
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    ensure_eq!(winners.len(), 1, "winners of {CLAIMANTS} claims at once");
    let winner = winners.swap_remove(0);
    let claim = held(&winner)?;
    let used_at = claim.used_at;
    for refusal in refusals {
        ensure_eq!(
            refusal,
            Refusal::Claimed { used_at },
            "what the others are told"
        );
    }
    ensure!(winner.revision > file.revision, "a claim is no change");
    ensure_eq!(
        winner.updated_at,
        used_at,
        "when a claim changed the record"
    );
    let found = world
        .stored(&world.context(&tenancy), file.id)
        .await?
        .record;
    ensure_eq!(found, winner, "the record after the claims");
    Ok(())
}

pub(super) async fn the_same_holder_repeats(world: &World) -> Outcome {
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
        records.push(made(attempt)?);
    }
    let first = records.swap_remove(0);
    ensure_eq!(held(&first)?.used_by, holder, "the holder");
    for record in records {
        ensure_eq!(record, first, "the answer to a repeated claim");
    }
    Ok(())
}

pub(super) async fn only_the_holder_releases(world: &World) -> Outcome {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let file = world.file(&cx, "lent").await?;
    let (holder, other) = (Holder::parse("one")?, Holder::parse("One")?);
    let free = made(repository.release_claim(&cx, file.id, &holder).await)?;
    ensure_eq!(free, file, "a file that nobody held, after a release");
    let claimed = made(repository.claim_file(&cx, file.id, &holder).await)?;
    let used_at = held(&claimed)?.used_at;
    let attempt = repository.release_claim(&cx, file.id, &other).await;
    refused(
        attempt,
        &Refusal::Claimed { used_at },
        "a release by another",
    )?;
    let later = world.context(&tenancy);
    let released = made(repository.release_claim(&later, file.id, &holder).await)?;
    ensure_eq!(released.claim, None, "the claim after its release");
    ensure!(
        released.revision > claimed.revision,
        "a release is no change"
    );
    let later = world.context(&tenancy);
    let claimed = made(repository.claim_file(&later, file.id, &other).await)?;
    let expected = Claim {
        used_by: other,
        used_at: later.now(),
    };
    ensure_eq!(held(&claimed)?, expected, "the next claim");
    Ok(())
}

pub(super) async fn claimed_files_stay(world: &World) -> Outcome {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let file = world.file(&cx, "in use").await?;
    let claimed = made(
        repository
            .claim_file(&cx, file.id, &Holder::parse("a")?)
            .await,
    )?;
    let used_at = held(&claimed)?.used_at;
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

pub(super) async fn archived_files_are_not_claimed(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let file = world.file(&cx, "put away").await?;
    let holder = Holder::parse("a")?;
    made(repository.archive_file(&cx, file.id).await)?;
    let attempt = repository.claim_file(&cx, file.id, &holder).await;
    refused(attempt, &Refusal::Archived, "a claim of an archived file")?;
    made(repository.restore_file(&cx, file.id).await)?;
    made(repository.claim_file(&cx, file.id, &holder).await)?;
    Ok(())
}
