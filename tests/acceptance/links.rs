//! Links: permission, expiry, and protection against changes.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Client, Options, PDF, Response, Server, eventually, id_of};

/// A server with a file and a link to it.
struct Fixture {
    server: Server,
    anyone: Client,
    id: String,
    url: String,
}

async fn with_link(body: serde_json::Value) -> Fixture {
    let server = Server::start(Options::new()).await;
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    let url = server.client().link(&id, &body).await;
    let anyone = server.anonymous();
    Fixture {
        server,
        anyone,
        id,
        url,
    }
}

fn parameters(url: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Replaces the parameters of a URL.
fn with_parameters(url: &str, parameters: &[(String, String)]) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.query_pairs_mut().clear().extend_pairs(parameters);
    url.into()
}

#[tokio::test]
async fn link_serves_bytes_and_names_its_expiry() {
    let Fixture {
        server,
        anyone,
        id,
        url,
    } = with_link(json!({"action": "download"})).await;
    let response = anyone.get(&url).await.expect(200);
    assert_eq!(response.body, PDF);
    assert!(
        response
            .header("content-disposition")
            .starts_with("attachment"),
        "{response:?}"
    );
    assert_eq!(response.header("cache-control"), "private, no-store");
    let head = anyone.head(&url).await.expect(200);
    assert_eq!(head.header("content-length"), PDF.len().to_string());
    let part = anyone
        .request("GET", &url)
        .header("range", "bytes=-3")
        .send()
        .await;
    assert_eq!(part.expect(206).body, PDF[PDF.len() - 3..]);

    let view = server.client().link(&id, &json!({"action": "view"})).await;
    let response = anyone.get(&view).await.expect(200);
    assert!(
        response.header("content-disposition").starts_with("inline"),
        "{response:?}"
    );

    let body = json!({"action": "download", "expires_in": 60});
    let created = server
        .client()
        .post_json(&format!("/v1/files/{id}/links"), &body)
        .await;
    let created = created.expect(201).json();
    assert_eq!(created["method"], "GET");
    assert_eq!(created["headers"], json!({}));
    let expires_at =
        OffsetDateTime::parse(created["expires_at"].as_str().unwrap(), &Rfc3339).unwrap();
    let parameters = parameters(created["url"].as_str().unwrap());
    let (_, seconds) = parameters
        .iter()
        .find(|(name, _)| name == "Expires")
        .unwrap();
    assert_eq!(seconds, &expires_at.unix_timestamp().to_string());
}

#[tokio::test]
async fn invalid_link_request_is_refused() {
    let Fixture { server, id, .. } = with_link(json!({"action": "view"})).await;
    let client = server.client();
    for (body, named) in [
        (json!({"action": "upload"}), "action"),
        (json!({"action": "view", "expires_in": 0}), "expires_in"),
        (json!({"action": "view", "expires_in": -5}), "expires_in"),
        (
            json!({"action": "view", "expires_in": 86_401}),
            "expires_in",
        ),
        (
            json!({"action": "view", "expires_in": "soon"}),
            "expires_in",
        ),
        (json!({"action": "view", "expires": 60}), "expires"),
    ] {
        let response = client
            .post_json(&format!("/v1/files/{id}/links"), &body)
            .await;
        response.problem_mentioning(422, "invalid-field", named);
    }
    // The default is a download for 15 minutes.
    let plain = client.link(&id, &json!({})).await;
    assert!(plain.contains("Action=download"), "{plain}");
    let longest = json!({"action": "view", "expires_in": 86_400});
    let longest = client.link(&id, &longest).await;
    client.get(&longest).await.expect(200);
}

/// Links with altered parameters, each with a description of the change.
fn forgeries(url: &str) -> Vec<(String, String)> {
    let genuine = parameters(url);
    let names: Vec<_> = genuine.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Tenant", "Action", "Expires", "KeyId", "Signature"]);
    let mut forged = Vec::new();
    for at in 0..genuine.len() {
        let name = &genuine[at].0;
        let value = genuine[at].1.clone();
        let mut other = |what: &str, value: String| {
            let mut parameters = genuine.clone();
            parameters[at].1 = value;
            forged.push((format!("{name} {what}"), with_parameters(url, &parameters)));
        };
        other("empty", String::new());
        other("longer", format!("{value}0"));
        other("with a space", format!(" {value}"));
        match name.as_str() {
            "Tenant" => other("another", "2".to_owned()),
            "Action" => other("another", "view".to_owned()),
            "Expires" => {
                let seconds: i64 = value.parse().unwrap();
                other("later", (seconds + 3600).to_string());
                other("earlier", (seconds - 1).to_string());
                other("in the past", "1".to_owned());
                other("with a sign", format!("+{value}"));
                other("with a leading zero", format!("0{value}"));
            }
            "KeyId" => other("another", "k1".to_owned()),
            _ => {
                let swapped: String = value.chars().rev().collect();
                other("reversed", swapped);
                other("padded", format!("{value}="));
            }
        }
        let mut parameters = genuine.clone();
        parameters.remove(at);
        forged.push((format!("{name} missing"), with_parameters(url, &parameters)));
        let mut parameters = genuine.clone();
        parameters.push(genuine[at].clone());
        forged.push((
            format!("{name} repeated"),
            with_parameters(url, &parameters),
        ));
        let mut parameters = genuine.clone();
        parameters[at].0 = name.to_lowercase();
        forged.push((
            format!("{name} in lower case"),
            with_parameters(url, &parameters),
        ));
    }
    let mut parameters = genuine;
    parameters.push(("disposition".into(), "inline".into()));
    forged.push((
        "an extra parameter".into(),
        with_parameters(url, &parameters),
    ));
    forged
}

#[tokio::test]
async fn altered_link_is_invalid() {
    let Fixture {
        server,
        anyone,
        id,
        url,
    } = with_link(json!({"action": "download"})).await;
    for (what, forged) in forgeries(&url) {
        let response = anyone.get(&forged).await;
        assert_eq!(response.status, 403, "{what}: {response:?}");
        response.problem(403, "invalid-link");
    }
    let other_id = id_of(&server.client().store("b.pdf", b"%PDF-1.4 other").await);
    let other_file = url.replace(&id, &other_id);
    anyone.get(&other_file).await.problem(403, "invalid-link");
    let other_name = url.replace("a.pdf", "b.pdf");
    anyone.get(&other_name).await.problem(403, "invalid-link");
    let bare = url.split('?').next().unwrap();
    anyone.get(bare).await.problem(403, "invalid-link");
    anyone.get(&url).await.expect(200);
}

#[tokio::test]
async fn link_allows_only_get_and_head() {
    let Fixture {
        anyone,
        url,
        server,
        ..
    } = with_link(json!({"action": "download"})).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let response = anyone
            .request(method, &url)
            .body("text/plain", "x")
            .send()
            .await;
        let allowed = response.header("allow").to_owned();
        assert!(
            allowed.contains("GET") && allowed.contains("HEAD"),
            "{allowed}"
        );
        response.problem(405, "method-not-allowed");
    }
    assert_eq!(server.client().list("").await.len(), 1);
}

#[tokio::test]
async fn expired_link_returns_403() {
    let Fixture {
        anyone,
        url,
        server,
        id,
    } = with_link(json!({"action": "download", "expires_in": 2})).await;
    let expired = eventually(
        "the link expires",
        Duration::from_secs(15),
        async || anyone.get(&url).await,
        |response: &Response| response.status != 200,
    )
    .await;
    expired.problem(403, "link-expired");
    anyone.head(&url).await.expect(403);
    // An altered link is never reported as expired.
    let mut stretched = parameters(&url);
    stretched[2].1 = (stretched[2].1.parse::<i64>().unwrap() + 3600).to_string();
    anyone
        .get(&with_parameters(&url, &stretched))
        .await
        .problem(403, "invalid-link");
    let fresh = server
        .client()
        .link(&id, &json!({"action": "download"}))
        .await;
    anyone.get(&fresh).await.expect(200);
}

#[tokio::test]
async fn link_survives_changes_of_the_record() {
    let Fixture {
        server,
        anyone,
        id,
        url,
    } = with_link(json!({"action": "download"})).await;
    let changes = json!({"filename": "renamed.pdf", "person": "other", "category": "images"});
    server.client().patch(&id, &changes).await.expect(200);
    let response = anyone.get(&url).await.expect(200);
    assert_eq!(response.body, PDF);
    // The link serves the name that was signed.
    assert!(
        response.header("content-disposition").contains("a.pdf"),
        "{response:?}"
    );
}

#[tokio::test]
async fn link_begins_with_public_url_and_prefix() {
    let options = Options::new()
        .argument("--public-url")
        .argument("https://files.example.org/api");
    let server = Server::start(options).await;
    let response = server
        .client()
        .upload_raw("a.pdf", "", PDF)
        .await
        .expect(201);
    let id = id_of(&response.only_file());
    assert_eq!(
        response.header("location"),
        format!("https://files.example.org/api/v1/files/{id}")
    );
    let link = server
        .client()
        .link(&id, &json!({"action": "download"}))
        .await;
    let local = link
        .strip_prefix("https://files.example.org/api")
        .expect(&link);
    assert_eq!(server.anonymous().get(local).await.expect(200).body, PDF);
}
