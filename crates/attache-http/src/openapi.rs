//! The OpenAPI document, assembled from the descriptions beside the handlers.

mod bytes;
mod head;
mod implied;
mod limits;
mod schemas;

use ::bytes::Bytes;
use attache_model::Limits;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Contact, ContactBuilder, OpenApi as Document, ServerBuilder, Tag};
use utoipa::{Modify, OpenApi};

use crate::native::{self, DispositionParam};
use crate::problem::ProblemDocument;
use crate::public_url::PublicUrl;
use crate::router::Route;
use crate::schema;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "attache",
        description = "Files that belong to people: stored as records, claimed once, served only by permission.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(
        ProblemDocument,
        DispositionParam,
        schema::LinkAction,
        schema::StateFilter,
        schema::SortOrder,
        schema::Visibility,
    )),
    modifiers(&ApiKeys)
)]
struct Frame;

/// The name of the security scheme.
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

/// Builds the document of everything that is served at `public_url`, as JSON.
pub(crate) fn document(public_url: &PublicUrl, limits: &Limits, routes: &[Route]) -> Bytes {
    let mut document = Frame::openapi();
    document.info.contact = Some(contact());
    let mut tags: Vec<Tag> = native::TAGS.iter().map(|it| tag(*it)).collect();
    for route in routes {
        let mut part = (route.endpoint.description)().document.clone();
        implied::complete(&mut part, route);
        head::describe(&mut part);
        document.merge(part);
        tags.extend(route.dialect.map(|spec| tag((spec.name, spec.title))));
    }
    schemas::inline_texts(&mut document);
    schemas::simplify_forms(&mut document);
    schemas::add_examples(&mut document);
    limits::state(&mut document, limits);
    tags.dedup();
    document.tags = Some(tags);
    document.servers = Some(vec![
        ServerBuilder::new().url(public_url.to_string()).build(),
    ]);
    serde_json::to_vec(&document).unwrap_or_default().into()
}

fn contact() -> Contact {
    let project = ContactBuilder::new().name(Some("attache"));
    project.url(Some(env!("CARGO_PKG_REPOSITORY"))).build()
}

fn tag((name, description): (&str, &str)) -> Tag {
    let tag = TagBuilder::new().name(name);
    tag.description(Some(description)).build()
}

#[cfg(test)]
mod tests;
