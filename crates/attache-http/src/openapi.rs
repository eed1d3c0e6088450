//! The OpenAPI document, generated from the types that the endpoints read and write.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ServerBuilder};
use utoipa::{Modify, OpenApi};

use crate::PublicUrl;
use crate::endpoints::documented;
use crate::problem::ProblemDocument;

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
        documented::check_live,
        documented::check_ready,
        documented::describe_api,
    ),
    tags(
        (name = "files", description = "Records: store, find, change, put away, delete"),
        (name = "content", description = "Bytes"),
        (name = "claims", description = "One holder and no second"),
        (name = "links", description = "URLs that expire"),
        (name = "health", description = "About the service"),
    ),
    components(schemas(ProblemDocument)),
    modifiers(&ApiKeys, &Problems)
)]
struct Native;

struct ApiKeys;

impl Modify for ApiKeys {
    fn modify(&self, document: &mut Document) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API key, `att_…`".to_owned());
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// Every error is a problem document: said once, here.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut Document) {
        let operations = document.paths.paths.values_mut().flat_map(|item| {
            [
                &mut item.get,
                &mut item.post,
                &mut item.patch,
                &mut item.delete,
            ]
            .into_iter()
            .flatten()
        });
        for operation in operations {
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && (status.starts_with('4') || status.starts_with('5'))
                {
                    add_problem(response);
                }
            }
        }
    }
}

fn add_problem(response: &mut Response) {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    response
        .content
        .insert("application/problem+json".to_owned(), content.into());
}

/// The document, as JSON, for a service at `public_url`.
pub(crate) fn document(public_url: &PublicUrl) -> Vec<u8> {
    let mut document = Native::openapi();
    document.servers = Some(vec![
        ServerBuilder::new().url(public_url.to_string()).build(),
    ]);
    serde_json::to_vec(&document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::operations::{Access, OPERATIONS};

    fn parsed() -> Value {
        let url = PublicUrl::parse("https://example.org/files").unwrap();
        serde_json::from_slice(&document(&url)).unwrap()
    }

    #[test]
    fn the_document_has_every_operation_and_no_other() {
        let document = parsed();
        let mut documented = 0;
        for methods in document["paths"].as_object().unwrap().values() {
            documented += methods.as_object().unwrap().len();
        }
        assert_eq!(documented, OPERATIONS.len());
        for row in &OPERATIONS {
            let method = row.method.as_str().to_lowercase();
            let operation = &document["paths"][row.template][&method];
            assert_eq!(
                operation["operationId"], row.name,
                "{method} {}",
                row.template
            );
        }
    }

    #[test]
    fn what_needs_a_key_says_so() {
        let document = parsed();
        for row in &OPERATIONS {
            let method = row.method.as_str().to_lowercase();
            let operation = &document["paths"][row.template][&method];
            let keyed = matches!(row.access, Access::Key(_));
            assert_eq!(operation.get("security").is_some(), keyed, "{}", row.name);
            assert_eq!(
                operation["responses"].get("401").is_some(),
                keyed,
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn it_is_openapi_3_1_at_the_public_url() {
        let document = parsed();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        assert_eq!(document["servers"][0]["url"], "https://example.org/files");
    }
}
