//! The OpenAPI document: complete, and true to what the server does.

use serde_json::Value;

use crate::support::{Options, Server};

const ROUTES: [(&str, &[&str]); 17] = [
    ("/v1/files", &["get", "post"]),
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
    // Whatever dialects there are has its tests elsewhere.
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
async fn the_contract_has_every_route_with_every_method() {
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
            .unwrap_or_else(|| panic!("{path} is not described"));
        for method in methods {
            let operation = &item[method];
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(operation["responses"].is_object(), "{method} {path}");
        }
    }
    for path in paths.keys() {
        assert!(
            ROUTES.iter().any(|(known, _)| known == path),
            "{path} is described and untested"
        );
    }
}

#[tokio::test]
async fn every_reference_in_the_contract_leads_somewhere() {
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
    assert!(found.len() > 10, "hardly anything is shared: {found:?}");
    for reference in found {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference}"));
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
}

#[tokio::test]
async fn every_operation_has_its_own_name_and_its_problems() {
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
                    assert!(
                        responses.contains_key(status),
                        "{name} never answers {status}"
                    );
                }
                assert!(
                    operation["security"].is_array() || document["security"].is_array(),
                    "{name}"
                );
            }
        }
    }
}

/// The reads of bytes: with a key, of public files, by links.
const READS_OF_BYTES: [&str; 4] = [
    "/v1/files/{id}/content",
    "/v1/public/{id}/{filename}",
    "/v1/links/{id}/{filename}",
    "/v1/streams/{id}/{filename}",
];

fn has_responses(operation: &Value, statuses: &[&str]) {
    let responses = operation["responses"].as_object().unwrap();
    for status in statuses {
        assert!(
            responses.contains_key(*status),
            "{} never answers {status}",
            operation["operationId"]
        );
    }
}

#[tokio::test]
async fn every_operation_says_how_it_can_fail_and_that_it_fails_with_a_problem() {
    let document = document().await;
    for (path, methods) in ROUTES {
        for method in methods {
            let operation = &document["paths"][path][method];
            has_responses(operation, &["500", "503"]);
            if path.contains("{id}") {
                has_responses(operation, &["404"]);
            }
            // Whatever is wrong with the query of a link is wrong with the link.
            if path.starts_with("/v1/links/") || path.starts_with("/v1/streams/") {
                has_responses(operation, &["403"]);
            } else {
                has_responses(operation, &["400"]);
            }
            let body = &operation["requestBody"]["content"];
            if body.get("application/json").is_some() {
                has_responses(operation, &["413", "415", "422"]);
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
async fn reads_of_bytes_describe_ranges_conditions_and_tags() {
    let document = document().await;
    for path in READS_OF_BYTES {
        let operation = &document["paths"][path]["get"];
        has_responses(operation, &["200", "206", "304", "412", "416"]);
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
            assert_eq!(content["*/*"]["schema"]["format"], "binary", "{path}");
        }
    }
}

#[tokio::test]
async fn records_that_are_answered_are_said_to_carry_their_revision() {
    let document = document().await;
    let file = &document["paths"]["/v1/files/{id}"];
    for method in ["get", "patch"] {
        let headers = &file[method]["responses"]["200"]["headers"];
        assert!(headers["ETag"].is_object(), "{method}");
    }
    has_responses(&file["get"], &["304", "412"]);
    has_responses(&file["patch"], &["412"]);
    has_responses(&file["delete"], &["412"]);
}
