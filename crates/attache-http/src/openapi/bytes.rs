//! Bodies that are bytes of files.
//!
//! They may have any type, but generators know only `application/octet-stream`: a body of another type, or of
//! the range `*/*`, they leave out. So responses have it beside the range, and requests alone.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{Content, ContentBuilder, RefOr, Response};

/// The type of bytes that generators know.
const BYTES: &str = "application/octet-stream";
/// The types that files have.
const ANY: &str = "*/*";

/// Returns `true` if the body of a response is bytes.
pub(super) fn are_in(response: &Response) -> bool {
    response.content.contains_key(BYTES)
}

/// Makes bytes the body of a response.
pub(super) fn add_to(response: &mut Response) {
    for media_type in [BYTES, ANY] {
        let content = RefOr::T(binary());
        response.content.insert(media_type.to_owned(), content);
    }
}

/// Describes bytes as binary, of any type: their Rust type would read as an array of numbers.
pub(super) fn describe(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && are_in(response)
        {
            add_to(response);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(content) = body.content.get_mut(BYTES)
    {
        *content = RefOr::T(binary());
    }
}

fn binary() -> Content {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let bytes = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(format));
    ContentBuilder::new()
        .schema(Some(Schema::from(bytes.build())))
        .build()
}
