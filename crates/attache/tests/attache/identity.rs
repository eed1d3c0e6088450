//! The identity of an installation: a database and a store that do not belong together are refused, and
//! nothing of either is deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache::model::Clock as _;
use attache::service::IdentityError;
use attache::sql::{SqliteOptions, SqliteRepository};
use attache::storage::{LocalBlobStore, LocalOptions};
use attache::{
    ApiKeyRequest, Context, DatabaseLocation, FileService, Installation, InstallationDatabase,
    KeyRing, OpenError, RequestId, Scopes, StorageLocation, TenantSlug,
};

use crate::place::{Place, store};

#[tokio::test]
async fn unmounted_store_is_refused_and_left_alone() {
    let place = Place::new();
    let stored = place.fill().await;
    let (blobs, away) = (place.path("data/blobs"), place.path("away"));
    fs::rename(&blobs, &away).unwrap();
    let missing = place.refused(place.options()).await;
    assert!(
        matches!(missing, IdentityError::NoMarker { .. }),
        "{missing}"
    );
    assert!(!blobs.exists());
    // A mount point without its volume.
    fs::create_dir(&blobs).unwrap();
    let unmounted = place.refused(place.options()).await;
    assert!(
        matches!(unmounted, IdentityError::NoMarker { .. }),
        "{unmounted}"
    );
    assert_eq!(fs::read_dir(&blobs).unwrap().count(), 0);
    // The marker alone is gone: still not the store that it was.
    fs::remove_dir(&blobs).unwrap();
    fs::rename(&away, &blobs).unwrap();
    let marker = blobs.join(".installation");
    fs::rename(&marker, place.path("marker")).unwrap();
    let bare = place.refused(place.options()).await;
    assert!(matches!(bare, IdentityError::NoMarker { .. }), "{bare}");

    fs::rename(place.path("marker"), marker).unwrap();
    place.assert_reads(&stored).await;
}

#[tokio::test]
async fn another_installations_store_is_refused() {
    let (place, other) = (Place::new(), Place::new());
    let stored = place.fill().await;
    other.fill().await;
    let mut swapped = place.options();
    swapped.storage = StorageLocation::Local(other.path("data/blobs"));
    let refused = place.refused(swapped.clone()).await;
    assert!(
        matches!(refused, IdentityError::OtherStore { .. }),
        "{refused}"
    );
    let restored = Installation::accept_restored(&swapped, false).await;
    assert!(
        matches!(restored, Err(OpenError::Identity(_))),
        "{restored:?}"
    );
    let elsewhere = place.refused(place.options_with_store("new")).await;
    assert!(
        matches!(elsewhere, IdentityError::NoMarker { .. }),
        "{elsewhere}"
    );
    assert!(!place.path("new").exists());
    assert_eq!(other.blob_files(), 1);
    place.assert_reads(&stored).await;
}

#[tokio::test]
async fn lost_database_is_no_first_start() {
    let place = Place::new();
    let stored = place.fill().await;
    let database = place.path("data/attache.db");
    fs::rename(&database, place.path("saved")).unwrap();
    let lost = place.refused(place.options()).await;
    assert!(matches!(lost, IdentityError::LostDatabase { .. }), "{lost}");
    assert!(!database.exists(), "a database was created");
    // Also where an operator made a new one by hand.
    InstallationDatabase::migrate(&place.options())
        .await
        .unwrap();
    let lost = place.refused(place.options()).await;
    assert!(matches!(lost, IdentityError::LostDatabase { .. }), "{lost}");
    assert_eq!(place.blob_files(), 1);

    fs::rename(place.path("saved"), &database).unwrap();
    place.assert_reads(&stored).await;
}

#[tokio::test]
async fn new_database_adopts_a_store_when_told() {
    let place = Place::new();
    place.fill().await;
    fs::remove_file(place.path("data/attache.db")).unwrap();
    InstallationDatabase::migrate(&place.options())
        .await
        .unwrap();
    let refused = Installation::accept_restored(&place.options(), false).await;
    assert!(matches!(
        refused,
        Err(OpenError::Identity(IdentityError::LostDatabase { .. }))
    ));
    Installation::accept_restored(&place.options(), true)
        .await
        .unwrap();
    let attache = place.open().await;
    attache.service().reap_once().await.unwrap();
    attache.close().await;
    assert_eq!(place.blob_files(), 1, "bytes without records stay");
}

/// Writes a database and blobs as a version without ids did.
async fn write_without_ids(place: &Place) -> Context {
    let options = place.options();
    fs::create_dir_all(place.path("data")).unwrap();
    InstallationDatabase::migrate(&options).await.unwrap();
    let sqlite = SqliteOptions::new(place.path("data/attache.db"));
    let repository = Arc::new(SqliteRepository::open(sqlite).await.unwrap());
    let blobs = LocalBlobStore::open(LocalOptions::new(place.path("data/blobs")));
    let blobs = Arc::new(blobs.await.unwrap());
    let ring = KeyRing::generate(place.clock.now(), &attache::model::OsEntropy);
    let service = FileService::builder(repository.clone(), blobs, ring).build();
    let database = InstallationDatabase::open(&options).await.unwrap();
    let tenant = TenantSlug::parse("old").unwrap();
    database
        .administration()
        .create_tenant(&tenant)
        .await
        .unwrap();
    let request = ApiKeyRequest {
        tenant,
        name: None,
        scopes: Scopes::all(),
        lifetime: None,
    };
    let issued = database.administration().create_api_key(request).await;
    let principal = issued.unwrap().unwrap().principal;
    let request_id = RequestId::parse("test").unwrap();
    let cx = Context::for_principal(principal, request_id, place.clock.now());
    store(&service, &cx, b"old 1").await;
    store(&service, &cx, b"old 2").await;
    service.finish_tasks().await;
    database.close().await;
    repository.close().await;
    cx
}

#[tokio::test]
async fn installation_without_ids_is_adopted_once() {
    let place = Place::new();
    let cx = write_without_ids(&place).await;
    // One blob is missing: that is damage, and no other store.
    let first = walk(&place.path("data/blobs/blobs")).remove(0);
    fs::remove_file(first).unwrap();
    let attache = place.open().await;
    store(attache.service(), &cx, b"new").await;
    attache.close().await;
    fs::rename(place.path("data/blobs"), place.path("away")).unwrap();
    let refused = place.refused(place.options()).await;
    assert!(
        matches!(refused, IdentityError::NoMarker { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn halves_without_ids_must_match() {
    let (place, other) = (Place::new(), Place::new());
    write_without_ids(&place).await;
    write_without_ids(&other).await;
    let without = place.refused(place.options_with_store("empty")).await;
    assert!(
        matches!(without, IdentityError::MissingBlobs { .. }),
        "{without}"
    );
    let mut swapped = place.options();
    swapped.storage = StorageLocation::Local(other.path("data/blobs"));
    let swapped = place.refused(swapped).await;
    assert!(
        matches!(swapped, IdentityError::MissingBlobs { .. }),
        "{swapped}"
    );
    // A new database on bytes of another, before and after its file exists.
    let mut fresh = place.options();
    fresh.database = DatabaseLocation::Sqlite(place.path("data/fresh.db"));
    let unknown = place.refused(fresh.clone()).await;
    assert!(
        matches!(unknown, IdentityError::UnknownBlobs { .. }),
        "{unknown}"
    );
    assert!(!place.path("data/fresh.db").exists());
    InstallationDatabase::migrate(&fresh).await.unwrap();
    let unknown = place.refused(fresh).await;
    assert!(
        matches!(unknown, IdentityError::UnknownBlobs { .. }),
        "{unknown}"
    );
    assert_eq!(place.blob_files(), 2);
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let found = entries.flat_map(|entry| match entry.unwrap().path() {
        folder if folder.is_dir() => walk(&folder),
        file => vec![file],
    });
    found.collect()
}

#[tokio::test]
async fn interrupted_first_opening_is_repeated() {
    let place = Place::new();
    let options = place.options();
    fs::create_dir_all(place.path("data")).unwrap();
    InstallationDatabase::migrate(&options).await.unwrap();
    let database = InstallationDatabase::open(&options).await.unwrap();
    let id =
        attache::model::InstallationId::generate(place.clock.now(), &attache::model::OsEntropy);
    let (repository, now) = (database.repository(), place.clock.now());
    repository.register_installation(id, now).await.unwrap();
    database.close().await;
    place.open().await.close().await;
    let marker = fs::read_to_string(place.path("data/blobs/.installation")).unwrap();
    assert!(marker.contains(&id.to_string()), "{marker}");
}

#[tokio::test]
async fn second_server_with_another_store_is_refused() {
    let place = Place::new();
    let attache = place.open().await;
    let mut apart = place.options_with_store("elsewhere");
    let refused = Installation::open(apart.clone()).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    // Not even one that shares nothing but the directory, or nothing but the database.
    apart.database = DatabaseLocation::Sqlite(place.path("other.db"));
    let refused = Installation::open(apart.clone()).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    assert!(!place.path("elsewhere").exists());
    attache.close().await;

    apart.data_dir = None;
    let attache = Installation::open(
        apart
            .clone()
            .with_signing_keys(attache::SigningKeySource::Generated(place.path("keys"))),
    );
    let attache = attache.await.unwrap();
    apart.storage = StorageLocation::Local(place.path("third"));
    let refused = Installation::open(apart).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    attache.close().await;
}
