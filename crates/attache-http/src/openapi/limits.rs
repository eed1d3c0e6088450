//! The limits of this server, which its operator or embedder may have changed.

use attache_model::Limits;
use utoipa::Number;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{OpenApi as Document, RefOr};

use super::schemas::operations;

/// States the limits where requests meet them.
pub(super) fn state(document: &mut Document, limits: &Limits) {
    let max_files = limits.max_files_per_upload;
    if let Some(RefOr::T(Schema::Array(files))) = property(document, "UploadForm", "file") {
        files.max_items = Some(max_files);
    }
    let largest = Number::from(limits.max_upload_bytes);
    if let Some(RefOr::T(Schema::Object(size))) = property(document, "NewUpload", "size_bytes") {
        size.maximum = Some(largest);
    }
    let operations = document.paths.paths.values_mut().flat_map(operations);
    let parameters = operations.filter_map(|operation| operation.parameters.as_mut());
    for parameter in parameters.flatten() {
        if let Some(limit) = named(parameter, "limit")
            && limit.maximum.is_some()
        {
            limit.maximum = Some(Number::from(u64::from(limits.max_page_size)));
            limit.default = Some(limits.default_page_size.into());
        }
    }
}

fn property<'d>(
    document: &'d mut Document,
    component: &str,
    name: &str,
) -> Option<&'d mut RefOr<Schema>> {
    let schemas = &mut document.components.as_mut()?.schemas;
    match schemas.get_mut(component)? {
        RefOr::T(Schema::Object(object)) => object.properties.get_mut(name),
        _ => None,
    }
}

fn named<'p>(parameter: &'p mut RefOr<Parameter>, name: &str) -> Option<&'p mut Object> {
    match parameter {
        RefOr::T(parameter) if parameter.name == name => match &mut parameter.schema {
            Some(RefOr::T(Schema::Object(object))) => Some(object),
            _ => None,
        },
        _ => None,
    }
}
