//! Credentials that expire, and a source of them that fails at times.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{Clock, SystemClock};
use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, PresignOperation};
use attache_storage_s3::{S3AccessKey, S3BlobStore, S3Credentials, S3CredentialsSource};

use crate::support::{Operation, TestS3, key};

/// Returns credentials with the given id and lifetime, or fails where none are given.
#[derive(Debug, Default)]
struct Vault(Mutex<Option<(&'static str, Duration)>>);

impl Vault {
    fn set(&self, id: &'static str, lifetime: Duration) {
        *self.0.lock().unwrap() = Some((id, lifetime));
    }

    fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }
}

#[async_trait]
impl S3CredentialsSource for Vault {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>> {
        let (id, lifetime) = self.0.lock().unwrap().ok_or("the vault is sealed")?;
        Ok(S3AccessKey::new(id, secret(id))
            .with_session_token(format!("token-of-{id}"))
            .with_expires_at(SystemClock.now().plus(lifetime)))
    }
}

fn secret(id: &str) -> String {
    format!("canary-of-{id}")
}

fn store(s3: &TestS3, vault: &Arc<Vault>) -> S3BlobStore {
    let credentials = S3Credentials::from_source(vault.clone());
    S3BlobStore::new(s3.options(), &credentials)
}

/// Repeats an attempt until it succeeds.
async fn eventually(mut succeeds: impl AsyncFnMut() -> bool) {
    let attempts = async {
        while !succeeds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, attempts).await.unwrap();
}

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_hours(1);

#[tokio::test]
async fn expired_credentials_are_replaced() {
    let s3 = TestS3::start();
    let vault = Arc::new(Vault::default());
    let store = store(&s3, &vault);
    for id in ["one", "two"] {
        s3.server.allow_credentials(id, &secret(id));
        vault.set(id, SHORT);
        // Fails until the previous credentials have expired.
        eventually(async || store.put_bytes(&key(id), "bytes").await.is_ok()).await;
        s3.server.revoke_credentials(id);
    }
    let puts = s3.server.seen(Operation::Put);
    let token = puts.last().unwrap().headers.get("x-amz-security-token");
    assert_eq!(token.unwrap(), "token-of-two");
}

#[tokio::test]
async fn no_credentials_means_unavailable_and_no_requests() {
    let s3 = TestS3::start();
    let vault = Arc::new(Vault::default());
    let store = store(&s3, &vault);
    let blob = key("a");
    let failed = store.put_bytes(&blob, "bytes").await.unwrap_err();
    let shown = attache_model::with_causes(&failed);
    let wanted =
        "the store is unavailable (a): there are no credentials for the store: the vault is sealed";
    assert!(shown.ends_with(wanted), "{shown}");
    let failed = store.head(&blob).await.unwrap_err();
    assert_eq!(failed.kind(), BlobErrorKind::Unavailable, "{failed}");
    let failed = store.health().await.unwrap_err();
    assert_eq!(failed.kind(), BlobErrorKind::Unavailable, "{failed}");
    store.find_credentials().await.unwrap_err();
    for operation in [Operation::Put, Operation::Head, Operation::Bucket] {
        assert!(s3.server.seen(operation).is_empty(), "{operation:?}");
    }

    s3.server.allow_credentials("one", &secret("one"));
    vault.set("one", LONG);
    eventually(async || store.find_credentials().await.is_ok()).await;
    store.put_bytes(&blob, "bytes").await.unwrap();
    // Valid credentials are not fetched again.
    vault.clear();
    store.find_credentials().await.unwrap();
    assert_eq!(store.head(&blob).await.unwrap().size_bytes, 5);
}

#[tokio::test]
async fn url_never_outlives_its_credentials() {
    let s3 = TestS3::start();
    let vault = Arc::new(Vault::default());
    vault.set("one", LONG);
    let store = store(&s3, &vault);
    let signed_for = async |lifetime| {
        let operation = PresignOperation::Get {
            key: key("a"),
            lifetime,
            content_type: "text/plain".to_owned(),
            content_disposition: "attachment".to_owned(),
        };
        store.presign(&operation).await
    };
    let refused = signed_for(LONG + Duration::from_secs(1)).await;
    assert_eq!(refused.unwrap_err().kind(), BlobErrorKind::Unsupported);
    let request = signed_for(LONG / 2).await.unwrap();
    let token = "X-Amz-Security-Token=token-of-one";
    assert!(request.url.contains(token), "{}", request.url);
}

#[tokio::test]
async fn rejected_credentials_are_replaced_early() {
    let s3 = TestS3::start();
    let vault = Arc::new(Vault::default());
    let store = store(&s3, &vault);
    s3.server.allow_credentials("one", &secret("one"));
    vault.set("one", LONG);
    store.put_bytes(&key("a"), "bytes").await.unwrap();
    s3.server.revoke_credentials("one");
    s3.server.allow_credentials("two", &secret("two"));
    vault.set("two", LONG);
    let refused = store.put_bytes(&key("b"), "bytes").await.unwrap_err();
    let shown = attache_model::with_causes(&refused);
    assert!(shown.contains("InvalidAccessKeyId"), "{shown}");
    // The source was asked less than thirty seconds ago.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    eventually(async || store.put_bytes(&key("b"), "bytes").await.is_ok()).await;
}
