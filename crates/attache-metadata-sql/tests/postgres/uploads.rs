//! Uploads on a server: completed once across processes, whatever is lost on the way.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{
    BlobIntent, BlobRepository as _, FileRepository as _, LeaseToken, NewUpload, Refusal,
    UploadRepository as _,
};
use attache_metadata_sql::{OpenError, PostgresOptions, PostgresRepository};
use attache_model::{
    BlobId, Context, FileId, Filename, MediaType, PersonIdentifier, PersonRef, Visibility,
};
use attache_testkit::ThrowawayPostgres;
use futures_util::future::join_all;

use crate::place::{BoxError, Place, upload};
use crate::proxy::{Cut, Proxy};

const HOUR: Duration = Duration::from_hours(1);

fn promise(place: &Place, cx: &Context) -> Result<NewUpload, BoxError> {
    let blob = BlobId::generate(cx.now(), &place.random);
    Ok(NewUpload {
        id: FileId::generate(cx.now(), &place.random),
        person: None,
        category: None,
        name: None,
        filename: Filename::parse("scan.pdf")?,
        description: None,
        content_type: MediaType::parse("application/pdf")?,
        size_bytes: Some(1),
        sha256: None,
        visibility: Visibility::Private,
        expires_at: cx.now().plus(HOUR),
        staging: Some(BlobIntent {
            id: blob,
            storage_key: blob.to_string(),
            lease: LeaseToken::generate(&place.random),
            lease_for: HOUR,
        }),
    })
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_is_found_out() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let proxy = Proxy::start(ThrowawayPostgres::shared()).await?;
    let mut options = PostgresOptions::new(proxy.url(&place.url));
    options.settle_for = Duration::from_mins(1);
    let repository = PostgresRepository::open(options).await?;
    let principal = place.tenant(&repository, "north").await?;
    for (cut, content) in [Cut::After, Cut::Before, Cut::Delayed].into_iter().zip(1..) {
        let cx = place.context(&principal);
        let id = repository
            .begin_upload(&cx, &promise(&place, &cx)?)
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

/// Completions, a cancellation and a reaper meet at one upload, on two processes: one of them has
/// it, and nobody waits for good.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_once_across_processes() -> Result<(), BoxError> {
    let place = Arc::new(Place::new().await?);
    let pair = Arc::new([place.open().await?, place.open().await?]);
    let principal = place.tenant(&pair[0], "north").await?;
    for round in 0..15_u64 {
        let cx = place.context(&principal);
        let id = pair[0].begin_upload(&cx, &promise(&place, &cx)?).await??.id;
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

#[tokio::test]
async fn a_database_from_before_uploads_is_migrated() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let principal = place.tenant(&repository, "north").await?;
    let cx = place.context(&principal);
    let draft = place.draft(&repository, &cx, 1).await?;
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    repository.close().await;
    place
        .execute(
            "ALTER TABLE files DROP COLUMN number, DROP COLUMN has_person; \
            DROP TABLE uploads; DELETE FROM _sqlx_migrations WHERE version > 1",
        )
        .await?;

    let older = place.open().await.map(drop).unwrap_err();
    let (found, needed) = (1, 3);
    let needed = OpenError::SchemaOlder { found, needed };
    assert_eq!(older.to_string(), needed.to_string());
    let report = PostgresRepository::migrate(&place.url).await?;
    assert_eq!((report.from_version, report.to_version), (1, 3));
    let repository = place.open().await?;
    let record = &committed[0].record;
    let stored = repository.find_file(&cx, record.id).await?.unwrap();
    assert_eq!(&stored.record, record);
    repository
        .begin_upload(&cx, &promise(&place, &cx)?)
        .await??;
    Ok(())
}

/// What no program can write, whatever its bugs.
#[tokio::test]
async fn the_schema_keeps_uploads_whole() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let principal = place.tenant(&repository, "north").await?;
    place.tenant(&repository, "south").await?;
    let cx = place.context(&principal);
    let id = repository
        .begin_upload(&cx, &promise(&place, &cx)?)
        .await??
        .id;
    let mut file = place.draft(&repository, &cx, 1).await?;
    file.person = Some(PersonRef::Identifier(PersonIdentifier::parse("PT-1")?));
    repository.complete_upload(&cx, id, &file).await??;
    for sql in [
        "UPDATE uploads SET person_identifier = 'PT-1', person_id = (SELECT id FROM people)",
        "UPDATE uploads SET tenant_id = 2, person_id = (SELECT id FROM people)",
        "UPDATE uploads SET tenant_id = 3",
        "UPDATE uploads SET created_by = 99",
        "UPDATE uploads SET staging_lease = NULL",
        "UPDATE uploads SET staging_key = NULL",
        "UPDATE uploads SET staging_blob_id = NULL",
        "UPDATE uploads SET size_bytes = -1",
        "UPDATE uploads SET sha256 = ''",
        "UPDATE uploads SET visibility = 'secret'",
    ] {
        let error = place.execute(sql).await.expect_err(sql).to_string();
        assert!(error.contains("constraint"), "{sql}: {error}");
    }
    Ok(())
}
