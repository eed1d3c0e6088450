//! How uploads end: by one completion, a cancellation or their time, and with each its staging blob.

use std::time::Duration;

use attache_model::Timestamp;
use futures_util::future::{join, join_all};

use super::uploads::{begun, completed, deletions, found, promise, staged_promise, staging_of};
use super::world::{LONG, Outcome, Problem, World, ensure, ensure_eq, is_deleted, made, refused};
use crate::{NewUpload, Refusal};

/// How many completions are tried at once.
const COMPLETIONS: usize = 16;

pub(super) async fn one_of_many_completions_wins(world: &World) -> Outcome {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begun(world, &cx, promise(world, &cx)?).await?;
    let mut drafts = Vec::new();
    for number in 0..COMPLETIONS {
        let cx = world.context(&tenancy);
        let file = world.draft(&cx, &format!("try {number}")).await?;
        drafts.push((cx, file));
    }
    let tries = drafts.iter().map(|(cx, file)| async move {
        let attempt = repository.complete_upload(cx, upload.id, file).await;
        (attempt, file.blob)
    });
    let mut winners = Vec::new();
    for (attempt, blob) in join_all(tries).await {
        match attempt? {
            Ok(record) => winners.push((record, blob)),
            Err(refusal) => {
                ensure_eq!(
                    refusal,
                    Refusal::UploadCompleted,
                    "what the others are told"
                );
            }
        }
    }
    ensure_eq!(winners.len(), 1, "winners of {COMPLETIONS} completions");
    let stored = world.stored(&cx, upload.id).await?;
    let winner = (stored.record, stored.blob.id);
    ensure_eq!(winners, [winner], "the record that won");
    Ok(())
}

pub(super) async fn completions_and_cancellations_exclude_each_other(world: &World) -> Outcome {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    for round in 0..8 {
        let cx = world.context(&tenancy);
        let upload = begun(world, &cx, promise(world, &cx)?).await?;
        let file = world.draft(&cx, &format!("round {round}")).await?;
        let completion = repository.complete_upload(&cx, upload.id, &file);
        let cancellation = repository.cancel_upload(&cx, upload.id);
        let (completed, cancelled) = if round % 2 == 0 {
            join(completion, cancellation).await
        } else {
            let (cancelled, completed) = join(cancellation, completion).await;
            (completed, cancelled)
        };
        let is_there = repository.find_file(&cx, upload.id).await?.is_some();
        match (completed?, cancelled?) {
            (Ok(_), Err(Refusal::UploadCompleted)) => {
                ensure!(is_there, "round {round}: a completed upload has no record");
            }
            (Err(Refusal::NotFound), Ok(())) => {
                ensure!(!is_there, "round {round}: a cancelled upload has a record");
            }
            (completed, cancelled) => {
                return Err(Problem::new(format!(
                    "round {round}: completed {completed:?} and cancelled {cancelled:?}"
                )));
            }
        }
    }
    Ok(())
}

pub(super) async fn cancelled_uploads_are_forgotten(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let upload = begun(world, &cx, promise(world, &cx)?).await?;
    let file = world.draft(&cx, "too late").await?;
    made(repository.cancel_upload(&cx, upload.id).await)?;
    let kept = repository.find_upload(&cx, upload.id).await?;
    ensure_eq!(kept, None, "an upload that was cancelled");
    let attempt = repository.complete_upload(&cx, upload.id, &file).await;
    refused(
        attempt,
        &Refusal::NotFound,
        "the completion of a cancelled upload",
    )?;
    let record = repository.find_file(&cx, upload.id).await?;
    ensure_eq!(record, None, "the record of a cancelled upload");
    let renewed = repository.renew_lease(&cx, file.blob, file.lease, LONG);
    ensure!(renewed.await?, "a refused completion took a promise away");
    let attempt = repository.cancel_upload(&cx, upload.id).await;
    refused(attempt, &Refusal::NotFound, "a second cancellation")
}

pub(super) async fn staging_blobs_are_reaped_once(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let mut uploads = Vec::new();
    for lease_for in [LONG, LONG, LONG, world.short] {
        let promise = staged_promise(world, &cx, lease_for)?;
        let staging = staging_of(&promise)?;
        uploads.push((begun(world, &cx, promise).await?.id, staging.id));
    }
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "a staging blob is reaped before its time: {tasks:?}"
    );
    let [to_complete, to_cancel, to_wait, to_expire] = uploads[..] else {
        return Err(Problem::new("the uploads were not all begun"));
    };

    let file = world.draft(&cx, "copied").await?;
    let record = completed(world, &cx, to_complete.0, &file).await?;
    made(repository.cancel_upload(&cx, to_cancel.0).await)?;
    world.outlast_short().await;
    let tasks = world.reapable().await?;
    let mut told: Vec<_> = tasks.iter().map(|task| task.id).collect();
    told.sort_unstable();
    let mut expected = vec![to_complete.1, to_cancel.1, to_expire.1];
    expected.sort_unstable();
    ensure_eq!(
        told,
        expected,
        "what is reaped after completion, cancellation and the end of a lease"
    );
    for (_, blob) in [to_complete, to_cancel, to_expire] {
        ensure!(is_deleted(&tasks, blob), "a staging blob is not deleted");
    }
    // The upload outlives its staging blob, and even then a copy may complete it.
    let file = world.draft(&cx, "copied in time").await?;
    completed(world, &cx, to_expire.0, &file).await?;
    let tasks = world.reapable().await?;
    ensure!(tasks.is_empty(), "a blob is reaped again: {tasks:?}");
    let stored = world.stored(&cx, record.id).await?;
    ensure!(
        stored.blob.id != to_complete.1,
        "a record refers to a staging blob"
    );
    let waiting = found(world, &cx, to_wait.0).await?.staging;
    ensure!(waiting.is_some(), "a pending upload lost its staging blob");
    Ok(())
}

pub(super) async fn expired_uploads_are_dropped(world: &World) -> Outcome {
    const YEAR: Duration = Duration::from_hours(24 * 365);
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    // Long before and long after whatever the database's clock shows.
    let (ended, open) = (Timestamp::from_millis(1), cx.now().plus(YEAR * 500));
    let mut expired = Vec::new();
    for _ in 0..3 {
        let promise = NewUpload {
            expires_at: ended,
            ..staged_promise(world, &cx, LONG)?
        };
        let staging = staging_of(&promise)?;
        expired.push((begun(world, &cx, promise).await?.id, staging.id));
    }
    let promise = NewUpload {
        expires_at: open,
        ..self::promise(world, &cx)?
    };
    let pending = begun(world, &cx, promise).await?;
    let file = world.draft(&cx, "completed").await?;
    let record = completed(world, &cx, expired[0].0, &file).await?;
    world.reapable().await?;

    let dropped = repository.drop_expired_uploads(YEAR * 1000, 10).await?;
    ensure_eq!(dropped, 0, "uploads dropped that are to be kept for longer");
    let dropped = repository.drop_expired_uploads(YEAR, 2).await?;
    ensure_eq!(dropped, 2, "uploads dropped at most");
    let dropped = repository.drop_expired_uploads(YEAR, 2).await?;
    ensure_eq!(dropped, 1, "uploads dropped then");
    let dropped = repository.drop_expired_uploads(Duration::ZERO, 2).await?;
    ensure_eq!(dropped, 0, "uploads dropped in the end");
    for (id, _) in &expired {
        let kept = repository.find_upload(&cx, *id).await?;
        ensure_eq!(kept, None, "an upload that was dropped");
    }
    let kept = found(world, &cx, pending.id).await?.upload;
    ensure_eq!(kept, pending, "an upload whose time is not over");
    let stored = world.stored(&cx, record.id).await?.record;
    ensure_eq!(stored, record, "the record of a dropped upload");
    for (_, staging) in &expired {
        let told = deletions(world, *staging).await?;
        ensure_eq!(told, 0, "deletions before the staging blob's lease ended");
    }
    Ok(())
}
