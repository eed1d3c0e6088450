//! The OpenAPI document: complete, and true to what the server does.

use serde_json::Value;

use crate::support::{Options, Server};

const ROUTES: [(&str, &[&str]); 12] = [
    ("/v1/files", &["get", "post"]),
    ("/v1/files/{id}", &["get", "patch", "delete"]),
    ("/v1/files/{id}/content", &["get"]),
    ("/v1/public/{id}/{filename}", &["get"]),
    ("/v1/files/{id}/claim", &["post", "delete"]),
    ("/v1/files/{id}/archive", &["post"]),
    ("/v1/files/{id}/restore", &["post"]),
    ("/v1/files/{id}/links", &["post"]),
    ("/v1/links/{id}/{filename}", &["get"]),
    ("/livez", &["get"]),
    ("/readyz", &["get"]),
    ("/openapi.json", &["get"]),
];

async fn document() -> Value {
    let server = Server::start(Options::new()).await;
    let answer = server.anonymous().get("/openapi.json").await.expect(200);
    assert!(answer.header("content-type").contains("json"), "{answer:?}");
    answer.json()
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
    let document = document().await;
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
