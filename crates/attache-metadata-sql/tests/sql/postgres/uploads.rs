//! Uploads on a server: completed once across processes, whatever is lost on the way.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{BlobRepository as _, FileRepository as _, Refusal, UploadRepository as _};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{PersonIdentifier, PersonRef};
use attache_testkit::ThrowawayPostgres;
use futures_util::future::join_all;

use super::ServerDatabase;
use super::proxy::{Cut, Proxy};
use crate::database::{BoxError, HOUR, Place};

#[tokio::test]
async fn lost_response_to_completion_is_resolved() -> Result<(), BoxError> {
    let place = Place::<ServerDatabase>::new().await?;
    let proxy = Proxy::start(ThrowawayPostgres::shared()).await?;
    let mut options = PostgresOptions::new(proxy.url(&place.database.url));
    options.resolve_for = Duration::from_mins(1);
    let repository = PostgresRepository::open(options).await?;
    let principal = place.tenant(&repository, "north").await?;
    for (cut, content) in [Cut::After, Cut::Before, Cut::Delayed].into_iter().zip(1..) {
        let cx = place.context(&principal);
        let id = repository
            .begin_upload(&cx, &place.new_upload(&cx)?)
            .await??
            .id;
        let file = place.draft(&repository, &cx, content).await?;
        proxy.cut(cut);
        let completed = repository.complete_upload(&cx, id, &file).await?;
        assert!(proxy.has_cut());
        let record = completed.unwrap_or_else(|refusal| panic!("{cut:?}: {refusal}"));
        let stored = repository.find_file(&cx, id).await?.unwrap();
        assert_eq!(stored.record, record, "{cut:?}");
        let found = repository.find_upload(&cx, id).await?.unwrap();
        assert_eq!(found.upload.completed_at, Some(cx.now()), "{cut:?}");
    }
    assert_eq!(place.count("SELECT count(*) FROM files").await?, 3);
    let live = "SELECT count(*) FROM blobs WHERE state = 'live'";
    assert_eq!(place.count(live).await?, 3);
    let given_up = "SELECT count(*) FROM blobs WHERE state = 'deleting'";
    assert_eq!(place.count(given_up).await?, 3, "the staging blobs");
    Ok(())
}

/// Completions, a cancellation and a reaper meet at one upload, on two processes: one of them gets
/// it, and none waits for good.
#[tokio::test(flavor = "multi_thread")]
async fn upload_ends_once_across_processes() -> Result<(), BoxError> {
    let place = Arc::new(Place::<ServerDatabase>::new().await?);
    let pair = Arc::new([place.patient().await?, place.patient().await?]);
    let principal = place.tenant(&pair[0], "north").await?;
    for round in 0..15_u64 {
        let cx = place.context(&principal);
        let id = pair[0]
            .begin_upload(&cx, &place.new_upload(&cx)?)
            .await??
            .id;
        let tries = (0..6_u64).map(|number| {
            let (place, pair, principal) = (place.clone(), pair.clone(), principal.clone());
            tokio::spawn(async move {
                let cx = place.context(&principal);
                let repository = &pair[usize::from(number % 2 == 1)];
                if number == 5 {
                    let cancelled = repository.cancel_upload(&cx, id).await?;
                    repository.take_reapable(10, HOUR).await?;
                    return Ok(cancelled);
                }
                // Equal bytes, so that completions meet at blobs and people too.
                let mut file = place.draft(repository, &cx, round % 3).await?;
                let person = PersonIdentifier::parse(&format!("PT-{round}"))?;
                file.person = Some(PersonRef::Identifier(person));
                let completed = repository.complete_upload(&cx, id, &file).await?;
                Ok::<_, BoxError>(completed.map(drop))
            })
        });
        let mut winners = 0;
        for tried in join_all(tries).await {
            match tried?? {
                Ok(()) => winners += 1,
                Err(refusal) => assert!(
                    matches!(refusal, Refusal::UploadCompleted | Refusal::NotFound),
                    "{refusal:?}"
                ),
            }
        }
        assert_eq!(winners, 1, "round {round}");
    }
    let unfinished = "SELECT count(*) FROM uploads WHERE completed_at IS NULL";
    assert_eq!(place.count(unfinished).await?, 0);
    let lost = "SELECT count(*) FROM uploads FULL JOIN files ON files.id = uploads.id \
        WHERE files.id IS NULL OR uploads.id IS NULL";
    assert_eq!(place.count(lost).await?, 0, "uploads and records differ");
    let kept = "SELECT count(*) FROM uploads JOIN blobs ON blobs.id = uploads.staging_blob_id \
        WHERE blobs.state = 'staging'";
    assert_eq!(place.count(kept).await?, 0, "staging blobs that were kept");
    Ok(())
}
