//! Uploads: kept over a restart and a migration.

use attache_metadata_sql::OpenError;

use crate::database::{BoxError, Database, HOUR, NEWEST, Place, on_each_database, upload};

on_each_database!(
    pending_upload_survives_a_restart,
    database_without_uploads_is_migrated,
);

async fn pending_upload_survives_a_restart<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let new = place.new_upload(&cx)?;
    let begun = repository.begin_upload(&cx, &new).await??;
    let before = repository.find_upload(&cx, begun.id).await?;
    repository.close_it().await;

    let repository = place.open().await?;
    assert_eq!(repository.find_upload(&cx, begun.id).await?, before);
    let file = place.draft(&*repository, &cx, 1).await?;
    let record = repository.complete_upload(&cx, begun.id, &file).await??;
    repository.close_it().await;

    let repository = place.open().await?;
    let stored = repository.find_file(&cx, begun.id).await?.unwrap();
    assert_eq!(stored.record, record);
    let after = repository.find_upload(&cx, begun.id).await?.unwrap();
    assert_eq!(after.upload.completed_at, Some(cx.now()));
    let tasks = repository.take_reapable(10, HOUR).await?;
    let reaped: Vec<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!(reaped, [new.staging.unwrap().id]);
    Ok(())
}

async fn database_without_uploads_is_migrated<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    repository.close_it().await;
    place.database.execute(D::BEFORE_UPLOADS).await?;

    let older = place.open().await.map(drop).unwrap_err();
    let (found, needed) = (1, NEWEST);
    let expected = OpenError::SchemaOlder { found, needed };
    assert_eq!(older.to_string(), expected.to_string());
    let report = D::migrate(place.database.address()).await?;
    assert_eq!((report.from_version, report.to_version), (1, NEWEST));
    let repository = place.open().await?;
    let record = &committed[0].record;
    let stored = repository.find_file(&cx, record.id).await?.unwrap();
    assert_eq!(&stored.record, record);
    let new = place.new_upload(&cx)?;
    repository.begin_upload(&cx, &new).await??;
    Ok(())
}
