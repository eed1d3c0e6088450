//! What the table of operations and the shape of an operation imply: the problems, conditions and
//! headers that no endpoint has to remember to describe.
//!
//! What an endpoint says itself stays, as it knows better why.

use http::Method;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, OpenApi as Document, PathItem, Ref, RefOr, Required, Response,
};

use super::API_KEY;
use crate::operations::{Access, Row};

/// The type of a file's bytes: its own, whatever that is.
const BYTES: &str = "*/*";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Completes every operation.
pub(super) fn complete(document: &mut Document, rows: &[Row<()>]) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let name = operation.operation_id.as_deref();
        if let Some(row) = rows.iter().find(|row| Some(row.name) == name) {
            require_key(operation, row);
            add_failures(operation, row);
            add_conditions(operation);
            add_entity_tags(operation);
        }
        describe_bytes(operation);
        add_problem_documents(operation);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// What needs a key says so, and what it answers to those that will not do.
fn require_key(operation: &mut Operation, row: &Row<()>) {
    if !row.access.needs_key() {
        return;
    }
    let requirement = || vec![SecurityRequirement::new(API_KEY, [""; 0])];
    operation.security.get_or_insert_with(requirement);
    add_response(operation, 401, "No valid API key");
    let mut scopes: Vec<String> = Vec::new();
    for action in row.access.actions() {
        let scope = format!("`{}`", action.required_scope());
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let lacks = format!("The key lacks {}", scopes.join(" or "));
    add_response(operation, 403, &lacks);
    for status in ["401", "403"] {
        describe(operation, status, "WWW-Authenticate", "What is needed");
    }
}

/// What can go wrong with any request of this kind.
fn add_failures(operation: &mut Operation, row: &Row<()>) {
    // Whatever is wrong with the query of a link is wrong with the link: a 403.
    if row.access != Access::Link {
        add_response(operation, 400, "A parameter or the body cannot be read");
    }
    if row.template.contains('{') {
        add_response(operation, 404, "There is no such file");
    }
    if takes_json(operation) {
        add_response(operation, 413, "The body is too large");
        add_response(operation, 415, "The body's type is not taken here");
        add_response(operation, 422, "A field is not right");
    }
    if row.method != Method::GET {
        add_response(operation, 507, "There is no room left");
    }
    add_response(operation, 500, "Something went wrong here");
    add_response(operation, 503, "Out of reach for the moment; try again");
}

/// What reads bytes takes ranges, and what has an `ETag` to read by takes conditions.
fn add_conditions(operation: &mut Operation) {
    let gives_bytes = gives(operation, |response| response.content.contains_key(BYTES));
    if gives_bytes {
        add_parameter(operation, "Range", "One range of bytes");
        let range_for = "The `ETag` of the bytes the range is meant for";
        add_parameter(operation, "If-Range", range_for);
        add_response(operation, 206, "The range");
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("206") {
            let content = ContentBuilder::new().build();
            response.content.insert(BYTES.to_owned(), content.into());
        }
        add_response(operation, 304, "The client has these bytes");
        describe(operation, "307", "Location", "Where, for a minute at most");
        add_response(operation, 416, "The range lies outside the file");
        for status in ["200", "206"] {
            let name = "The name to save them under, and whether to show them";
            describe(operation, status, "Content-Disposition", name);
            let digest = "The SHA-256 of all the bytes (RFC 9530)";
            describe(operation, status, "Repr-Digest", digest);
        }
        describe(operation, "206", "Content-Range", "Which bytes these are");
        describe(operation, "416", "Content-Range", "How many there are");
    }
    if operation.responses.responses.contains_key("304") {
        let known = "The `ETag`s that the client has";
        add_parameter(operation, "If-None-Match", known);
        add_parameter(operation, "If-Match", "The `ETag`s it must have");
        add_response(operation, 412, "`If-Match` does not hold");
    }
}

/// Bytes and single records carry the tag that conditions name.
fn add_entity_tags(operation: &mut Operation) {
    for status in ["200", "201", "206", "304"] {
        let tag = match operation.responses.responses.get(status) {
            Some(RefOr::T(response)) if response.content.contains_key(BYTES) => {
                "The bytes' SHA-256, quoted"
            }
            Some(RefOr::T(response)) if is_record(response) => "The record's revision, quoted",
            Some(_) if status == "304" => "What the client has",
            _ => continue,
        };
        describe(operation, status, "ETag", tag);
    }
}

/// Bytes are bytes, and not the array of numbers that the type of them reads like.
fn describe_bytes(operation: &mut Operation) {
    let responses = operation.responses.responses.values_mut();
    let responses = responses.filter_map(|response| match response {
        RefOr::T(response) => response.content.get_mut(BYTES),
        RefOr::Ref(_) => None,
    });
    let request = match &mut operation.request_body {
        Some(RefOr::T(body)) => body.content.get_mut("application/octet-stream"),
        _ => None,
    };
    for content in responses.chain(request) {
        if let RefOr::T(content) = content {
            let bytes = ObjectBuilder::new().schema_type(Type::String);
            let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
            content.schema = Some(bytes.format(Some(format)).into());
        }
    }
}

/// Every error is a problem document.
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
    let after = "In how many seconds to try again, where that is known";
    describe(operation, "503", "Retry-After", after);
}

fn takes_json(operation: &Operation) -> bool {
    match &operation.request_body {
        Some(RefOr::T(body)) => body.content.contains_key(JSON),
        _ => false,
    }
}

/// Whether the successful answer is of a kind.
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
    let record = Ref::from_schema_name("File");
    matches!(&content.schema, Some(RefOr::Ref(schema)) if schema.ref_location == record.ref_location)
}

/// Adds an answer that the endpoint does not describe itself.
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

/// Adds a header to an answer, where there is such an answer that lacks it.
fn describe(operation: &mut Operation, status: &str, name: &str, description: &str) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
        let header: Header = HeaderBuilder::from(Header::default())
            .description(Some(description))
            .build();
        let headers = &mut response.headers;
        headers.entry(name.to_owned()).or_insert(RefOr::T(header));
    }
}
