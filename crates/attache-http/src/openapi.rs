//! The OpenAPI document, generated from the types that the endpoints read and write.

mod implied;

use bytes::Bytes;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, ServerBuilder};
use utoipa::{Modify, OpenApi};

use crate::PublicUrl;
use crate::endpoints::documented;
use crate::operations::Row;
use crate::problem::ProblemDocument;
use crate::served::Served;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "attache",
        description = "Files that belong to people: stored as records, claimed once, served only by permission.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        documented::upload_files,
        documented::list_files,
        documented::get_file,
        documented::change_file,
        documented::delete_file,
        documented::read_content,
        documented::read_public,
        documented::claim_file,
        documented::release_claim,
        documented::archive_file,
        documented::restore_file,
        documented::create_link,
        documented::read_link,
        documented::stream_link,
        documented::begin_upload,
        documented::get_upload,
        documented::complete_upload,
        documented::cancel_upload,
        documented::send_upload,
        documented::check_live,
        documented::check_ready,
        documented::describe_api,
    ),
    tags(
        (name = "files", description = "Records: store, find, change, put away, delete"),
        (name = "content", description = "Bytes"),
        (name = "claims", description = "One holder and no second"),
        (name = "links", description = "URLs that expire"),
        (name = "uploads", description = "Files promised first and sent without a key"),
        (name = "health", description = "About the service"),
    ),
    components(schemas(ProblemDocument)),
    modifiers(&ApiKeys)
)]
struct NativeDocument;

/// What the security scheme is called.
const API_KEY: &str = "api_key";

struct ApiKeys;

impl Modify for ApiKeys {
    fn modify(&self, document: &mut Document) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API key, `att_…`".to_owned());
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme(API_KEY, SecurityScheme::Http(scheme));
    }
}

/// The native API's part.
pub(crate) fn native() -> Document {
    NativeDocument::openapi()
}

/// The document, as JSON, of all that is served at `public_url`. It is the same each time, and not cheap to
/// make: make it once.
pub(crate) fn document(public_url: &PublicUrl, served: &[Served]) -> Bytes {
    let parts = served.iter().map(Served::document);
    let merged = parts.reduce(Document::merge_from);
    let mut document = merged.unwrap_or_else(native);
    let rows: Vec<Row<()>> = served.iter().flat_map(Served::rows).collect();
    implied::complete(&mut document, &rows);
    document.servers = Some(vec![
        ServerBuilder::new().url(public_url.to_string()).build(),
    ]);
    serde_json::to_vec(&document).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::dialects::Dialects;
    use crate::operations::Access;

    fn parsed() -> Value {
        let url = PublicUrl::parse("https://example.org/files").unwrap();
        serde_json::from_slice(&document(&url, &Dialects::all().served())).unwrap()
    }

    fn every_row() -> Vec<Row<()>> {
        let served = Dialects::all().served();
        served.iter().flat_map(Served::rows).collect()
    }

    #[test]
    fn the_document_has_every_operation_and_no_other() {
        let document = parsed();
        let mut documented = 0;
        for methods in document["paths"].as_object().unwrap().values() {
            documented += methods.as_object().unwrap().len();
        }
        assert_eq!(documented, every_row().len());
        for row in every_row() {
            let method = row.method.as_str().to_lowercase();
            let operation = &document["paths"][row.template][&method];
            assert_eq!(
                operation["operationId"], row.name,
                "{method} {}",
                row.template
            );
        }
    }

    /// Every row of the table with what the document says of it.
    fn described() -> Vec<(Row<()>, Value)> {
        let document = parsed();
        let describe = |row: Row<()>| {
            let method = row.method.as_str().to_lowercase();
            let operation = document["paths"][row.template][&method].clone();
            (row, operation)
        };
        every_row().into_iter().map(describe).collect()
    }

    fn answers(operation: &Value, statuses: &[&str]) -> bool {
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
    fn what_needs_a_key_says_so() {
        for (row, operation) in described() {
            let keyed = row.access.needs_key();
            assert_eq!(operation.get("security").is_some(), keyed, "{}", row.name);
            assert_eq!(answers(&operation, &["401"]), keyed, "{}", row.name);
            for action in row.access.actions() {
                let description = operation["responses"]["403"]["description"].as_str();
                let scope = format!("`{}`", action.required_scope());
                assert!(description.unwrap().contains(&scope), "{}", row.name);
            }
        }
    }

    #[test]
    fn every_operation_may_fail_and_says_with_what() {
        for (row, operation) in described() {
            let name = row.name;
            assert!(answers(&operation, &["500", "503"]), "{name}");
            let reads_link = row.access == Access::Link && row.method == http::Method::GET;
            assert_eq!(answers(&operation, &["400"]), !reads_link, "{name}");
            if row.template.contains("{id}") {
                assert!(answers(&operation, &["404"]), "{name}");
            }
            if operation["requestBody"]["content"]
                .get("application/json")
                .is_some()
            {
                assert!(answers(&operation, &["400", "413", "415", "422"]), "{name}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let is_error = status.starts_with('4') || status.starts_with('5');
                let problem = response.pointer("/content/application~1problem+json/schema/$ref");
                assert_eq!(problem.is_some(), is_error, "{name} {status}");
            }
        }
    }

    #[test]
    fn what_reads_bytes_takes_ranges_and_conditions() {
        let mut redirected = Vec::new();
        for (row, operation) in described() {
            let reads_bytes = operation["responses"]["200"]["content"]
                .get("*/*")
                .is_some();
            let statuses = ["200", "206", "304", "412", "416"];
            assert_eq!(answers(&operation, &statuses), reads_bytes, "{}", row.name);
            if !reads_bytes {
                continue;
            }
            if answers(&operation, &["307"]) {
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
                let bytes = &content["*/*"]["schema"];
                assert_eq!(bytes["format"], "binary", "{} {status}", row.name);
            }
        }
        // What a dialect reads comes from here: its page prints no redirect.
        assert_eq!(redirected, ["read_content", "read_public", "read_link"]);
    }

    #[test]
    fn bytes_are_nowhere_described_as_numbers() {
        let upload = &parsed()["paths"]["/v1/files"]["post"]["requestBody"]["content"];
        let bytes = &upload["application/octet-stream"]["schema"];
        assert_eq!(bytes["format"], "binary");
        let form = parsed()["components"]["schemas"]["UploadForm"].to_string();
        assert!(!form.contains("integer"), "{form}");
    }

    #[test]
    fn a_dialects_names_are_described_as_its_page_has_them() {
        let schemas = &parsed()["components"]["schemas"];
        let form = &schemas["dokstamp.UploadForm"]["properties"];
        assert_eq!(form["files[]"]["items"]["format"], "binary", "{form}");
        let record = &schemas["biometricscloud.Record"]["properties"];
        assert_eq!(record["type"]["type"], "integer", "{record}");
    }

    #[test]
    fn a_record_comes_with_its_revision() {
        let mut found = 0;
        for (row, operation) in described() {
            let success = &operation["responses"]["200"];
            let schema = success.pointer("/content/application~1json/schema/$ref");
            if schema == Some(&Value::from("#/components/schemas/File")) {
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
    fn it_is_openapi_3_1_at_the_public_url() {
        let document = parsed();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        assert_eq!(document["servers"][0]["url"], "https://example.org/files");
    }
}
