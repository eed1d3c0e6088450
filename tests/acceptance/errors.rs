//! Refusals: their status, and that each names the fault.

use serde_json::{Value, json};

use crate::support::{Form, Options, PDF, Server, UNKNOWN_ID, id_of};

/// Removes from a problem document the part that differs in each request.
fn comparable(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("request_id");
    problem
}

#[tokio::test]
async fn invalid_key_returns_401_with_a_challenge() {
    let server = Server::start(Options::new()).await;
    let anyone = server.anonymous();
    let good = server.key();
    let (kept, last) = good.split_at(good.len() - 1);
    let mistyped = format!("{kept}{}", if last == "0" { "1" } else { "0" });
    // A key is never described; a header without one is.
    let values = [
        (None, "there is no API key"),
        (Some("Bearer".to_owned()), "has no API key"),
        (Some("Bearer ".to_owned()), "has no API key"),
        (Some("Bearer garbage".to_owned()), "the API key is"),
        (Some(format!("Bearer {mistyped}")), "the API key is"),
        (Some(format!("Bearer {kept}")), "the API key is"),
        (Some(format!("Bearer {good} {good}")), "the API key is"),
        (Some(format!("Basic {good}")), "another scheme than Bearer"),
        (Some(good.to_owned()), "has no scheme"),
    ];
    let mut bodies = Vec::new();
    for (value, reason) in values {
        let mut request = anyone.request("GET", "/v1/files");
        if let Some(value) = &value {
            request = request.header("authorization", value);
        }
        let response = request.send().await;
        assert!(
            response.header("www-authenticate").starts_with("Bearer"),
            "{value:?}: {response:?}"
        );
        let body = comparable(response.problem(401, "unauthenticated"));
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{value:?}: {detail}");
        assert!(!detail.contains(kept), "{detail}");
        if reason == "the API key is" {
            bodies.push(body);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
    let request = anyone.request("GET", "/v1/files");
    request
        .header("authorization", &format!("bearer {good}"))
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn foreign_unknown_and_malformed_ids_look_alike() {
    let server = Server::start(Options::new()).await;
    let foreign = id_of(&server.other_tenant("other").store("a.pdf", PDF).await);
    let client = server.client();
    let targets: [(&str, &str, Option<Value>); 8] = [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"name": "x"}))),
        ("DELETE", "", None),
        ("GET", "/content", None),
        ("POST", "/claim", Some(json!({"holder": "h"}))),
        ("DELETE", "/claim?holder=h", None),
        ("POST", "/archive", None),
        ("POST", "/links", Some(json!({"action": "view"}))),
    ];
    for (method, rest, body) in targets {
        let mut bodies = Vec::new();
        for id in [
            foreign.as_str(),
            UNKNOWN_ID,
            "7",
            "not-an-id",
            "%00",
            "..%2f..%2fetc",
        ] {
            let mut request = client.request(method, &format!("/v1/files/{id}{rest}"));
            if let Some(body) = &body {
                request = request.json(body);
            }
            bodies.push(comparable(request.send().await.problem(404, "not-found")));
        }
        assert!(
            bodies.iter().all(|body| *body == bodies[0]),
            "{method} {rest}: {bodies:#?}"
        );
    }
}

#[tokio::test]
async fn unknown_route_returns_404_and_method_405() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for target in [
        "/",
        "/v1",
        "/v1/",
        "/v1/file",
        "/v2/files",
        "/v1/files/a/b/c",
        "/v1/files//",
    ] {
        client.get(target).await.problem(404, "not-found");
        let options = client.request("OPTIONS", target).send().await;
        options.problem(404, "not-found");
    }
    for (method, target, allowed) in [
        ("DELETE", "/v1/files", "POST"),
        (
            "PUT",
            "/v1/files/0190163d-8694-739b-aea5-966c26f8ad91",
            "PATCH",
        ),
        (
            "GET",
            "/v1/files/0190163d-8694-739b-aea5-966c26f8ad91/claim",
            "DELETE",
        ),
        ("POST", "/livez", "GET"),
    ] {
        let response = client.request(method, target).send().await;
        assert!(response.header("allow").contains(allowed), "{response:?}");
        response.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn missing_scope_returns_403_and_is_named() {
    let server = Server::start(Options::new()).await;
    let reader = server.create_key("default", &["files:read"]);
    let reader = server.client().with_key(&reader);
    let response = reader.upload_raw("a.txt", "", b"a").await;
    response.problem_mentioning(403, "missing-scope", "files:write");
    reader.get("/v1/files").await.expect(200);
    // The scope is checked before the file is looked up.
    let response = reader.content(UNKNOWN_ID).await;
    response.problem_mentioning(403, "missing-scope", "content:read");
}

#[tokio::test]
async fn malformed_bodies_return_400_and_name_the_fault() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let send = async |content_type: &str, body: &[u8]| {
        let request = client.request("POST", "/v1/files");
        request.body(content_type, body.to_vec()).send().await
    };
    let broken: [&[u8]; 5] = [
        b"",
        b"{",
        b"{\"filename\":\"a\",}",
        b"garbage",
        b"{\"filename\":\"a\xff\"}",
    ];
    for body in broken {
        send("application/json", body)
            .await
            .problem(400, "malformed-body");
    }
    let file = Form::new().file("file", "a.pdf", "application/pdf", PDF);
    let whole = file.clone().finish();
    let kind = Form::content_type();
    // Complete as an HTTP body, but without the closing boundary.
    for short in [
        &file.without_closing_boundary()[..],
        b"",
        b"no boundary at all",
    ] {
        send(&kind, short).await.problem(400, "body-cut-off");
    }
    send("multipart/form-data", &whole)
        .await
        .problem_mentioning(400, "malformed-body", "boundary");
    let other = "multipart/form-data; boundary=another";
    send(other, &whole).await.problem(400, "body-cut-off");
    let headless = Form::new().part("X-Nothing: useful", b"x").finish();
    send(&kind, &headless)
        .await
        .problem_mentioning(400, "malformed-body", "part 1");
    send("multipart/mixed; boundary=b", &whole)
        .await
        .problem(415, "unsupported-media-type");
    assert!(client.list("").await.is_empty());
    server.wait_for_objects(0).await;
}

#[tokio::test]
async fn invalid_fields_return_422_and_are_named() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let cases = [
        (json!({"content": "YQ=="}), "filename"),
        (json!({"filename": "a.txt"}), "content"),
        (json!({"filename": "a.txt", "content": "Y!Q=="}), "content"),
        (
            json!({"filename": "a.txt", "content": "YQ==YQ=="}),
            "content",
        ),
        (json!({"filename": "a.txt", "content": "Y*=="}), "content"),
        (json!({"filename": "a.txt", "content": 7}), "content"),
        (
            json!({"filename": "a.txt", "content": "YQ==", "colour": "blue"}),
            "colour",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "size_bytes": 1}),
            "size_bytes",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "dedup": "perhaps"}),
            "dedup",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "visibility": "half"}),
            "visibility",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "sha256": "abc"}),
            "sha256",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "person_id": "7"}),
            "person_id",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "person": ".."}),
            "person",
        ),
        (
            json!({"filename": "a.txt", "content": "YQ==", "accept": "image"}),
            "accept",
        ),
    ];
    for (body, named) in cases {
        let response = client.post_json("/v1/files", &body).await;
        let problem = response.problem_mentioning(422, "invalid-field", named);
        assert_eq!(problem["errors"][0]["field"], named, "{problem:#}");
    }
    let both = json!({"filename": "a", "content": "YQ==", "person": "p", "person_id": UNKNOWN_ID});
    client
        .post_json("/v1/files", &both)
        .await
        .problem(422, "invalid-field");
    let none = client.upload_form(Form::new().field("person", "p")).await;
    none.problem(422, "no-file");
    assert!(client.list("").await.is_empty());
}

#[tokio::test]
async fn invalid_queries_return_400_and_are_named() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for (query, named) in [
        ("filename=a&colour=blue", "colour"),
        ("filename=a&filename=b", "filename"),
        ("filename=a&dedup=perhaps", "dedup"),
        ("filename=a&category=a%20b", "category"),
        ("filename=a&person=%ff", "person"),
        ("filename=", "filename"),
    ] {
        let request = client.request("POST", &format!("/v1/files?{query}"));
        let response = request.body("application/octet-stream", "x").send().await;
        response.problem_mentioning(400, "invalid-parameter", named);
    }
    let id = id_of(&client.store("a.pdf", PDF).await);
    let response = client.get(&format!("/v1/files/{id}?colour=blue")).await;
    response.problem_mentioning(400, "invalid-parameter", "colour");
    let response = client.delete(&format!("/v1/files/{id}?force=true")).await;
    response.problem_mentioning(400, "invalid-parameter", "force");
    client.record(&id).await.expect(200);
}

#[tokio::test]
async fn unsupported_body_type_returns_415() {
    let server = Server::start(Options::new()).await;
    let request = server.client().request("POST", "/v1/files");
    let response = request.body("text/plain", "what is this?").send().await;
    response.problem(415, "unsupported-media-type");
    let record = server.client().store("a.pdf", PDF).await;
    let target = format!("/v1/files/{}/claim", id_of(&record));
    let request = server.client().request("POST", &target);
    let response = request
        .body("text/plain", "{\"holder\":\"h\"}")
        .send()
        .await;
    response.problem(415, "unsupported-media-type");
}
