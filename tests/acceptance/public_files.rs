//! Public files: bytes without a key.

use serde_json::json;

use crate::support::{Options, PDF, Server, UNKNOWN_ID, id_of};

#[tokio::test]
async fn public_file_needs_no_key_until_private() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let id = id_of(
        &client
            .store_with("a.pdf", PDF, json!({"visibility": "public"}))
            .await,
    );
    let target = format!("/v1/public/{id}/a.pdf");

    let response = anyone.get(&target).await.expect(200);
    assert_eq!(response.body, PDF);
    assert_eq!(response.header("content-type"), "application/pdf");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
    let head = anyone.head(&target).await.expect(200);
    assert_eq!(head.header("content-length"), PDF.len().to_string());
    let part = anyone
        .request("GET", &target)
        .header("range", "bytes=0-3")
        .send()
        .await;
    assert_eq!(part.expect(206).body, PDF[..4]);
    anyone
        .get(&format!("/v1/files/{id}"))
        .await
        .problem(401, "unauthenticated");
    anyone
        .get(&format!("/v1/files/{id}/content"))
        .await
        .problem(401, "unauthenticated");
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let response = anyone.request(method, &target).send().await;
        let allowed = response.header("allow").to_owned();
        assert!(
            allowed.contains("GET") && allowed.contains("HEAD"),
            "{allowed}"
        );
        response.problem(405, "method-not-allowed");
    }

    client
        .patch(&id, &json!({"visibility": "private"}))
        .await
        .expect(200);
    anyone.get(&target).await.problem(404, "not-found");
}

#[tokio::test]
async fn private_unknown_and_malformed_ids_look_alike() {
    let server = Server::start(Options::new()).await;
    let private = id_of(&server.client().store("a.pdf", PDF).await);
    let mut bodies = Vec::new();
    for id in [private.as_str(), UNKNOWN_ID, "7"] {
        let response = server
            .anonymous()
            .get(&format!("/v1/public/{id}/a.pdf"))
            .await;
        let mut problem = response.problem(404, "not-found");
        problem.as_object_mut().unwrap().remove("request_id");
        bodies.push(problem);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}
