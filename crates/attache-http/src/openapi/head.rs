//! The HEAD of every GET: the same headers, without a body.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi as Document, RefOr};

/// Describes the HEAD that the service derives from each GET.
pub(super) fn describe(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        item.head = item.get.as_ref().map(head_of);
    }
}

fn head_of(get: &Operation) -> Operation {
    let mut head = get.clone();
    let id = head.operation_id.take().unwrap_or_default();
    head.operation_id = Some(format!("{id}_head"));
    let summary = head.summary.take().unwrap_or_default();
    head.summary = Some(format!("{summary} (headers only)"));
    head.description = Some("Responds as GET does, without the body.".to_owned());
    // A range is asked for with GET only, and the service itself responds to HEAD.
    let responses = &mut head.responses.responses;
    responses.retain(|status, _| !["206", "307", "416"].contains(&status.as_str()));
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    let of_ranges = ["Range", "If-Range"];
    if let Some(parameters) = &mut head.parameters {
        parameters.retain(
            |parameter| !matches!(parameter, RefOr::T(known) if of_ranges.contains(&&*known.name)),
        );
    }
    head
}
