//! The routes of files and uploads with every credential that they must refuse.

use serde_json::{Value, json};

use crate::support::{ALL_SCOPES, Client, Options, PDF, Request, Server, eventually, id_of};

/// A route that requires a key: its request, and the required scope.
struct Route {
    method: &'static str,
    /// `{id}` stands for a file's id.
    target: &'static str,
    body: fn() -> Option<Value>,
    scope: &'static str,
}

impl Route {
    fn request(&self, client: &Client, id: &str) -> Request {
        let request = client.request(self.method, &self.target.replace("{id}", id));
        match (self.body)() {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    fn names_a_file(&self) -> bool {
        self.target.contains("{id}")
    }
}

const fn route(
    method: &'static str,
    target: &'static str,
    scope: &'static str,
    body: fn() -> Option<Value>,
) -> Route {
    Route {
        method,
        target,
        body,
        scope,
    }
}

fn keyed_routes() -> Vec<Route> {
    let none: fn() -> Option<Value> = || None;
    vec![
        route("POST", "/v1/files", "files:write", || {
            Some(json!({"filename": "a.txt", "content": "YQ=="}))
        }),
        route("POST", "/v1/files?filename=a.txt", "files:write", none),
        route("GET", "/v1/files", "files:read", none),
        route("HEAD", "/v1/files", "files:read", none),
        route("GET", "/v1/files/{id}", "files:read", none),
        route("PATCH", "/v1/files/{id}", "files:write", || {
            Some(json!({"name": "taken"}))
        }),
        route("DELETE", "/v1/files/{id}", "files:delete", none),
        route("GET", "/v1/files/{id}/content", "content:read", none),
        route("HEAD", "/v1/files/{id}/content", "content:read", none),
        route(
            "GET",
            "/v1/files/{id}/content?disposition=inline",
            "content:read",
            none,
        ),
        route("POST", "/v1/files/{id}/claim", "files:claim", || {
            Some(json!({"holder": "thief"}))
        }),
        route(
            "DELETE",
            "/v1/files/{id}/claim?holder=thief",
            "files:claim",
            none,
        ),
        route("POST", "/v1/files/{id}/archive", "files:write", none),
        route("POST", "/v1/files/{id}/restore", "files:write", none),
        route("POST", "/v1/files/{id}/links", "links:create", || {
            Some(json!({"action": "download"}))
        }),
        route("POST", "/v1/uploads", "files:write", || {
            Some(json!({"filename": "a.pdf", "content_type": "application/pdf"}))
        }),
    ]
}

/// Clients with invalid keys, each with its fault.
async fn invalid_keys(server: &Server) -> Vec<(&'static str, Client)> {
    let client = server.client();
    let revoked = server.create_key("default", &ALL_SCOPES);
    server.cli(&["key", "revoke", revoked.split('_').nth(1).unwrap()]);
    let expired = server.cli(&["key", "create", "--tenant", "default", "--expires-in", "1s"]);
    let expired = client.with_key(&expired);
    eventually(
        "a key expires",
        std::time::Duration::from_secs(20),
        async || expired.get("/v1/files").await.status,
        |status| *status == 401,
    )
    .await;
    // Well-formed, but of another server. Not its first key, which both may have from one template.
    let elsewhere = Server::start(Options::new()).await;
    let foreign = elsewhere.create_key("default", &ALL_SCOPES);
    vec![
        ("no key", client.without_key()),
        ("a malformed key", client.with_key("att_garbage")),
        ("a key of another server", client.with_key(&foreign)),
        ("a revoked key", client.with_key(&revoked)),
        ("an expired key", expired),
    ]
}

#[tokio::test]
async fn routes_refuse_invalid_keys_scopes_and_tenants() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let before = client.record(&id).await.expect(200).json();
    let other = server.other_tenant("other");
    let invalid = invalid_keys(&server).await;

    for route in keyed_routes() {
        let shown = format!("{} {}", route.method, route.target);
        for (what, client) in &invalid {
            let response = route.request(client, &id).send().await;
            assert_eq!(response.status, 401, "{shown} with {what}: {response:?}");
            assert!(
                response.find_header("www-authenticate").is_some(),
                "{shown} with {what}"
            );
        }
        let others: Vec<&str> = ALL_SCOPES
            .into_iter()
            .filter(|scope| *scope != route.scope)
            .collect();
        let unscoped = client.with_key(&server.create_key("default", &others));
        let response = route.request(&unscoped, &id).send().await;
        assert_eq!(
            response.status, 403,
            "{shown} without {}: {response:?}",
            route.scope
        );
        if route.names_a_file() {
            let response = route.request(&other, &id).send().await;
            assert_eq!(
                response.status, 404,
                "{shown} by another tenant: {response:?}"
            );
        }
    }

    assert_eq!(
        client.record(&id).await.expect(200).json(),
        before,
        "the record was changed"
    );
    assert_eq!(client.list("state=any").await.len(), 1);
    assert!(other.list("state=any").await.is_empty());
}

#[tokio::test]
async fn required_scope_alone_is_sufficient() {
    let server = Server::start(Options::new()).await;
    for route in keyed_routes() {
        let id = id_of(&server.client().store("a.pdf", PDF).await);
        let alone = server
            .client()
            .with_key(&server.create_key("default", &[route.scope]));
        let response = route.request(&alone, &id).send().await;
        let shown = format!(
            "{} {} with {}: {response:?}",
            route.method, route.target, route.scope
        );
        assert!((200..300).contains(&response.status), "{shown}");
    }
}

#[tokio::test]
async fn filters_never_find_files_of_another_tenant() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let fields = json!({"person": "ann", "category": "images"});
    let own = client.store_with("a.pdf", PDF, fields.clone()).await;
    let other = server.other_tenant("other");
    let person_id = own["person_id"].as_str().unwrap();
    let digest = own["sha256"].as_str().unwrap();
    for query in [
        String::new(),
        "state=any".into(),
        "person=ann".into(),
        format!("person_id={person_id}"),
        format!("sha256={digest}"),
        "name=a".into(),
        "category=images".into(),
    ] {
        assert!(other.list(&query).await.is_empty(), "{query}");
    }
    // The same identifier is another person there; a foreign person id is unknown.
    let foreign_file = other.store_with("a.pdf", PDF, fields).await;
    assert_ne!(foreign_file["person_id"], own["person_id"]);
    let foreign = other
        .upload_json("b.pdf", PDF, json!({"person_id": person_id}))
        .await;
    foreign.problem(422, "unknown-person");
    let patched = other
        .patch(&id_of(&foreign_file), &json!({"person": "bob"}))
        .await
        .expect(200);
    assert_ne!(patched.json()["person_id"], own["person_id"]);
    assert_eq!(client.list("person=bob").await.len(), 0);
}
