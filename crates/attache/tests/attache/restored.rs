//! An older copy of the database, and a database that goes back under a running server.

use std::fs;
use std::time::Duration;

use attache::service::IdentityError;
use attache::{Installation, OpenError, UploadFields};

use crate::place::{Place, Stored, begin, store};

#[tokio::test]
async fn older_copy_is_refused_until_accepted() {
    let place = Place::new();
    let Stored { cx, .. } = place.fill().await;
    let attache = place.open().await;
    let service = attache.service();
    let first = begin(service, &cx, b"under way 1").await;
    let second = begin(service, &cx, b"under way 2").await;
    let deleted = store(service, &cx, b"deleted and stored again").await;
    service.delete_file(&cx, deleted, None).await.unwrap();
    place.copy_database("data", "backup");
    let again = store(service, &cx, b"deleted and stored again").await;
    let mut acknowledged = vec![again];
    for session in [first, second] {
        let committed = session.commit(UploadFields::default()).await.unwrap();
        acknowledged.extend(committed.iter().map(|file| file.record.id));
    }
    attache.close().await;
    let files = place.blob_files();
    place.copy_database("data", "newest");
    place.copy_database("backup", "data");

    let older = place.refused(place.options()).await;
    assert!(
        matches!(older, IdentityError::OlderDatabase { .. }),
        "{older}"
    );
    Installation::accept_restored(&place.options(), false)
        .await
        .unwrap();
    let attache = place.open().await;
    place.clock.advance(Duration::from_hours(100));
    attache.service().reap_once().await.unwrap();
    place.clock.advance(Duration::from_hours(100));
    attache.service().reap_once().await.unwrap();
    assert_eq!(place.blob_files(), files, "acknowledged bytes were deleted");
    attache.close().await;

    // The newest database is now behind the store in turn; with it every file is there.
    place.copy_database("newest", "data");
    let behind = place.refused(place.options()).await;
    assert!(
        matches!(behind, IdentityError::OlderDatabase { .. }),
        "{behind}"
    );
    Installation::accept_restored(&place.options(), false)
        .await
        .unwrap();
    let attache = place.open().await;
    for id in acknowledged {
        let download = attache.service().open_download(&cx, id, false).await;
        download.unwrap().content.open(None).await.unwrap();
    }
    attache.close().await;
}

/// Opens an installation that was dropped, once its tasks have ended.
async fn reopen(place: &Place) -> Installation {
    loop {
        match Installation::open(place.options()).await {
            Err(OpenError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn killed_server_leaves_no_older_database() {
    let place = Place::new();
    let Stored { cx, .. } = place.fill().await;
    for _ in 0..3 {
        let attache = reopen(&place).await;
        store(attache.service(), &cx, b"another").await;
        // Without closing, as a process that was killed.
        drop(attache);
    }
    reopen(&place).await.close().await;
}

#[tokio::test]
async fn open_installation_stops_deleting_once_apart() {
    let place = Place::new();
    let Stored { cx, .. } = place.fill().await;
    let attache = place.open().await;
    let id = store(attache.service(), &cx, b"to delete").await;
    let marker = place.path("data/blobs/.installation");
    let own = fs::read_to_string(&marker).unwrap();
    // What a database restored under a running server looks like to it.
    let ahead = own.replace("generation ", "generation 9");
    tokio::time::sleep(Duration::from_millis(50)).await;
    fs::write(&marker, &ahead).unwrap();
    // A comparison counts for a few seconds.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    attache.service().delete_file(&cx, id, None).await.unwrap();
    let files = place.blob_files();
    attache.service().reap_once().await.unwrap_err();
    assert_eq!(place.blob_files(), files);
    fs::write(&marker, &own).unwrap();
    attache.service().reap_once().await.unwrap();
    assert_eq!(place.blob_files(), files - 1);
    attache.close().await;
}
