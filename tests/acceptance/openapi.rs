//! The OpenAPI document: complete, and consistent with the server.

use serde_json::Value;

use crate::support::{Options, Server};

/// The published routes, written down here so that none disappears unnoticed.
const ROUTES: [(&str, &[&str]); 19] = [
    ("/v1/files", &["get", "post"]),
    ("/v1/files/raw", &["post"]),
    ("/v1/files/json", &["post"]),
    ("/v1/files/{id}", &["get", "patch", "delete"]),
    ("/v1/files/{id}/content", &["get"]),
    ("/v1/public/{id}/{filename}", &["get"]),
    ("/v1/files/{id}/claim", &["post", "delete"]),
    ("/v1/files/{id}/archive", &["post"]),
    ("/v1/files/{id}/restore", &["post"]),
    ("/v1/files/{id}/links", &["post"]),
    ("/v1/links/{id}/{filename}", &["get"]),
    ("/v1/streams/{id}/{filename}", &["get"]),
    ("/v1/uploads", &["post"]),
    ("/v1/uploads/{id}", &["get", "delete"]),
    ("/v1/uploads/{id}/complete", &["post"]),
    ("/v1/uploads/{id}/content", &["put"]),
    ("/livez", &["get"]),
    ("/readyz", &["get"]),
    ("/openapi.json", &["get"]),
];

async fn document() -> Value {
    // The dialects have tests of their own.
    document_of(Options::new().argument("--dialects").argument("none")).await
}

async fn document_of(options: Options) -> Value {
    let server = Server::start(options).await;
    let response = server.anonymous().get("/openapi.json").await.expect(200);
    assert!(
        response.header("content-type").contains("json"),
        "{response:?}"
    );
    response.json()
}

#[tokio::test]
async fn document_has_every_route_and_method() {
    let document = document().await;
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in ROUTES {
        let item = &paths
            .get(path)
            .unwrap_or_else(|| panic!("{path} is not documented"));
        for method in methods {
            let operation = &item[method];
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(operation["responses"].is_object(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn every_reference_resolves() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member.as_str().filter(|_| name == "$ref") {
                        Some(reference) => found.push(reference.to_owned()),
                        None => references(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document_of(Options::new()).await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 10, "too few references: {found:?}");
    for reference in found {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference}"));
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} does not resolve"
        );
    }
}

#[tokio::test]
async fn operations_have_unique_ids_and_auth_problems() {
    let document = document().await;
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in ROUTES {
        for method in methods {
            let operation = &document["paths"][path][method];
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            if path.starts_with("/v1/files") {
                let responses = operation["responses"].as_object().unwrap();
                for status in ["401", "403"] {
                    assert!(responses.contains_key(status), "{name} lacks {status}");
                }
                assert!(
                    operation["security"].is_array() || document["security"].is_array(),
                    "{name}"
                );
            }
        }
    }
}

/// The paths that serve bytes: with a key, of public files, by links.
const CONTENT_PATHS: [&str; 4] = [
    "/v1/files/{id}/content",
    "/v1/public/{id}/{filename}",
    "/v1/links/{id}/{filename}",
    "/v1/streams/{id}/{filename}",
];

fn assert_responses(operation: &Value, statuses: &[&str]) {
    let responses = operation["responses"].as_object().unwrap();
    for status in statuses {
        assert!(
            responses.contains_key(*status),
            "{} lacks {status}",
            operation["operationId"]
        );
    }
}

#[tokio::test]
async fn operations_document_failures_as_problems() {
    let document = document().await;
    for (path, methods) in ROUTES {
        for method in methods {
            let operation = &document["paths"][path][method];
            assert_responses(operation, &["500", "503"]);
            if path.contains("{id}") {
                assert_responses(operation, &["404"]);
            }
            // An invalid query of a link is an invalid link.
            if path.starts_with("/v1/links/") || path.starts_with("/v1/streams/") {
                assert_responses(operation, &["403"]);
            } else {
                assert_responses(operation, &["400"]);
            }
            if operation.get("requestBody").is_some() {
                assert_responses(operation, &["413", "415", "422"]);
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.as_str() >= "400" {
                    let problem = response.pointer("/content/application~1problem+json/schema");
                    assert!(problem.is_some(), "{method} {path} {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn content_documents_ranges_and_preconditions() {
    let document = document().await;
    for path in CONTENT_PATHS {
        let operation = &document["paths"][path]["get"];
        assert_responses(operation, &["200", "206", "304", "412", "416"]);
        let parameters = operation["parameters"].as_array().unwrap();
        for name in ["Range", "If-Range", "If-Match", "If-None-Match"] {
            let headers = parameters.iter().filter(|known| known["in"] == "header");
            let named = headers.filter(|known| known["name"] == name).count();
            assert_eq!(named, 1, "{path} {name}");
        }
        for status in ["200", "206", "304"] {
            let headers = &operation["responses"][status]["headers"];
            assert!(headers["ETag"].is_object(), "{path} {status}");
        }
        for status in ["200", "206"] {
            let content = &operation["responses"][status]["content"];
            let bytes = &content["application/octet-stream"]["schema"];
            assert_eq!(bytes["format"], "binary", "{path}");
        }
    }
}

#[tokio::test]
async fn records_document_their_revision() {
    let document = document().await;
    let file = &document["paths"]["/v1/files/{id}"];
    for method in ["get", "patch"] {
        let headers = &file[method]["responses"]["200"]["headers"];
        assert!(headers["ETag"].is_object(), "{method}");
    }
    assert_responses(&file["get"], &["304", "412"]);
    assert_responses(&file["patch"], &["412"]);
    assert_responses(&file["delete"], &["412"]);
}
