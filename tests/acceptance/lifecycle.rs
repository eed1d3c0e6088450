//! Archive and restore, and their refusal for claimed files.

use serde_json::{Value, json};

use crate::support::{Client, Options, PDF, Response, Server, id_of};

async fn archive(client: &Client, id: &str) -> Response {
    client.post(&format!("/v1/files/{id}/archive")).await
}

async fn restore(client: &Client, id: &str) -> Response {
    client.post(&format!("/v1/files/{id}/restore")).await
}

#[tokio::test]
async fn archived_file_keeps_record_and_hides_bytes() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let record = client
        .store_with("a.pdf", PDF, json!({"visibility": "public"}))
        .await;
    let id = id_of(&record);
    let link = client.link(&id, &json!({"action": "download"})).await;
    let public = format!("/v1/public/{id}/a.pdf");

    let archived = archive(&client, &id).await.expect(200).json();
    assert_eq!(archived["state"], "archived");
    assert!(archived["archived_at"].is_string(), "{archived:#}");
    let again = archive(&client, &id).await.expect(200).json();
    assert_eq!(
        again["archived_at"], archived["archived_at"],
        "archiving is idempotent"
    );

    assert_eq!(
        client.record(&id).await.expect(200).json()["state"],
        "archived"
    );
    assert!(client.list("").await.is_empty());
    assert_eq!(client.list_names("state=archived").await, ["a.pdf"]);
    client.content(&id).await.problem(404, "not-found");
    client.get(&link).await.problem(404, "not-found");
    client.get(&public).await.problem(404, "not-found");
    client
        .claim(&id, "certificate:1")
        .await
        .problem(409, "file-archived");
    let links = format!("/v1/files/{id}/links");
    let new_link = client.post_json(&links, &json!({"action": "view"})).await;
    new_link.problem(409, "file-archived");

    let restored = restore(&client, &id).await.expect(200).json();
    assert_eq!(restored["state"], "active");
    assert_eq!(restored["archived_at"], Value::Null);
    restore(&client, &id).await.expect(200);
    assert_eq!(client.content(&id).await.expect(200).body, PDF);
    assert_eq!(
        client.get(&link).await.expect(200).body,
        PDF,
        "the link survived"
    );
    assert_eq!(client.get(&public).await.expect(200).body, PDF);
    client.claim(&id, "certificate:1").await.expect(200);
}

#[tokio::test]
async fn claimed_file_is_neither_archived_nor_deleted() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let claimed = client.claim(&id, "certificate:42").await.expect(200).json();
    let used_at = claimed["used_at"].as_str().unwrap();

    let refused = archive(&client, &id).await.problem(409, "file-claimed");
    assert_eq!(refused["used_at"], used_at);
    let refused = client.delete(&format!("/v1/files/{id}")).await;
    assert_eq!(refused.problem(409, "file-claimed")["used_at"], used_at);
    assert_eq!(client.content(&id).await.expect(200).body, PDF);

    client.release(&id, "certificate:42").await.expect(200);
    archive(&client, &id).await.expect(200);
    client.delete(&format!("/v1/files/{id}")).await.expect(204);
}
