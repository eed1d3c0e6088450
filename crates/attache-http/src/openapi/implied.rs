//! Completes the description of an endpoint with everything that its row and its shape imply: problems,
//! conditions and headers, which no endpoint has to remember. A description that the endpoint gives itself
//! is kept.

use http::Method;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Required, Response};

use super::schemas::operations;
use super::{API_KEY, bytes};
use crate::dialects::{DialectSpec, TenantFrom};
use crate::endpoint::{Access, EndpointInfo};
use crate::router::Route;

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const PROBLEM: &str = "application/problem+json";

/// Completes the operation of an endpoint.
pub(super) fn complete(document: &mut Document, route: &Route) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        if let Some(dialect) = route.dialect {
            place_in_dialect(operation, dialect, route.info.access);
        }
        title(operation);
        require_key(operation, route.info.access);
        add_failures(operation, &route.info);
        add_conditions(operation);
        add_entity_tags(operation);
        bytes::describe(operation);
        add_problem_documents(operation);
        add_notices(operation, &route.info);
    }
}

/// Makes a title of the sentence that begins the description beside the handler.
fn title(operation: &mut Operation) {
    if let Some(summary) = &mut operation.summary {
        summary.truncate(summary.trim_end_matches('.').len());
    }
}

/// The endpoints of a dialect are grouped under its name, and take the header that names the tenant.
fn place_in_dialect(operation: &mut Operation, dialect: &DialectSpec, access: Access) {
    operation.tags = Some(vec![dialect.name.to_owned()]);
    if let TenantFrom::Header(name) = dialect.tenant
        && access.needs_key()
    {
        add_parameter(operation, name, "Slug of the tenant, which is the key's");
    }
}

/// Adds the security requirement of endpoints with a key, and their refusals.
fn require_key(operation: &mut Operation, access: Access) {
    if !access.needs_key() {
        // Not inherited from anywhere, and said: readers of the document take nothing for granted.
        operation.security = Some(Vec::new());
        return;
    }
    let requirement = || vec![SecurityRequirement::new(API_KEY, [""; 0])];
    operation.security.get_or_insert_with(requirement);
    add_response(operation, 401, "No valid API key");
    let mut scopes: Vec<String> = Vec::new();
    for action in access.actions() {
        let scope = format!("`{}`", action.required_scope());
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let lacks = format!("The key lacks {}", scopes.join(" or "));
    add_response(operation, 403, &lacks);
    for status in ["401", "403"] {
        describe(
            operation,
            status,
            "WWW-Authenticate",
            "The challenge: what is needed",
        );
    }
}

/// Adds the failures of any request of this kind.
fn add_failures(operation: &mut Operation, endpoint: &EndpointInfo) {
    // A link with a malformed query is an invalid link: a 403.
    if endpoint.access != Access::Link {
        add_response(operation, 400, "A parameter or the body is malformed");
    }
    if endpoint.template.contains('{') {
        add_response(operation, 404, "There is no such file");
    }
    if operation.request_body.is_some() {
        add_response(operation, 413, "The body is too large");
        add_response(operation, 415, "The type of the body is not supported");
        add_response(operation, 422, "A field is invalid");
    }
    add_response(
        operation,
        429,
        "Too many requests from this address were refused",
    );
    if endpoint.method != Method::GET {
        add_response(operation, 507, "The store is out of space");
    }
    add_response(operation, 500, "An internal error");
    add_response(operation, 503, "Temporarily unavailable; retry");
}

/// Adds ranges to downloads, and conditions to every response with an `ETag`.
fn add_conditions(operation: &mut Operation) {
    let gives_bytes = gives(operation, bytes::are_in);
    if gives_bytes {
        add_parameter(operation, "Range", "One range of bytes");
        let range_for = "The `ETag` or `Last-Modified` of the bytes that the range belongs to";
        add_parameter(operation, "If-Range", range_for);
        add_response(operation, 206, "The range");
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("206") {
            bytes::add_to(response);
        }
        add_response(operation, 304, "The client has the current bytes");
        describe(
            operation,
            "307",
            "Location",
            "URL in the store, valid for a minute at most",
        );
        let since = "A `Last-Modified`; ignored beside the same condition on `ETag`s";
        add_parameter(operation, "If-Modified-Since", since);
        add_parameter(operation, "If-Unmodified-Since", since);
        for status in ["200", "206", "304"] {
            let stored = "The time when the file was stored; its bytes never change";
            describe(operation, status, "Last-Modified", stored);
        }
        add_response(operation, 416, "The range lies outside the file");
        for status in ["200", "206"] {
            let name = "The filename, and whether to show or to save it";
            describe(operation, status, "Content-Disposition", name);
            let digest = "The SHA-256 of all the bytes (RFC 9530)";
            describe(operation, status, "Repr-Digest", digest);
        }
        describe(
            operation,
            "206",
            "Content-Range",
            "The range, and the size of the file",
        );
        describe(operation, "416", "Content-Range", "The size of the file");
    }
    if operation.responses.responses.contains_key("304") {
        let known = "The `ETag`s that the client has";
        add_parameter(operation, "If-None-Match", known);
        add_parameter(
            operation,
            "If-Match",
            "The `ETag`s of which it must have one",
        );
        add_response(operation, 412, "A precondition does not hold");
    }
}

/// Adds the `ETag` of bytes and of single records.
fn add_entity_tags(operation: &mut Operation) {
    for status in ["200", "201", "206", "304"] {
        let tag = match operation.responses.responses.get(status) {
            Some(RefOr::T(response)) if bytes::are_in(response) => "The bytes' SHA-256, quoted",
            Some(RefOr::T(response)) if is_record(response) => "The record's revision, quoted",
            Some(_) if status == "304" => "The tag that the client has",
            _ => continue,
        };
        describe(operation, status, "ETag", tag);
    }
}

/// Describes every error as a problem document.
fn add_problem_documents(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && (status.starts_with('4') || status.starts_with('5'))
        {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            response.content.insert(PROBLEM.to_owned(), content.into());
        }
    }
    let after = "Number of seconds after which to retry, if known";
    for status in ["429", "503"] {
        describe(operation, status, "Retry-After", after);
    }
}

/// Adds the page that a browser gets instead of a problem, to the endpoints that a person may open.
fn add_notices(operation: &mut Operation, endpoint: &EndpointInfo) {
    if endpoint.method != Method::GET || !matches!(endpoint.access, Access::Link | Access::Public) {
        return;
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.contains_key(PROBLEM)
        {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let content = ContentBuilder::new().schema(Some(text)).build();
            response.content.insert(HTML.to_owned(), content.into());
        }
    }
}

/// Returns `true` if the successful response satisfies a predicate.
fn gives(operation: &Operation, kind: impl Fn(&Response) -> bool) -> bool {
    match operation.responses.responses.get("200") {
        Some(RefOr::T(response)) => kind(response),
        _ => false,
    }
}

fn is_record(response: &Response) -> bool {
    let Some(RefOr::T(content)) = response.content.get(JSON) else {
        return false;
    };
    let record = Ref::from_schema_name("FileRecord");
    matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location == record.ref_location)
}

/// Adds a response that the endpoint does not describe itself.
fn add_response(operation: &mut Operation, status: u16, description: &str) {
    operation
        .responses
        .responses
        .entry(status.to_string())
        .or_insert_with(|| RefOr::T(Response::new(description)));
}

/// Adds an optional request header that the endpoint does not describe itself.
fn add_parameter(operation: &mut Operation, name: &str, description: &str) {
    let parameters = operation.parameters.get_or_insert_default();
    let known = parameters.iter().any(|parameter| {
        matches!(parameter, RefOr::T(known)
            if known.parameter_in == ParameterIn::Header && known.name.eq_ignore_ascii_case(name))
    });
    if !known {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        parameters.push(RefOr::T(parameter.build()));
    }
}

/// Adds a header to a response, if the response exists and lacks it.
fn describe(operation: &mut Operation, status: &str, name: &str, description: &str) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
        let header: Header = HeaderBuilder::from(Header::default())
            .description(Some(description))
            .build();
        let headers = &mut response.headers;
        headers.entry(name.to_owned()).or_insert(RefOr::T(header));
    }
}
