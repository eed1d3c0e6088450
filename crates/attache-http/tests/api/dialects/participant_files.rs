//! participant-files: files that the participants of a project uploaded.

use std::time::Duration;

use attache_model::Scopes;
use attache_testkit::{HttpClient, HttpResponse};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON: &str = "2026-01-31T12:00:00.000Z";
const FILES: &str = "/api/v1/administration/projects/school-7/files";

/// Uploads one file with these parameters and returns its record.
pub(super) async fn stored(client: &HttpClient, query: &str) -> Value {
    let call = client.post(&format!("/v1/files?filename=Kitty.jpg{query}"));
    let response = call.bytes(b"\xff\xd8\xff kitty").send().await;
    response.expect(StatusCode::CREATED).json()["files"][0].clone()
}

async fn list_request(client: &HttpClient, query: &str) -> HttpResponse {
    client.get(&format!("{FILES}{query}")).send().await
}

async fn list(client: &HttpClient, query: &str) -> Value {
    list_request(client, query)
        .await
        .expect(StatusCode::OK)
        .json()
}

fn keys(list: &Value) -> Vec<&str> {
    let files = list["files"].as_array().unwrap().iter();
    files.map(|file| file["key"].as_str().unwrap()).collect()
}

fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
    bytes.collect()
}

#[tokio::test]
async fn file_has_the_shape_of_the_page() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let record = stored(client, "&person=PT-123&category=images").await;
    let participant = record["person_id"].as_str().unwrap();
    let mut file = json!({
        "participantID": participant,
        "participantIdentifier": "PT-123",
        "key": format!("{participant}/images/{NOON}_Kitty.jpg"),
        "category": "images",
        "lastModified": NOON,
    });
    let expected = json!({ "files": [file], "nextPageID": null });
    assert_eq!(list(client, "").await, expected);
    // Removing its category keeps the key and changes the time of modification.
    tenant.fixture.clock.advance(Duration::from_millis(1500));
    let target = format!("/v1/files/{}", record["id"].as_str().unwrap());
    let patch = client.call(Method::PATCH, &target);
    let patch = patch.json(&json!({ "category": null }));
    patch.send().await.expect(StatusCode::OK);
    file["category"] = Value::Null;
    file["lastModified"] = "2026-01-31T12:00:01.500Z".into();
    let expected = json!({ "files": [file], "nextPageID": null });
    assert_eq!(list(client, "?unknown=1").await, expected);
}

#[tokio::test]
async fn file_key_never_changes() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let give = async |record: &Value, person: Value| {
        let target = format!("/v1/files/{}", record["id"].as_str().unwrap());
        let call = client.call(Method::PATCH, &target);
        let call = call.json(&json!({ "person": person })).send();
        call.await.expect(StatusCode::OK).json()
    };
    let unassigned = stored(client, "").await;
    give(&unassigned, json!("PT-1")).await;
    let key = format!("-/files/{NOON}_Kitty.jpg");
    assert_eq!(keys(&list(client, "").await), [&key]);
    let response = list_request(client, &format!("/download?key={key}")).await;
    response.expect(StatusCode::OK);

    let first = stored(client, "&person=PT-1").await;
    let second = give(&first, json!("PT-2")).await;
    let page = list(client, "?participantIdentifier=PT-2").await;
    let key = first["key"].as_str().unwrap();
    assert!(key.starts_with(first["person_id"].as_str().unwrap()));
    assert_eq!(keys(&page), [key]);
    assert_eq!(page["files"][0]["participantID"], second["person_id"]);
    give(&first, Value::Null).await;
    let response = list_request(client, &format!("/download?key={key}")).await;
    response.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn list_filters_by_participant_category_and_time() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut created = Vec::new();
    for query in [
        "&person=PT-1&category=images",
        "&person=PT-1",
        "&person=PT-2&category=images",
        "&category=images",
    ] {
        created.push(stored(client, query).await);
        tenant.fixture.clock.advance(Duration::from_hours(1));
    }
    let key = |at: usize| created[at]["key"].as_str().unwrap();
    let id = created[0]["person_id"].as_str().unwrap();
    let upper = id.to_uppercase();
    for (query, expected) in [
        (String::new(), &[2, 1, 0][..]),
        (format!("?participantID={id}"), &[1, 0]),
        (format!("?participantID={upper}"), &[1, 0]),
        ("?participantIdentifier=PT-1".to_owned(), &[1, 0]),
        ("?participantIdentifier=PT-1&category=images".to_owned(), &[0]),
        (format!("?participantID={id}&category=images"), &[0]),
        ("?category=images".to_owned(), &[2, 0]),
        ("?category=other".to_owned(), &[]),
        ("?participantIdentifier=pt-1".to_owned(), &[]),
        ("?participantID=0190163d-8694-739b-aea5-966c26f8ad91".to_owned(), &[]),
        // Both bounds are exclusive.
        ("?uploadedAfter=2026-01-31T12:00:00Z".to_owned(), &[2, 1]),
        ("?uploadedBefore=2026-01-31T14:00:00Z".to_owned(), &[1, 0]),
        (
            "?uploadedAfter=2026-01-31T08:59:59.999-03:00&uploadedBefore=2026-01-31T14:00:00%2B01:00".to_owned(),
            &[0],
        ),
        // An unencoded + is read as a space.
        ("?uploadedAfter=2026-01-31T14:00:00+01:00".to_owned(), &[2]),
        ("?uploadedAfter=2026-01-31".to_owned(), &[2, 1, 0]),
        ("?uploadedBefore=2026-01-31".to_owned(), &[]),
        ("?uploadedBefore=2026-02-01".to_owned(), &[2, 1, 0]),
        ("?uploadedAfter=2026-02-01".to_owned(), &[]),
        // Before and after all possible timestamps.
        ("?uploadedAfter=0001-01-01".to_owned(), &[2, 1, 0]),
        ("?uploadedAfter=1969-12-31T23:59:59Z&uploadedBefore=9999-12-31T23:59:59-12:00".to_owned(), &[2, 1, 0]),
        ("?uploadedBefore=0001-01-01".to_owned(), &[]),
        ("?uploadedAfter=9999-12-31".to_owned(), &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|at| key(*at)).collect();
        assert_eq!(keys(&list(client, &query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn malformed_parameter_is_named() {
    let tenant = Tenant::new().await;
    stored(&tenant.client, "&person=PT-1").await;
    for wrong in [
        "participantID=PT-1",
        "participantID=",
        "participantID=0190163d-8694-739b-aea5-966c26f8ad91&participantIdentifier=PT-1",
        "participantIdentifier=",
        "participantIdentifier=..",
        "category=",
        "category=../files",
        "uploadedAfter=yesterday",
        "uploadedAfter=2026-02-30",
        "uploadedAfter=",
        "uploadedBefore=1769860800",
        "uploadedBefore=2026-01-31T14:00:00+010",
        "limit=0",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "pageID=",
        "pageID=A8MAqb65R6Ezx7NdzcND",
    ] {
        let name = wrong.split('=').next().unwrap();
        let response = list_request(&tenant.client, &format!("?{wrong}")).await;
        let problem = response.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains(name), "{wrong}: {problem:?}");
    }
}

#[tokio::test]
async fn limit_is_clamped_to_100() {
    let tenant = Tenant::new().await;
    for _ in 0..101 {
        stored(&tenant.client, "&person=PT-1").await;
    }
    for (query, count) in [
        ("", 100),
        ("?limit=100", 100),
        ("?limit=101", 100),
        ("?limit=99999999999999999999", 100),
        ("?limit=7", 7),
    ] {
        let page = list(&tenant.client, query).await;
        assert_eq!(keys(&page).len(), count, "{query}");
        assert!(page["nextPageID"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn pages_have_every_file_once_during_uploads() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut created = Vec::new();
    for _ in 0..9 {
        let record = stored(client, "&person=PT-1").await;
        created.push(record["key"].as_str().unwrap().to_owned());
        stored(client, "").await;
        tenant.fixture.clock.advance(Duration::from_millis(1));
    }
    for query in ["limit=3", "limit=3&participantIdentifier=PT-1"] {
        let mut seen = Vec::new();
        let mut page = list(client, &format!("?{query}")).await;
        let mut pages = 1;
        loop {
            seen.extend(keys(&page).into_iter().map(str::to_owned));
            let Some(next) = page["nextPageID"].as_str() else {
                break;
            };
            tenant.fixture.clock.advance(Duration::from_millis(1));
            stored(client, "&person=PT-1&category=late").await;
            let next = next.to_owned();
            page = list(client, &format!("?{query}&pageID={next}")).await;
            pages += 1;
            let other = format!("?limit=3&category=late&pageID={next}");
            let problem = list_request(client, &other)
                .await
                .problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem.kind, "invalid-cursor");
        }
        seen.retain(|key| !key.contains("/late/"));
        let mut expected = created.clone();
        expected.reverse();
        assert_eq!(seen, expected, "{query}");
        assert!(pages >= 3, "{query}");
    }
}

#[tokio::test]
async fn download_url_expires() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let record = stored(client, "&person=PT-1").await;
    let key = record["key"].as_str().unwrap();
    for key in [key.to_owned(), encoded(key)] {
        let response = list_request(client, &format!("/download?key={key}")).await;
        let response = response.expect(StatusCode::OK).json();
        let url = response["preSignedUrl"].as_str().unwrap();
        assert_eq!(response, json!({ "preSignedUrl": url }));
        let expires = 1_769_860_800 + 900;
        assert!(url.contains(&format!("Expires={expires}")), "{url}");

        let open = |url: String| client.anonymous().get(&url).send();
        let opened = open(url.to_owned()).await.expect(StatusCode::OK);
        assert_eq!(opened.body, &b"\xff\xd8\xff kitty"[..]);
        let stretched = url.replace(&expires.to_string(), &(expires + 900).to_string());
        let problem = open(stretched).await.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "invalid-link");
    }
    let url = list_url(client, key).await;
    tenant.fixture.clock.advance(Duration::from_secs(901));
    let problem = client.anonymous().get(&url).send().await;
    let problem = problem.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "link-expired");
}

async fn list_url(client: &HttpClient, key: &str) -> String {
    let response = list_request(client, &format!("/download?key={key}")).await;
    let response = response.expect(StatusCode::OK).json();
    response["preSignedUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn file_without_participant_has_no_download_url() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let unassigned = stored(client, "").await;
    let key = unassigned["key"].as_str().unwrap();
    for unknown in [key, "no/such/key", "%20"] {
        let response = list_request(client, &format!("/download?key={unknown}")).await;
        let problem = response.problem(StatusCode::NOT_FOUND);
        assert_eq!(problem.kind, "not-found", "{unknown}");
    }
    for missing in ["", "?key=", "?Key=x"] {
        let response = list_request(client, &format!("/download{missing}")).await;
        let problem = response.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains("key"), "{problem:?}");
    }
    let archived = stored(client, "&person=PT-1").await;
    let archive = format!("/v1/files/{}/archive", archived["id"].as_str().unwrap());
    let archive = client.post(&archive).send().await;
    archive.expect(StatusCode::OK);
    let key = archived["key"].as_str().unwrap();
    let response = list_request(client, &format!("/download?key={key}")).await;
    let problem = response.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "file-archived");
    assert_eq!(keys(&list(client, "").await), [""; 0]);
}

#[tokio::test]
async fn foreign_project_is_out_of_reach() {
    let tenant = Tenant::new().await;
    let record = stored(&tenant.client, "&person=PT-1").await;
    let key = record["key"].as_str().unwrap();
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = tenant.client.with_token(token);
    let download = format!("/download?key={key}");
    for query in ["", "?participantIdentifier=PT-1", &download] {
        let problem = list_request(&stranger, query)
            .await
            .problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "other-tenant", "{query}");
        let own = format!("{}{query}", FILES.replace("school-7", "unassigned"));
        let response = tenant.client.get(&own).send().await;
        response.problem(StatusCode::FORBIDDEN);
    }
    let own = FILES.replace("school-7", "school-8");
    let files = stranger.get(&own).send().await.json();
    assert_eq!(files, json!({ "files": [], "nextPageID": null }));
    for query in [
        format!("?participantID={}", record["person_id"].as_str().unwrap()),
        "?participantIdentifier=PT-1".to_owned(),
    ] {
        let files = stranger.get(&format!("{own}{query}")).send().await.json();
        assert_eq!(files["files"], json!([]));
    }
    let response = stranger.get(&format!("{own}{download}")).send().await;
    response.problem(StatusCode::NOT_FOUND);
    let page = list(&tenant.client, "?limit=1").await;
    assert_eq!(page["nextPageID"], Value::Null);
}
