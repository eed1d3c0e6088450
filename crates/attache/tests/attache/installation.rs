//! Opening an installation: what it creates, refuses and keeps.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use attache::signing_keys::SigningKeysError;
use attache::{
    Installation, InstallationDatabase, InstallationOptions, OpenError, SigningKeySource,
    TenantSlug,
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
    assert!(matches!(refused, OpenError::DataDir { .. }), "{refused}");
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
async fn exposed_and_missing_key_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = InstallationOptions::in_directory(directory.path().join("data"));
    Installation::open(options.clone())
        .await
        .unwrap()
        .close()
        .await;
    let keys = directory.path().join("data/signing-keys");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Installation::open(options.clone()).await.unwrap_err();
    let exposed = OpenError::SigningKeys(SigningKeysError::Exposed {
        path: keys,
        mode: 0o644,
    });
    assert_eq!(refused.to_string(), exposed.to_string());
    assert!(matches!(
        refused,
        OpenError::SigningKeys(SigningKeysError::Exposed { .. })
    ));

    // A configured file is never generated: existing links would silently become invalid.
    options.signing_keys = SigningKeySource::File(directory.path().join("elsewhere"));
    let refused = Installation::open(options.clone()).await.unwrap_err();
    assert!(matches!(
        refused,
        OpenError::SigningKeys(SigningKeysError::Missing { .. })
    ));
    assert!(!directory.path().join("elsewhere").exists());
}
