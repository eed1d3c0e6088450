//! Opening an installation: what it creates, refuses and keeps.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use attache::signing_keys::SigningKeysError;
use attache::{
    DatabaseLocation, Installation, InstallationDatabase, InstallationOptions, OpenError,
    SigningKeySource, StorageLocation, TenantSlug,
};

#[tokio::test]
async fn open_creates_an_owner_only_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("a/data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let attache = Installation::open(InstallationOptions::in_directory(&data_dir))
        .await
        .unwrap();
    attache.service().check_health().await.unwrap();
    attache.close().await;
    assert_eq!(mode(&data_dir), 0o700);
    for file in ["attache.db", "signing-keys"] {
        assert_eq!(mode(&data_dir.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data_dir.join("blobs")), 0o700);

    let file = InstallationOptions::in_directory(data_dir.join("signing-keys"));
    let refused = Installation::open(file).await.unwrap_err();
    let not_a_directory = format!(
        "{} is not a directory",
        data_dir.join("signing-keys").display()
    );
    assert_eq!(refused.to_string(), not_a_directory);
}

#[tokio::test]
async fn second_open_is_refused_but_database_opens() {
    let directory = tempfile::tempdir().unwrap();
    let options = InstallationOptions::in_directory(directory.path().join("data"));
    let attache = Installation::open(options.clone()).await.unwrap();
    let refused = Installation::open(options.clone()).await.unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");

    let slug = TenantSlug::parse("beside").unwrap();
    let database = InstallationDatabase::open(&options).await.unwrap();
    assert!(
        database
            .administration()
            .create_tenant(&slug)
            .await
            .unwrap()
            .is_some()
    );
    database.close().await;
    // The open installation sees it at once.
    assert!(
        attache
            .administration()
            .create_tenant(&slug)
            .await
            .unwrap()
            .is_none()
    );

    attache.close().await;
    let again = Installation::open(options).await.unwrap();
    assert!(again.administration().has_tenants().await.unwrap());
    again.close().await;
}

#[tokio::test]
async fn writable_and_missing_key_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = InstallationOptions::in_directory(directory.path().join("data"));
    Installation::open(options.clone())
        .await
        .unwrap()
        .close()
        .await;
    let keys = directory.path().join("data/signing-keys");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o664)).unwrap();
    let refused = Installation::open(options.clone()).await.unwrap_err();
    assert!(matches!(
        refused,
        OpenError::SigningKeys(SigningKeysError::Writable { mode: 0o664, path }) if path == keys
    ));

    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o640)).unwrap();
    let readable = Installation::open(options.clone()).await.unwrap();
    readable.close().await;

    // A configured file is never generated: existing links would silently become invalid.
    options.signing_keys = SigningKeySource::File(directory.path().join("elsewhere"));
    let refused = Installation::open(options.clone()).await.unwrap_err();
    assert!(matches!(
        refused,
        OpenError::SigningKeys(SigningKeysError::Missing { .. })
    ));
    assert!(!directory.path().join("elsewhere").exists());
}

#[tokio::test]
async fn path_of_the_wrong_kind_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "no database, and no directory").unwrap();
    let place = |database: &Path, storage: &Path| {
        let database = DatabaseLocation::Sqlite(database.to_owned());
        let storage = StorageLocation::Local(storage.to_owned());
        let keys = SigningKeySource::Generated(directory.path().join("keys"));
        InstallationOptions::new(database, storage).with_signing_keys(keys)
    };
    let (new, blobs) = (
        directory.path().join("new.db"),
        directory.path().join("blobs"),
    );
    for (options, at_fault) in [
        (place(&folder, &blobs), &folder),
        (place(&file.join("a.db"), &blobs), &file),
        (place(&file, &blobs), &file),
        (place(&new, &file), &file),
        (place(&new, &file.join("blobs")), &file),
    ] {
        let refused = Installation::open(options).await.unwrap_err();
        let named = at_fault.display().to_string();
        assert!(refused.to_string().contains(&named), "{refused}: {named}");
    }
}

#[tokio::test]
async fn own_store_keeps_the_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(attache::storage::MemoryBlobStore::new());
    let database = DatabaseLocation::Sqlite(directory.path().join("attache.db"));
    let keys = SigningKeySource::Generated(directory.path().join("keys"));
    let options = InstallationOptions::new(database, StorageLocation::own(store.clone()))
        .with_signing_keys(keys);
    for _ in 0..2 {
        let attache = Installation::open(options.clone()).await.unwrap();
        attache.service().check_health().await.unwrap();
        attache.close().await;
    }
    let marker = attache::storage::StoreMarker::read_marker(&*store)
        .await
        .unwrap();
    assert!(
        marker.is_some(),
        "the store is not marked as the installation's"
    );
}

#[tokio::test]
async fn rotated_keys_apply_and_bad_ones_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let options = InstallationOptions::in_directory(directory.path());
    let attache = Installation::open(options).await.unwrap();
    let path = directory.path().join("signing-keys");
    let first = std::fs::read_to_string(&path).unwrap();
    let new = "new:9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297\n";
    std::fs::write(&path, format!("{new}{first}")).unwrap();
    let ring = attache.reload_signing_keys().await.unwrap().unwrap();
    assert_eq!(ring.signing_key().id().as_str(), "new");
    assert_eq!(ring.keys().count(), 2);

    for bad in ["", "new:short", "new\n"] {
        std::fs::write(&path, bad).unwrap();
        let refused = attache.reload_signing_keys().await.unwrap_err();
        assert!(matches!(refused, OpenError::SigningKeys { .. }), "{bad}");
    }
    std::fs::remove_file(&path).unwrap();
    attache.reload_signing_keys().await.unwrap_err();
    assert!(!path.exists(), "new keys were generated");
    attache.close().await;
}
