//! One record: read, patch, delete, and optimistic concurrency.

use serde_json::{Value, json};

use crate::support::{Client, Options, PDF, Server, id_of};

async fn store_described(client: &Client) -> Value {
    let fields = json!({
        "person": "ann", "category": "images", "name": "Before", "description": "Words",
    });
    client.store_with("before.pdf", PDF, fields).await
}

#[tokio::test]
async fn record_reads_as_returned_by_the_upload() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut stored = store_described(&client).await;
    let response = client.record(&id_of(&stored)).await.expect(200);
    let read = response.json();
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.header("etag"), format!("\"{}\"", read["revision"]));
    stored.as_object_mut().unwrap().remove("deduplicated");
    assert_eq!(read, stored);
    assert_eq!(client.list("").await, [read]);
}

#[tokio::test]
async fn patch_changes_named_fields_and_null_clears() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let before = store_described(&client).await;
    let id = id_of(&before);

    let after = client
        .patch(&id, &json!({"name": "After"}))
        .await
        .expect(200)
        .json();
    assert_eq!(after["name"], "After");
    for kept in [
        "filename",
        "description",
        "category",
        "person",
        "visibility",
        "created_at",
        "key",
    ] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert!(
        after["revision"].as_i64() > before["revision"].as_i64(),
        "{after:#}"
    );

    let cleared = json!({"description": null, "category": null, "person": null});
    let after = client.patch(&id, &cleared).await.expect(200).json();
    for cleared in ["description", "category", "person", "person_id"] {
        assert_eq!(after[cleared], Value::Null, "{cleared}");
    }
    let all = json!({
        "name": "N", "filename": "folder/new.pdf", "description": "D", "category": "medical",
        "person": "new person", "visibility": "public",
    });
    let after = client.patch(&id, &all).await.expect(200).json();
    assert_eq!(after["filename"], "new.pdf");
    assert_eq!(after["person"], "new person");
    assert_eq!(after["visibility"], "public");
    assert_eq!(after["key"], before["key"], "the key is set once");
    assert_eq!(client.record(&id).await.expect(200).json(), after);
    assert_eq!(client.content(&id).await.expect(200).body, PDF);
}

#[tokio::test]
async fn patch_accepts_merge_patch_and_json() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&store_described(&client).await);
    let send = async |content_type: &str, body: &str| {
        let request = client.request("PATCH", &format!("/v1/files/{id}"));
        request.body(content_type, body.to_owned()).send().await
    };
    send("application/merge-patch+json", r#"{"name":"A"}"#)
        .await
        .expect(200);
    send("application/json; charset=utf-8", r#"{"name":"B"}"#)
        .await
        .expect(200);
    send("text/plain", r#"{"name":"C"}"#)
        .await
        .problem(415, "unsupported-media-type");
    send("application/json", r#"{"name":"#)
        .await
        .problem(400, "malformed-body");
    send("application/json", "[]").await.expect(422);
    assert_eq!(client.record(&id).await.expect(200).json()["name"], "B");
}

#[tokio::test]
async fn patch_refuses_invalid_fields_and_names_them() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let before = store_described(&client).await;
    let id = id_of(&before);
    let cases = [
        (json!({"size_bytes": 1}), "size_bytes"),
        (json!({"sha256": "00"}), "sha256"),
        (json!({"id": id}), "id"),
        (json!({"used_at": null}), "used_at"),
        (json!({"state": "archived"}), "state"),
        (json!({"colour": "blue"}), "colour"),
        (json!({"name": "good", "Name": "bad"}), "Name"),
        (json!({"name": null}), "name"),
        (json!({"filename": null}), "filename"),
        (json!({"visibility": null}), "visibility"),
        (json!({"name": ""}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"filename": ".."}), "filename"),
        (json!({"filename": "a\u{7}b"}), "filename"),
        (json!({"category": "a b"}), "category"),
        (json!({"visibility": "secret"}), "visibility"),
        (json!({"person": ""}), "person"),
    ];
    for (body, named) in cases {
        client
            .patch(&id, &body)
            .await
            .problem_mentioning(422, "invalid-field", named);
    }
    let mut unchanged = before;
    unchanged.as_object_mut().unwrap().remove("deduplicated");
    assert_eq!(client.record(&id).await.expect(200).json(), unchanged);
}

#[tokio::test]
async fn if_match_lets_one_of_two_writers_win() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&store_described(&client).await);
    let target = format!("/v1/files/{id}");
    let tag = client
        .get(&target)
        .await
        .expect(200)
        .header("etag")
        .to_owned();
    let patch = async |name: &str, tag: &str| {
        let request = client.request("PATCH", &target).header("if-match", tag);
        request.json(&json!({"name": name})).send().await
    };
    let won = patch("first", &tag).await.expect(200);
    assert_ne!(won.header("etag"), tag);
    patch("second", &tag)
        .await
        .problem(412, "revision-mismatch");
    patch("second", "\"999\"")
        .await
        .problem(412, "revision-mismatch");
    assert_eq!(client.get(&target).await.json()["name"], "first");
    patch("third", "*").await.expect(200);

    let delete = client.request("DELETE", &target).header("if-match", &tag);
    delete.send().await.problem(412, "revision-mismatch");
    let tag = client
        .get(&target)
        .await
        .expect(200)
        .header("etag")
        .to_owned();
    client
        .request("DELETE", &target)
        .header("if-match", &tag)
        .send()
        .await
        .expect(204);
    client.get(&target).await.problem(404, "not-found");
}

#[tokio::test]
async fn deleted_file_is_gone_on_every_route() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let record = client
        .store_with("a.pdf", PDF, json!({"visibility": "public"}))
        .await;
    let id = id_of(&record);
    let link = client.link(&id, &json!({"action": "download"})).await;
    let response = client.delete(&format!("/v1/files/{id}")).await.expect(204);
    assert!(response.body.is_empty());
    client.record(&id).await.problem(404, "not-found");
    client.content(&id).await.problem(404, "not-found");
    client.get(&link).await.problem(404, "not-found");
    client
        .get(&format!("/v1/public/{id}/a.pdf"))
        .await
        .problem(404, "not-found");
    client
        .delete(&format!("/v1/files/{id}"))
        .await
        .problem(404, "not-found");
    client
        .post(&format!("/v1/files/{id}/restore"))
        .await
        .problem(404, "not-found");
    assert!(client.list("state=any").await.is_empty());
    server.wait_for_objects(0).await;
}
