//! What is refused, with which status, and that each refusal names the fault.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Form, Options, PDF, Server, UNKNOWN_ID, id_of, noise};

/// A problem document without what differs from request to request.
fn comparable(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("request_id");
    problem
}

#[tokio::test]
async fn without_a_good_key_everything_is_401_and_says_how_to_authenticate() {
    let server = Server::start(Options::new()).await;
    let anyone = server.anonymous();
    let good = server.key();
    let (kept, last) = good.split_at(good.len() - 1);
    let mistyped = format!("{kept}{}", if last == "0" { "1" } else { "0" });
    let values = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer nonsense".to_owned()),
        Some(format!("Bearer {mistyped}")),
        Some(format!("Bearer {kept}")),
        Some(format!("Bearer {good} {good}")),
        Some(format!("Basic {good}")),
        Some(good.to_owned()),
    ];
    let mut bodies = Vec::new();
    for value in values {
        let mut request = anyone.request("GET", "/v1/files");
        if let Some(value) = &value {
            request = request.header("authorization", value);
        }
        let answer = request.send().await;
        assert!(
            answer.header("www-authenticate").starts_with("Bearer"),
            "{value:?}: {answer:?}"
        );
        bodies.push(comparable(answer.problem(401, "unauthenticated")));
    }
    assert!(bodies.iter().all(|body| *body == bodies[1]), "{bodies:#?}");
    let request = anyone.request("GET", "/v1/files");
    request
        .header("authorization", &format!("bearer {good}"))
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_foreign_an_unknown_and_an_ill_formed_id_get_one_body() {
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
async fn an_unknown_route_is_404_and_a_wrong_method_405() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for target in [
        "/",
        "/v1",
        "/v1/",
        "/v1/file",
        "/v1/files/",
        "/v2/files",
        "/v1/files/a/b/c",
    ] {
        client.get(target).await.problem(404, "not-found");
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
        let answer = client.request(method, target).send().await;
        assert!(answer.header("allow").contains(allowed), "{answer:?}");
        answer.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn a_missing_scope_is_403_and_named() {
    let server = Server::start(Options::new()).await;
    let reader = server.create_key("default", &["files:read"]);
    let reader = server.client().with_key(&reader);
    let answer = reader.upload_raw("a.txt", "", b"a").await;
    answer.problem_naming(403, "missing-scope", "files:write");
    reader.get("/v1/files").await.expect(200);
    // A scope is asked for before the file is looked up.
    let answer = reader.content(UNKNOWN_ID).await;
    answer.problem_naming(403, "missing-scope", "content:read");
}

#[tokio::test]
async fn broken_bodies_are_400_and_name_the_fault() {
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
        b"nonsense",
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
    // Ended in good order, but before the last boundary.
    for short in [&file.unfinished()[..], b"", b"nothing of the kind"] {
        send(&kind, short).await.problem(400, "body-cut-off");
    }
    send("multipart/form-data", &whole)
        .await
        .problem_naming(400, "malformed-body", "boundary");
    let other = "multipart/form-data; boundary=another";
    send(other, &whole).await.problem(400, "body-cut-off");
    let headless = Form::new().part("X-Nothing: useful", b"x").finish();
    send(&kind, &headless)
        .await
        .problem_naming(400, "malformed-body", "part 1");
    send("multipart/mixed; boundary=b", &whole)
        .await
        .problem(415, "unsupported-media-type");
    assert!(client.list("").await.is_empty());
    server.wait_for_objects(0, Duration::from_secs(15)).await;
}

#[tokio::test]
async fn fields_that_do_not_fit_are_422_and_named() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let cases = [
        (json!({"content": "YQ=="}), "filename"),
        (json!({"filename": "a.txt"}), "content"),
        (json!({"filename": "a.txt", "content": "Y Q=="}), "content"),
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
        let answer = client.post_json("/v1/files", &body).await;
        let problem = answer.problem_naming(422, "invalid-field", named);
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
async fn queries_that_do_not_fit_are_400_and_named() {
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
        let answer = request.body("application/octet-stream", "x").send().await;
        answer.problem_naming(400, "invalid-parameter", named);
    }
    let id = id_of(&client.store("a.pdf", PDF).await);
    let answer = client.get(&format!("/v1/files/{id}?colour=blue")).await;
    answer.problem_naming(400, "invalid-parameter", "colour");
    let answer = client.delete(&format!("/v1/files/{id}?force=true")).await;
    answer.problem_naming(400, "invalid-parameter", "force");
    client.record(&id).await.expect(200);
}

#[tokio::test]
async fn a_body_without_a_shape_is_415() {
    let server = Server::start(Options::new()).await;
    let request = server.client().request("POST", "/v1/files");
    let answer = request.body("text/plain", "what is this?").send().await;
    answer.problem(415, "unsupported-media-type");
    let record = server.client().store("a.pdf", PDF).await;
    let target = format!("/v1/files/{}/claim", id_of(&record));
    let request = server.client().request("POST", &target);
    let answer = request
        .body("text/plain", "{\"holder\":\"h\"}")
        .send()
        .await;
    answer.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn a_refusal_that_ends_the_connection_says_so() {
    // Otherwise the client's next request goes to a connection that is about to end (RFC 9110,
    // section 10.1.1: a final answer before the whole body was read).
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let headers = "Content-Type: text/csv\r\nContent-Length: 200000000\r\n";
    let refused = answer_to_head(&server, "/v1/files?filename=a.csv", headers).await;
    let refused = refused.expect(413);
    assert_eq!(
        refused.find_header("connection"),
        Some("close"),
        "{refused:?}"
    );

    // One that was read to its end leaves the connection as it was.
    let mut connection = server.connect().await;
    for _ in 0..3 {
        let (authority, key) = (server.authority(), server.key());
        let upload = format!(
            "POST /v1/files?filename=a.csv HTTP/1.1\r\nHost: {authority}\r\n\
             Authorization: Bearer {key}\r\nContent-Length: 3\r\n\r\na,b"
        );
        connection.send(upload).await;
        connection.answer().await.expect(201);
        let list = format!(
            "GET /v1/files?colour=blue HTTP/1.1\r\nHost: {authority}\r\n\
             Authorization: Bearer {key}\r\n\r\n"
        );
        connection.send(list).await;
        connection.answer().await.expect(400);
    }
}

/// Sends only the head of a request and reads what the server says to it.
async fn answer_to_head(server: &Server, target: &str, headers: &str) -> Answer {
    let mut connection = server.connect().await;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
        server.authority(),
        server.key(),
    );
    connection.send(head).await;
    connection.answer().await
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_is_sent() {
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let raw = "/v1/files?filename=a.bin";
    let form = Form::content_type();
    for (target, kind) in [
        (raw, "application/octet-stream"),
        (raw, "text/csv"),
        ("/v1/files", form.as_str()),
        ("/v1/files", "application/json"),
    ] {
        for expectation in ["Expect: 100-continue\r\n", ""] {
            let headers =
                format!("Content-Type: {kind}\r\nContent-Length: 200000000\r\n{expectation}");
            let answer = answer_to_head(&server, target, &headers).await;
            answer.problem(413, "too-large");
        }
    }
    // One that fits is asked for.
    let fits = "Content-Type: text/csv\r\nContent-Length: 10\r\nExpect: 100-continue\r\n";
    assert_eq!(answer_to_head(&server, raw, fits).await.status, 100);
    // And nobody is asked for a body that will not be taken anyway.
    let mut connection = server.connect().await;
    let head = format!(
        "POST /v1/files?filename=a.bin HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\
         Expect: 100-continue\r\n\r\n",
        server.authority()
    );
    connection.send(head).await;
    connection.answer().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused_and_leaves_nothing() {
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let client = server.client();
    let answer = client.upload_raw("a.bin", "", &noise(1, 100_001)).await;
    answer.problem(413, "too-large");
    let form = Form::new().file(
        "file",
        "a.bin",
        "application/octet-stream",
        &noise(1, 100_001),
    );
    client.upload_form(form).await.problem(413, "too-large");
    client
        .upload_json("a.bin", &noise(1, 100_001), json!({}))
        .await
        .problem(413, "too-large");

    let mut connection = server.connect().await;
    let head = format!(
        "POST /v1/files?filename=a.bin HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.authority(),
        server.key(),
    );
    connection.send(head).await;
    // 1 MB with no end in sight: the answer comes before the body is over.
    for _ in 0..100 {
        let chunk = format!("2710\r\n{}\r\n", "x".repeat(10_000));
        if connection.try_send(chunk).await.is_err() {
            break;
        }
    }
    connection.answer().await.problem(413, "too-large");

    let form = Form::new().file(
        "file",
        "a.bin",
        "application/octet-stream",
        &noise(1, 100_000),
    );
    client.upload_form(form).await.expect(201);
    let fits = client
        .upload_raw("a.bin", "", &noise(1, 100_000))
        .await
        .expect(201)
        .only_file();
    assert_eq!(fits["size_bytes"], 100_000);
    server.wait_for_objects(1, Duration::from_secs(15)).await;
}

#[tokio::test]
async fn more_files_and_parts_than_allowed_are_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let files = |count: usize| {
        (0..count).fold(Form::new(), |form, number| {
            form.file("file", &format!("{number}.txt"), "text/plain", b"x")
        })
    };
    client
        .upload_form(files(21))
        .await
        .problem_naming(413, "too-many-files", "20");
    let parts = (0..64).fold(files(1), |form, _| form.field("person", "p"));
    let answer = client.upload_form(parts).await;
    assert!(matches!(answer.status, 413 | 422), "{answer:?}");
    let long = Form::new().field("description", &"d".repeat(17 << 10));
    let long = long.file("file", "a.txt", "text/plain", b"x");
    let answer = client.upload_form(long).await;
    assert!(matches!(answer.status, 413 | 422), "{answer:?}");
    assert_list_empty(&client).await;
    assert_eq!(
        client
            .upload_form(files(20))
            .await
            .expect(201)
            .files()
            .len(),
        20
    );
}

async fn assert_list_empty(client: &Client) {
    let listed = client.list("state=any").await;
    assert!(listed.is_empty(), "{listed:#?}");
}
