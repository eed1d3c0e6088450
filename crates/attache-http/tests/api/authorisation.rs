//! Authorisation: every endpoint, with keys that lack its scope and with keys that have only that one.

use attache_http::{Access, EndpointInfo};
use attache_model::{Scope, Scopes};
use attache_testkit::{HttpCall, HttpClient};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{Tenant, native_endpoints};

/// Returns the smallest request to an endpoint that succeeds with permission, on a file of its own. Every
/// endpoint must have one here: a new one fails every test below until it does.
async fn request(tenant: &Tenant, row: &EndpointInfo, client: &HttpClient) -> HttpCall {
    let owner = &tenant.client;
    let id = owner.upload("a.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    let target = match row.name {
        "upload_files" => {
            let call = client.post("/v1/files?filename=b.txt");
            return call.bytes(b"more bytes");
        }
        "change_file" => {
            let call = client.call(Method::PATCH, &file);
            return call.json(&json!({ "name": "another" }));
        }
        "claim_file" => {
            let call = client.post(&format!("{file}/claim"));
            return call.json(&json!({ "holder": "certificate:42" }));
        }
        "upload_raw" => {
            let call = client.post("/v1/files/raw?filename=b.txt");
            return call.bytes(b"more bytes");
        }
        "upload_json" => {
            let call = client.post("/v1/files/json");
            return call.json(&json!({ "filename": "b.txt", "content": "aGVsbG8" }));
        }
        "create_link" => {
            return client.post(&format!("{file}/links")).json(&json!({}));
        }
        "release_claim" => format!("{file}/claim?holder=certificate:42"),
        "list_files" => "/v1/files".to_owned(),
        "get_file" | "delete_file" => file,
        "read_content" => format!("{file}/content"),
        "archive_file" => format!("{file}/archive"),
        "restore_file" => format!("{file}/restore"),
        "read_public" => {
            let publish = owner.call(Method::PATCH, &file);
            let publish = publish.json(&json!({ "visibility": "public" }));
            publish.send().await.expect(StatusCode::OK);
            format!("/v1/public/{id}/a.txt")
        }
        "read_link" => link(owner, &file).await,
        "stream_link" => link(owner, &file).await.replace("/links/", "/streams/"),
        "begin_upload" => {
            let call = client.post("/v1/uploads");
            return call.json(&json!({ "filename": "b.txt", "content_type": "text/plain" }));
        }
        "send_upload" => {
            let pending = pending_upload(owner).await;
            let call = client.call(Method::PUT, pending["url"].as_str().unwrap());
            let call = call.header("content-type", "text/plain");
            return call.bytes(b"more bytes");
        }
        "get_upload" | "cancel_upload" => upload_of(&pending_upload(owner).await),
        "complete_upload" => {
            let pending = pending_upload(owner).await;
            let sent = owner.call(Method::PUT, pending["url"].as_str().unwrap());
            let sent = sent.header("content-type", "text/plain");
            sent.bytes(b"more bytes")
                .send()
                .await
                .expect(StatusCode::CREATED);
            format!("{}/complete", upload_of(&pending))
        }
        "check_live" => "/livez".to_owned(),
        "check_ready" => "/readyz".to_owned(),
        "describe_api" => "/openapi.json".to_owned(),
        other => panic!("{other} has no request here"),
    };
    client.call(row.method.clone(), &target)
}

/// Creates a link to a file and returns its URL.
async fn link(owner: &HttpClient, file: &str) -> String {
    let link = owner.post(&format!("{file}/links")).json(&json!({}));
    let link = link.send().await.expect(StatusCode::CREATED);
    link.json()["url"].as_str().unwrap().to_owned()
}

/// Begins an upload.
async fn pending_upload(owner: &HttpClient) -> Value {
    let call = owner.post("/v1/uploads");
    let call = call.json(&json!({ "filename": "b.txt", "content_type": "text/plain" }));
    call.send().await.expect(StatusCode::CREATED).json()
}

fn upload_of(pending: &Value) -> String {
    format!("/v1/uploads/{}", pending["id"].as_str().unwrap())
}

/// Returns the operations that need a key, each with its scope.
fn keyed() -> impl Iterator<Item = (EndpointInfo, Scope)> {
    native_endpoints()
        .into_iter()
        .filter_map(|row| match row.access {
            Access::Key(action) => Some((row, action.required_scope())),
            Access::KeyForAll(_) | Access::KeyForSome(_) => {
                panic!("native operations need one scope each")
            }
            Access::Link | Access::Public | Access::Open => None,
        })
}

#[tokio::test]
async fn missing_or_invalid_key_is_refused() {
    let tenant = Tenant::new().await;
    let anonymous = tenant.client.anonymous();
    let stranger = tenant.client.with_token("att_not-a-key");
    for (row, _) in keyed() {
        for client in [&anonymous, &stranger] {
            let response = request(&tenant, &row, client).await.send().await;
            let problem = response.problem(StatusCode::UNAUTHORIZED);
            assert_eq!(problem.kind, "unauthenticated", "{}", row.name);
            assert_eq!(response.operation, Some(row.name));
            let challenge = response.header("www-authenticate");
            assert!(challenge.starts_with("Bearer "), "{challenge}");
        }
    }
}

#[tokio::test]
async fn key_lacking_the_scope_is_refused() {
    let tenant = Tenant::new().await;
    for (row, scope) in keyed() {
        let others = Scope::ALL.into_iter().filter(|other| *other != scope);
        let client = tenant.client_with(others.collect()).await;
        let response = request(&tenant, &row, &client).await.send().await;
        let problem = response.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "missing-scope", "{}", row.name);
        let challenge = response.header("www-authenticate");
        assert!(challenge.contains(scope.as_str()), "{challenge}");
    }
}

#[tokio::test]
async fn key_with_just_the_scope_is_accepted() {
    let tenant = Tenant::new().await;
    for (row, scope) in keyed() {
        let client = tenant.client_with([scope].into_iter().collect()).await;
        let response = request(&tenant, &row, &client).await.send().await;
        assert!(response.status.is_success(), "{}: {response:?}", row.name);
        assert_eq!(response.operation, Some(row.name));
    }
}

#[tokio::test]
async fn open_public_and_signed_routes_need_no_key() {
    let tenant = Tenant::new().await;
    let without_scopes = tenant.client_with(Scopes::default()).await;
    let mut checked = 0;
    for row in native_endpoints() {
        if matches!(row.access, Access::Key(_)) {
            continue;
        }
        checked += 1;
        for client in [&tenant.client.anonymous(), &without_scopes] {
            let response = request(&tenant, &row, client).await.send().await;
            assert!(response.status.is_success(), "{}: {response:?}", row.name);
            assert_eq!(response.operation, Some(row.name));
        }
    }
    assert_eq!(checked + keyed().count(), native_endpoints().len());
    assert!(checked > 0);
}

#[tokio::test]
async fn private_file_has_no_public_url() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"secret").await;
    let call = tenant.client.get(&format!("/v1/public/{id}/a.txt"));
    let problem = call.send().await.problem(StatusCode::NOT_FOUND);
    assert_eq!(problem.kind, "not-found");
}

#[tokio::test]
async fn publishing_needs_the_scope_to_create_links() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    for (scopes, may) in [
        (vec![Scope::FilesWrite], false),
        (vec![Scope::FilesWrite, Scope::LinksCreate], true),
    ] {
        let writer = tenant.client_with(scopes.into_iter().collect()).await;
        let change = writer.call(Method::PATCH, &file);
        let upload = writer.post("/v1/files?filename=b.txt&visibility=public");
        let calls = [
            change.json(&json!({ "visibility": "public" })),
            upload.bytes(b"more bytes"),
        ];
        for call in calls {
            let response = call.send().await;
            if may {
                assert!(response.status.is_success(), "{response:?}");
            } else {
                let problem = response.problem(StatusCode::FORBIDDEN);
                assert_eq!(problem.kind, "missing-scope");
                let challenge = response.header("www-authenticate");
                assert!(challenge.contains("links:create"), "{challenge}");
            }
        }
        let private = writer.call(Method::PATCH, &file);
        let private = private.json(&json!({ "visibility": "private" }));
        private.send().await.expect(StatusCode::OK);
    }
}
