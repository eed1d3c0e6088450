//! participant-files, tested with the requests of its page, which prints no commands.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, Options, PNG, Response, Server, assert_shape};

const FILES: &str = r#"
{
"files": [
{
"participantID": "58b331cc-50ee-460b-8e7e-871e08867687",
"participantIdentifier": "PT-123",
"key": "58b331cc-50ee-460b-8e7e-871e08867687/images/2024-05-12T14:16:36.244Z_Kitty.jpg",
"category": "images",
"lastModified": "2024-05-12T10:16:37-04:00"
},
{
"participantID": "58b331cc-50ee-460b-8e7e-871e08867687",
"participantIdentifier": "PT-123",
"key": "58b331cc-50ee-460b-8e7e-871e08867687/files/2024-05-12T14:51:30.569Z_Llama.jpg",
"category": "workout-videos",
"lastModified": "2024-05-12T10:51:32-04:00"
}
],
"nextPageID": "A8MAqb65R6Ezx7NdzcND"
}
"#;

const DOWNLOAD: &str = r#"
{
"preSignedUrl": "https://your-presigned-secure-image-url/58b331cc-50ee-460b-8e7e-871e08867687/image/2024-03-14T17:26:43.526Z_kitty.jpg?Expires=1715527513&various-access-credentials..."
}
"#;

/// As on the page, which prints it without the leading slash.
const PATH: &str = "/api/v1/administration/projects/:projectID/files";

async fn get_files(client: &Client, query: &str) -> Response {
    let path = PATH.replace(":projectID", "default");
    client.get(&format!("{path}{query}")).await
}

async fn list(client: &Client, query: &str) -> Value {
    get_files(client, query).await.expect(200).json()
}

async fn store(client: &Client, name: &str, person: &str, category: Option<&str>) -> Value {
    let mut fields = json!({ "person": person });
    if let Some(category) = category {
        fields["category"] = category.into();
    }
    client.store_with(name, PNG, fields).await
}

fn keys(page: &Value) -> Vec<String> {
    let files = page["files"].as_array().unwrap().iter();
    files
        .map(|file| file["key"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn printed_requests_work() {
    let server = Server::start(Options::new()).await;
    let client = &server.client();
    let kitty = store(client, "Kitty.png", "PT-123", Some("images")).await;
    store(client, "Llama.png", "PT-123", Some("workout-videos")).await;
    store(client, "Other.png", "PT-456", Some("images")).await;
    client.store("nobodys.png", PNG).await;

    let page = list(client, "?limit=2").await;
    assert_shape(FILES, &page);
    let id = kitty["person_id"].as_str().unwrap();
    for query in [
        format!("?participantID={id}"),
        "?participantIdentifier=PT-123".to_owned(),
    ] {
        assert_eq!(keys(&list(client, &query).await).len(), 2, "{query}");
        let page = list(client, &format!("{query}&category=images")).await;
        assert_eq!(keys(&page), [kitty["key"].as_str().unwrap()]);
        assert_eq!(page["nextPageID"], Value::Null);
        let file = &page["files"][0];
        assert_eq!(file["participantIdentifier"], "PT-123");
        assert_eq!(file["participantID"], id);
    }
    let unknown = list(client, "?participantIdentifier=PT-789").await;
    assert_eq!(unknown, json!({ "files": [], "nextPageID": null }));
    assert_eq!(keys(&list(client, "").await).len(), 3);

    store(client, "Plain.png", "PT-789", None).await;
    let plain = list(client, "?participantIdentifier=PT-789").await;
    assert_eq!(plain["files"][0]["category"], Value::Null);
}

#[tokio::test]
async fn download_url_names_its_expiry() {
    let server = Server::start(Options::new()).await;
    let client = &server.client();
    let file = store(client, "kitty.png", "PT-123", Some("image")).await;
    let key = file["key"].as_str().unwrap();
    // As on the page: the key is not encoded.
    let response = get_files(client, &format!("/download?key={key}")).await;
    let response = response.expect(200).json();
    assert_shape(DOWNLOAD, &response);
    let url = response["preSignedUrl"].as_str().unwrap();
    assert_eq!(server.anonymous().get(url).await.expect(200).body, PNG);

    let (_, query) = url.split_once('?').unwrap();
    let expires = query.split('&').find_map(|it| it.strip_prefix("Expires="));
    let expires: i64 = expires.unwrap().parse().unwrap();
    let stored = file["created_at"].as_str().unwrap();
    let format = &time::format_description::well_known::Rfc3339;
    let stored = time::OffsetDateTime::parse(stored, format).unwrap();
    let lifetime = expires - stored.unix_timestamp();
    assert!((900..960).contains(&lifetime), "{lifetime}");
    let stretched = url.replace(
        &format!("Expires={expires}"),
        &format!("Expires={}", expires + 60),
    );
    let response = server.anonymous().get(&stretched).await;
    response.problem(403, "invalid-link");
}

#[tokio::test]
async fn paging_returns_each_file_once_during_uploads() {
    let server = Server::start(Options::new()).await;
    let client = &server.client();
    let mut before = BTreeSet::new();
    for number in 0..23 {
        let file = store(client, &format!("{number}.png"), "PT-1", None).await;
        before.insert(file["key"].as_str().unwrap().to_owned());
    }
    let mut seen = Vec::new();
    let mut page = list(client, "?limit=5").await;
    loop {
        seen.extend(keys(&page));
        assert!(seen.len() < 100, "the pages never end");
        let Some(next) = page["nextPageID"].as_str() else {
            break;
        };
        store(client, "late.png", "PT-1", None).await;
        let next = format!("?limit=5&pageID={next}");
        page = list(client, &next).await;
    }
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len());
    assert!(once.is_superset(&before));
}

#[tokio::test]
async fn files_of_another_project_are_unreachable() {
    let server = Server::start(Options::new()).await;
    let file = store(&server.client(), "a.png", "PT-1", None).await;
    let key = file["key"].as_str().unwrap();
    let stranger = server.other_tenant("north");
    for query in ["", &format!("/download?key={key}")] {
        get_files(&stranger, query)
            .await
            .problem(403, "other-tenant");
    }
    let own = PATH.replace(":projectID", "north");
    let listed = stranger.get(&own).await.expect(200).json();
    assert_eq!(listed["files"], json!([]));
    let download = stranger.get(&format!("{own}/download?key={key}")).await;
    download.problem(404, "not-found");
    let page = list(&server.client(), "?limit=1").await;
    assert_eq!(page["nextPageID"], Value::Null);
}

#[tokio::test]
async fn malformed_values_are_refused_and_named() {
    let server = Server::start(Options::new()).await;
    for (name, value) in [
        ("participantID", "PT-1"),
        ("uploadedAfter", "yesterday"),
        ("uploadedBefore", "12/31/2026"),
        ("limit", "0"),
        ("category", "a b"),
    ] {
        let response = get_files(
            &server.client(),
            &format!("?{name}={}", value.replace(' ', "%20")),
        )
        .await;
        response.problem_mentioning(400, "invalid-parameter", name);
    }
    let response = get_files(&server.client(), "?pageID=A8MAqb65R6Ezx7NdzcND").await;
    response.problem(400, "invalid-cursor");
    let response = get_files(&server.client(), "/download").await;
    response.problem_mentioning(400, "invalid-parameter", "key");
}
