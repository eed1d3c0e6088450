//! CORS: signed and public routes are open to pages of every origin, other routes only to listed origins.

use serde_json::json;

use crate::support::{Client, Options, PDF, Response, Server, id_of};

const ORIGIN: &str = "https://app.example.org";

async fn send_preflight(client: &Client, target: &str, method: &str) -> Response {
    let request = client.request("OPTIONS", target).header("origin", ORIGIN);
    let request = request.header("access-control-request-method", method);
    request
        .header("access-control-request-headers", "authorization,range")
        .send()
        .await
}

async fn read_from(client: &Client, target: &str, origin: &str) -> Response {
    client
        .request("GET", target)
        .header("origin", origin)
        .send()
        .await
}

fn allows(response: &Response, origin: &str) -> bool {
    let allowed = response.find_header("access-control-allow-origin");
    allowed.is_some_and(|allowed| allowed == "*" || allowed == origin)
}

#[tokio::test]
async fn links_and_public_files_allow_every_origin() {
    let server = Server::start(Options::new()).await;
    let anyone = server.anonymous();
    let record = server
        .client()
        .store_with("a.pdf", PDF, json!({"visibility": "public"}))
        .await;
    let id = id_of(&record);
    let link = server
        .client()
        .link(&id, &json!({"action": "download"}))
        .await;
    let public = format!("/v1/public/{id}/a.pdf");
    for target in [&link, &public] {
        let preflight = send_preflight(&anyone, target, "GET").await;
        assert!((200..300).contains(&preflight.status), "{preflight:?}");
        assert!(allows(&preflight, ORIGIN), "{preflight:?}");
        let read = read_from(&anyone, target, ORIGIN).await.expect(200);
        assert!(allows(&read, ORIGIN), "{read:?}");
        let exposed = read.header("access-control-expose-headers").to_lowercase();
        assert!(exposed.contains("content-disposition"), "{exposed}");
        assert!(
            read.find_header("access-control-allow-credentials")
                .is_none()
        );
    }
    // A page can read the reason of a refusal.
    let refused = read_from(&anyone, &format!("{link}x"), ORIGIN).await;
    assert!(allows(&refused, ORIGIN), "{refused:?}");
    refused.problem(403, "invalid-link");
    let missing = read_from(&anyone, "/v1/public/7/a.pdf", ORIGIN).await;
    assert!(allows(&missing, ORIGIN), "{missing:?}");
}

#[tokio::test]
async fn keyed_routes_allow_no_origin_by_default() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let file = format!("/v1/files/{id}");
    let content = format!("/v1/files/{id}/content");
    for target in ["/v1/files", &file, &content] {
        let preflight = send_preflight(&client.without_key(), target, "GET").await;
        assert!(!allows(&preflight, ORIGIN), "{target}: {preflight:?}");
        let read = read_from(&client, target, ORIGIN).await.expect(200);
        assert!(!allows(&read, ORIGIN), "{target}: {read:?}");
    }
}

#[tokio::test]
async fn keyed_routes_allow_only_listed_origins() {
    let options = Options::new().environment("ATTACHE_CORS_ORIGINS", ORIGIN);
    let server = Server::start(options).await;
    let client = server.client();
    let preflight = send_preflight(&client.without_key(), "/v1/files", "POST").await;
    assert!(allows(&preflight, ORIGIN), "{preflight:?}");
    assert!(
        preflight
            .header("access-control-allow-methods")
            .contains("POST"),
        "{preflight:?}"
    );
    let headers = preflight
        .header("access-control-allow-headers")
        .to_lowercase();
    assert!(
        headers.contains("authorization") && headers.contains("range"),
        "{headers}"
    );
    let read = read_from(&client, "/v1/files", ORIGIN).await.expect(200);
    assert!(allows(&read, ORIGIN), "{read:?}");
    let refused = read_from(&client.without_key(), "/v1/files", ORIGIN).await;
    assert!(allows(&refused, ORIGIN), "errors too: {refused:?}");
    refused.problem(401, "unauthenticated");
    let wrong = read_from(&client, "/v1/files?colour=blue", ORIGIN).await;
    assert!(allows(&wrong, ORIGIN), "errors too: {wrong:?}");
    for stranger in [
        "https://evil.example.org",
        "https://app.example.org.evil.org",
        "null",
    ] {
        let read = read_from(&client, "/v1/files", stranger).await;
        assert!(!allows(&read, stranger), "{stranger}: {read:?}");
    }
}
