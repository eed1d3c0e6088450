//! The document as a whole, and what the rows imply for it.

use attache_model::Limits;
use serde_json::Value;

use super::*;
use crate::dialects::Dialects;
use crate::endpoint::{Access, EndpointInfo};
use crate::router::Router;

fn parsed() -> Value {
    let url = PublicUrl::parse("https://example.org/files").unwrap();
    let router = Router::new(&Dialects::all());
    serde_json::from_slice(&document(&url, &Limits::default(), router.routes())).unwrap()
}

fn every_endpoint() -> Vec<EndpointInfo> {
    let router = Router::new(&Dialects::all());
    router.routes().iter().map(|route| route.info).collect()
}

#[test]
fn document_has_exactly_the_served_endpoints() {
    let document = parsed();
    let mut documented = 0;
    for methods in document["paths"].as_object().unwrap().values() {
        let methods = methods.as_object().unwrap();
        assert_eq!(methods.contains_key("head"), methods.contains_key("get"));
        documented += methods.keys().filter(|method| *method != "head").count();
    }
    assert_eq!(documented, every_endpoint().len());
    for row in every_endpoint() {
        let method = row.method.as_str().to_lowercase();
        let operation = &document["paths"][row.template][&method];
        assert_eq!(
            operation["operationId"], row.name,
            "{method} {}",
            row.template
        );
    }
}

/// Returns every endpoint with its operation in the document.
fn described() -> Vec<(EndpointInfo, Value)> {
    let document = parsed();
    let describe = |row: EndpointInfo| {
        let method = row.method.as_str().to_lowercase();
        let operation = document["paths"][row.template][&method].clone();
        (row, operation)
    };
    every_endpoint().into_iter().map(describe).collect()
}

fn has_responses(operation: &Value, statuses: &[&str]) -> bool {
    let responses = operation["responses"].as_object().unwrap();
    statuses
        .iter()
        .all(|status| responses.contains_key(*status))
}

fn takes_header(operation: &Value, name: &str) -> bool {
    let parameters = operation["parameters"].as_array().unwrap();
    let is_it = |parameter: &&Value| parameter["name"] == name && parameter["in"] == "header";
    parameters.iter().filter(is_it).count() == 1
}

#[test]
fn endpoints_with_a_key_say_so() {
    for (row, operation) in described() {
        let keyed = row.access.needs_key();
        let security = operation["security"].as_array().unwrap();
        assert_eq!(security.len(), usize::from(keyed), "{}", row.name);
        assert_eq!(has_responses(&operation, &["401"]), keyed, "{}", row.name);
        for action in row.access.actions() {
            let description = operation["responses"]["403"]["description"].as_str();
            let scope = format!("`{}`", action.required_scope());
            assert!(description.unwrap().contains(&scope), "{}", row.name);
        }
    }
}

#[test]
fn failures_are_described_everywhere() {
    for (row, operation) in described() {
        let name = row.name;
        assert!(has_responses(&operation, &["429", "500", "503"]), "{name}");
        let reads_link = row.access == Access::Link && row.method == http::Method::GET;
        assert_eq!(has_responses(&operation, &["400"]), !reads_link, "{name}");
        if row.template.contains("{id}") {
            assert!(has_responses(&operation, &["404"]), "{name}");
        }
        if operation.get("requestBody").is_some() {
            assert!(
                has_responses(&operation, &["400", "413", "415", "422"]),
                "{name}"
            );
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let is_error = status.starts_with('4') || status.starts_with('5');
            let problem = response.pointer("/content/application~1problem+json/schema/$ref");
            assert_eq!(problem.is_some(), is_error, "{name} {status}");
        }
    }
}

#[test]
fn downloads_take_ranges_and_conditions() {
    let mut redirected = Vec::new();
    for (row, operation) in described() {
        let reads_bytes = operation["responses"]["200"]["content"]
            .get("application/octet-stream")
            .is_some();
        let statuses = ["200", "206", "304", "412", "416"];
        assert_eq!(
            has_responses(&operation, &statuses),
            reads_bytes,
            "{}",
            row.name
        );
        if !reads_bytes {
            continue;
        }
        if has_responses(&operation, &["307"]) {
            redirected.push(row.name);
        }
        for name in ["Range", "If-Range", "If-Match", "If-None-Match"] {
            assert!(takes_header(&operation, name), "{} {name}", row.name);
        }
        for status in ["200", "206", "304"] {
            let tag = &operation["responses"][status]["headers"]["ETag"];
            assert!(tag.is_object(), "{} {status}", row.name);
        }
        for status in ["200", "206"] {
            let content = &operation["responses"][status]["content"];
            for media_type in ["application/octet-stream", "*/*"] {
                let bytes = &content[media_type]["schema"];
                assert_eq!(bytes["format"], "binary", "{} {status}", row.name);
            }
        }
    }
    // The dialects never redirect: their pages do not mention it.
    assert_eq!(redirected, ["read_content", "read_public", "read_link"]);
}

#[test]
fn bytes_are_not_described_as_numbers() {
    let upload = &parsed()["paths"]["/v1/files/raw"]["post"]["requestBody"]["content"];
    let bytes = &upload["application/octet-stream"]["schema"];
    assert_eq!(bytes["format"], "binary");
    let form = parsed()["components"]["schemas"]["UploadForm"].to_string();
    assert!(!form.contains("integer"), "{form}");
}

#[test]
fn dialect_schemas_have_the_names_of_their_page() {
    let schemas = &parsed()["components"]["schemas"];
    let form = &schemas["dokstamp.UploadForm"]["properties"];
    assert_eq!(form["files[]"]["items"]["format"], "binary", "{form}");
    let record = &schemas["biometricscloud.Record"]["properties"];
    assert_eq!(record["type"]["type"], "integer", "{record}");
}

#[test]
fn records_are_described_with_their_revision() {
    let mut found = 0;
    for (row, operation) in described() {
        let success = &operation["responses"]["200"];
        let schema = success.pointer("/content/application~1json/schema/$ref");
        if schema == Some(&Value::from("#/components/schemas/FileRecord")) {
            found += 1;
            assert!(success["headers"]["ETag"].is_object(), "{}", row.name);
        }
    }
    assert_eq!(
        found, 7,
        "read, change, claim, release, archive, restore and complete"
    );
}

#[test]
fn document_is_openapi_3_1_at_the_public_url() {
    let document = parsed();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["servers"][0]["url"], "https://example.org/files");
}

mod document;
