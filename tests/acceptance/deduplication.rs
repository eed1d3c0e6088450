//! Equal bytes are stored once within a tenant, never shared across tenants, and deleted when unreferenced.

use std::time::Duration;

use serde_json::json;

use crate::support::{Form, Options, PDF, PNG, Server, id_of, noise};

#[tokio::test]
async fn equal_bytes_are_stored_once_until_unreferenced() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let bytes = noise(11, 300_000);
    let first = id_of(&client.store("first.bin", &bytes).await);
    let second = id_of(
        &client
            .store_with("second.bin", &bytes, json!({"person": "p"}))
            .await,
    );
    assert_ne!(first, second, "two records");
    server.wait_for_objects(1).await;

    client
        .delete(&format!("/v1/files/{first}"))
        .await
        .expect(204);
    client.record(&first).await.problem(404, "not-found");
    // Several rounds of the reaper.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.content(&second).await.expect(200).body, bytes);
    server.wait_for_objects(1).await;

    client
        .delete(&format!("/v1/files/{second}"))
        .await
        .expect(204);
    server.wait_for_objects(0).await;

    let third = id_of(&client.store("third.bin", &bytes).await);
    assert_eq!(
        client.content(&third).await.expect(200).body,
        bytes,
        "stored again"
    );
}

#[tokio::test]
async fn equal_files_of_one_request_are_stored_once() {
    let server = Server::start(Options::new()).await;
    let form = Form::new()
        .file("file", "1.pdf", "application/pdf", PDF)
        .file("file", "2.pdf", "application/pdf", PDF);
    let files = server.client().upload_form(form).await.expect(201).files();
    assert_ne!(files[0]["id"], files[1]["id"]);
    server.wait_for_objects(1).await;
    server
        .client()
        .delete(&format!("/v1/files/{}", id_of(&files[0])))
        .await
        .expect(204);
    assert_eq!(
        server
            .client()
            .content(&id_of(&files[1]))
            .await
            .expect(200)
            .body,
        PDF
    );
}

#[tokio::test]
async fn each_tenant_has_its_own_copy() {
    let server = Server::start(Options::new()).await;
    let (one, other) = (server.client(), server.other_tenant("other"));
    let own = id_of(&one.store("a.pdf", PDF).await);
    let foreign = id_of(&other.store("a.pdf", PDF).await);
    server.wait_for_objects(2).await;
    one.delete(&format!("/v1/files/{own}")).await.expect(204);
    server.wait_for_objects(1).await;
    assert_eq!(other.content(&foreign).await.expect(200).body, PDF);
}

#[tokio::test]
async fn dedup_returns_existing_record_until_claimed() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let fields = json!({"person": "p", "category": "images", "dedup": true});
    let first = client
        .upload_json("a.png", PNG, fields.clone())
        .await
        .expect(201)
        .only_file();
    assert_eq!(first["deduplicated"], false);
    let id = id_of(&first);

    let again = client
        .upload_json("b.png", PNG, fields.clone())
        .await
        .expect(200)
        .only_file();
    assert_eq!(again["deduplicated"], true);
    assert_eq!(id_of(&again), id);
    assert_eq!(again["filename"], "a.png", "unchanged");

    let without = json!({"person": "p", "category": "images"});
    client.upload_json("c.png", PNG, without).await.expect(201);
    for other in [
        json!({"person": "q", "category": "images", "dedup": true}),
        json!({"person": "p", "category": "medical", "dedup": true}),
        json!({"person": "p", "category": "images", "dedup": true, "visibility": "public"}),
    ] {
        client.upload_json("d.png", PNG, other).await.expect(201);
    }
    let other = server.other_tenant("other");
    other
        .upload_json("a.png", PNG, fields.clone())
        .await
        .expect(201);

    for file in client.list("person=p&category=images").await {
        client
            .claim(&id_of(&file), "certificate:1")
            .await
            .expect(200);
    }
    let after = client
        .upload_json("e.png", PNG, fields)
        .await
        .expect(201)
        .only_file();
    assert_ne!(id_of(&after), id);
    assert_eq!(after["deduplicated"], false);
}

#[tokio::test]
async fn concurrent_equal_uploads_leave_one_copy() {
    let server = Server::start(Options::new()).await;
    let bytes = noise(5, 50_000);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (client, bytes) = (server.client(), bytes.clone());
        tasks.spawn(async move {
            let record = client.store(&format!("{number}.bin"), &bytes).await;
            let id = id_of(&record);
            if number % 2 == 0 {
                client.delete(&format!("/v1/files/{id}")).await.expect(204);
            }
        });
    }
    tasks.join_all().await;
    let left = server.client().list("").await;
    assert_eq!(left.len(), 8);
    server.wait_for_objects(1).await;
    for file in left {
        assert_eq!(
            server
                .client()
                .content(&id_of(&file))
                .await
                .expect(200)
                .body,
            bytes
        );
    }
}
