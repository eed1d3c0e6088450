//! Presigned requests, which clients send straight to the store.

use std::time::Duration;

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, PresignOperation, PresignedRequest};
use attache_storage_s3::{S3AccessKey, S3BlobStore, S3Options};
use bytes::Bytes;
use url::Url;

use crate::support::{TestS3, key, pattern, put, send, sha256};

const LIFETIME: Duration = Duration::from_mins(5);

fn get(lifetime: Duration) -> PresignOperation {
    PresignOperation::Get {
        key: key("a"),
        lifetime,
        content_type: "application/pdf".to_owned(),
        content_disposition: "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%A4.pdf"
            .to_owned(),
    }
}

fn put_of(bytes: &[u8]) -> PresignOperation {
    PresignOperation::Put {
        key: key("a"),
        lifetime: LIFETIME,
        size_bytes: bytes.len() as u64,
        sha256: sha256(bytes),
        content_type: "application/pdf".to_owned(),
    }
}

async fn is_absent(store: &S3BlobStore) -> bool {
    let found = store.head(&key("a")).await;
    found.is_err_and(|error| error.kind() == BlobErrorKind::NotFound)
}

#[tokio::test]
async fn get_returns_bytes_with_signed_headers() {
    let s3 = TestS3::start();
    let store = s3.store();
    put(&store, &key("a"), &pattern(1000)).await;
    let request = store.presign(&get(LIFETIME)).await.unwrap();
    assert_eq!(request.method, "GET");
    let response = send("GET", &request.url, &request.headers, Bytes::new()).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body, pattern(1000));
    assert_eq!(response.headers["content-type"], "application/pdf");
    let disposition = response.headers["content-disposition"].to_str().unwrap();
    assert_eq!(
        disposition,
        "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%A4.pdf"
    );
}

#[tokio::test]
async fn get_with_changed_constraints_returns_403() {
    let s3 = TestS3::start();
    let store = s3.store();
    put(&store, &key("a"), &pattern(10)).await;
    put(&store, &key("b"), &pattern(10)).await;
    let request = store.presign(&get(LIFETIME)).await.unwrap();
    for (from, to) in [
        ("application%2Fpdf", "text%2Fhtml"),
        ("attachment", "inline"),
        ("/bucket/a?", "/bucket/b?"),
        ("X-Amz-Expires=300", "X-Amz-Expires=301"),
    ] {
        let url = request.url.replace(from, to);
        assert_ne!(url, request.url, "{from} is not in it");
        let response = send("GET", &url, &request.headers, Bytes::new()).await;
        assert_eq!(response.status, 403, "{from} to {to}");
    }
}

#[tokio::test]
async fn get_expires() {
    let s3 = TestS3::start();
    let store = s3.store();
    put(&store, &key("a"), &pattern(10)).await;
    let request = store.presign(&get(Duration::from_secs(1))).await.unwrap();
    for _ in 0..100 {
        let response = send("GET", &request.url, &request.headers, Bytes::new()).await;
        if response.status != 200 {
            assert_eq!(response.status, 403);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a signature for one second is valid for ten");
}

#[tokio::test]
async fn put_of_signed_bytes_is_stored() {
    let s3 = TestS3::start();
    let store = s3.store();
    let bytes = pattern(1000);
    let request = store.presign(&put_of(&bytes)).await.unwrap();
    assert_eq!(request.method, "PUT");
    for name in ["content-type", "content-length", "x-amz-checksum-sha256"] {
        let is_present = request.headers.iter().any(|(present, _)| present == name);
        assert!(is_present, "{name} is not among the headers to send");
    }
    let response = send("PUT", &request.url, &request.headers, bytes.clone()).await;
    assert_eq!(response.status, 200, "{:?}", response.body);
    assert_eq!(store.read_to_end(&key("a"), 1000).await.unwrap(), bytes);
}

#[tokio::test]
async fn put_of_other_bytes_or_headers_is_refused() {
    let s3 = TestS3::start();
    let store = s3.store();
    let bytes = pattern(1000);
    let request = store.presign(&put_of(&bytes)).await.unwrap();
    let wrong_byte: Bytes = bytes.iter().map(|byte| byte ^ 1).collect();
    let with = |name: &str, value: &str| {
        let mut changed = request.clone();
        for (present, old) in &mut changed.headers {
            if present == name {
                value.clone_into(old);
            }
        }
        changed
    };
    let without = |name: &str| PresignedRequest {
        headers: request
            .headers
            .iter()
            .filter(|(present, _)| present != name)
            .cloned()
            .collect(),
        ..request.clone()
    };
    let cases = [
        ("a wrong byte", request.clone(), wrong_byte.clone()),
        ("a longer body", request.clone(), pattern(1001)),
        ("a shorter body", request.clone(), pattern(999)),
        ("an empty body", request.clone(), Bytes::new()),
        (
            "another type",
            with("content-type", "text/html"),
            bytes.clone(),
        ),
        ("no type", without("content-type"), bytes.clone()),
        (
            "another digest",
            with("x-amz-checksum-sha256", &base64(&wrong_byte)),
            wrong_byte,
        ),
        ("no digest", without("x-amz-checksum-sha256"), bytes),
    ];
    for (what, request, body) in cases {
        let response = send("PUT", &request.url, &request.headers, body).await;
        assert!(
            (400..500).contains(&response.status),
            "{what}: {}",
            response.status
        );
        assert!(is_absent(&store).await, "{what} was stored");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(sha256(bytes).as_bytes())
}

#[tokio::test]
async fn unsignable_operation_is_unsupported() {
    let s3 = TestS3::start();
    let store = s3.store();
    let week = Duration::from_hours(7 * 24);
    let refused = |operation| {
        let store = store.clone();
        async move {
            let result = store.presign(&operation).await;
            result.is_err_and(|error| error.kind() == BlobErrorKind::Unsupported)
        }
    };
    assert!(store.presign(&get(week)).await.is_ok());
    assert!(refused(get(week + Duration::from_secs(1))).await);
    assert!(refused(get(Duration::from_millis(999))).await);
    for text in ["a\r\nx-evil: 1", "ä", " a", "a\0"] {
        let mut operation = get(LIFETIME);
        if let PresignOperation::Get {
            content_disposition,
            ..
        } = &mut operation
        {
            text.clone_into(content_disposition);
        }
        assert!(refused(operation).await, "{text:?}");
        let mut operation = put_of(b"abc");
        if let PresignOperation::Put { content_type, .. } = &mut operation {
            text.clone_into(content_type);
        }
        assert!(refused(operation).await, "{text:?}");
    }
    let mut operation = put_of(b"abc");
    if let PresignOperation::Put { size_bytes, .. } = &mut operation {
        *size_bytes = 5 * 1024 * 1024 * 1024 + 1;
    }
    assert!(refused(operation).await);
}

#[tokio::test]
async fn url_has_public_endpoint() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.prefix = Some(key("live"));
    options.public_endpoint = Some(Url::parse("https://files.example.org/").unwrap());
    let store = TestS3::store_with(options);
    for operation in [get(LIFETIME), put_of(b"abc")] {
        let request = store.presign(&operation).await.unwrap();
        let start = "https://files.example.org/bucket/live/a?";
        assert!(request.url.starts_with(start), "{}", request.url);
    }
}

#[tokio::test]
async fn url_without_endpoint_is_at_aws() {
    let options = S3Options::parse("s3://files?region=eu-north-1").unwrap();
    let key = S3AccessKey::new("AKID", "canary").with_session_token("session-token");
    let store = S3BlobStore::new(options, &key.into());
    let request = store.presign(&get(LIFETIME)).await.unwrap();
    let start = "https://files.s3.eu-north-1.amazonaws.com/a?";
    assert!(request.url.starts_with(start), "{}", request.url);
    let token = "X-Amz-Security-Token=session-token";
    assert!(request.url.contains(token), "{}", request.url);
    assert!(!request.url.contains("canary"));
}
