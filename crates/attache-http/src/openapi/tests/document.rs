//! The demands of generators and linters on the schemas.

use attache_model::Limits;
use serde_json::Value;

use super::{described, parsed};
use crate::dialects::Dialects;
use crate::openapi::{document, schemas};
use crate::public_url::PublicUrl;
use crate::router::Router;

/// Returns every schema of an object, with its name.
fn objects() -> Vec<(String, Value)> {
    let mut document = parsed();
    let Value::Object(schemas) = document["components"]["schemas"].take() else {
        panic!("{document}");
    };
    let is_object = |(_, schema): &(String, Value)| schema["properties"].is_object();
    schemas.into_iter().filter(is_object).collect()
}

/// Finds the names of the schemas that a part of the document refers to, directly or through others.
fn find_referred(part: &Value, schemas: &Value, found: &mut Vec<String>) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let name = schemas::component(reference).to_owned();
                if !found.contains(&name) {
                    found.push(name.clone());
                    find_referred(&schemas[&name], schemas, found);
                }
            }
            for member in members.values() {
                find_referred(member, schemas, found);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|it| find_referred(it, schemas, found)),
        _ => {}
    }
}

#[test]
fn texts_and_numbers_have_limits() {
    for (name, object) in objects() {
        for (field, schema) in object["properties"].as_object().unwrap() {
            let types = schema["type"].to_string();
            let limits = ["format", "enum", "pattern", "maxLength"];
            let is_limited = limits.iter().any(|limit| schema.get(limit).is_some());
            // The title and the detail of a problem are prose, as long as they need to be.
            let is_prose = name == "Problem" || name == "FieldError";
            assert!(
                !types.contains("string") || is_limited || is_prose,
                "{name}.{field}"
            );
            let is_bounded = schema.get("minimum").is_some();
            assert!(!types.contains("integer") || is_bounded, "{name}.{field}");
        }
    }
}

#[test]
fn fields_of_responses_are_always_present() {
    let document = parsed();
    let schemas = &document["components"]["schemas"];
    let mut names = Vec::new();
    for (_, operation) in described() {
        find_referred(&operation["responses"], schemas, &mut names);
    }
    let mut optional = Vec::new();
    for name in names {
        let schema = &schemas[&name];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for field in schema["properties"].as_object().into_iter().flatten() {
            if !required.contains(&Value::from(field.0.as_str())) {
                optional.push(format!("{name}.{}", field.0));
            }
        }
    }
    optional.sort();
    assert_eq!(
        optional,
        ["Problem.errors", "Problem.used_at", "flexportal.Url.fileId"]
    );
}

#[test]
fn each_operation_takes_one_body() {
    for (row, operation) in described() {
        if let Some(body) = operation.pointer("/requestBody/content") {
            assert_eq!(body.as_object().unwrap().len(), 1, "{}", row.name);
        }
    }
}

#[test]
fn forms_have_no_null_and_no_named_type() {
    let mut found = 0;
    for (name, object) in objects().iter().filter(|(name, _)| name.contains("Form")) {
        found += 1;
        let fields = object["properties"].to_string();
        assert!(
            !fields.contains("null") && !fields.contains("$ref"),
            "{name}: {fields}"
        );
    }
    assert_eq!(found, 4);
}

/// A client's import of such a name hides the browser's own type.
#[test]
fn schemas_do_not_shadow_the_types_of_browsers() {
    let browsers = [
        "Blob", "File", "FileList", "FormData", "Headers", "Request", "Response", "URL",
    ];
    for (name, _) in objects() {
        assert!(!browsers.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn limits_are_those_of_this_server() {
    let url = PublicUrl::parse("https://example.org").unwrap();
    let limits = Limits {
        max_upload_bytes: 1_000,
        max_files_per_upload: 3,
        max_page_size: 50,
        default_page_size: 20,
    };
    let router = Router::new(&Dialects::none());
    let document = document(&url, &limits, router.routes());
    let document: Value = serde_json::from_slice(&document).unwrap();
    let schemas = &document["components"]["schemas"];
    let size = &schemas["NewUpload"]["properties"]["size_bytes"];
    assert_eq!(size["maximum"], 1_000);
    assert_eq!(schemas["UploadForm"]["properties"]["file"]["maxItems"], 3);
    let parameters = document["paths"]["/v1/files"]["get"]["parameters"].as_array();
    let limit = parameters.unwrap().iter().find(|it| it["name"] == "limit");
    let schema = &limit.unwrap()["schema"];
    assert_eq!(
        (&schema["maximum"], &schema["default"]),
        (&50.into(), &20.into())
    );
}
