//! Passes over all schemas of the document.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, KnownFormat, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Content, OpenApi as Document, RefOr};

use crate::schema::texts;

/// Repeats the schema of each text wherever a field refers to it: generated clients then see a string with
/// its limits, not a type of its own.
pub(super) fn inline_texts(document: &mut Document) {
    let texts = texts();
    let inline = |schema: &mut RefOr<Schema>| {
        if let RefOr::Ref(reference) = schema {
            let name = component(&reference.ref_location);
            if let Some((_, text)) = texts.iter().find(|(known, _)| *known == name) {
                let mut text = text.clone();
                text.description = Some(reference.description.clone()).filter(|it| !it.is_empty());
                *schema = Schema::Object(text).into();
            }
        } else {
            merge_null(schema);
        }
    };
    visit_document(document, &inline);
    if let Some(components) = &mut document.components {
        let is_text = |name: &String| texts.iter().any(|(text, _)| text == name);
        components.schemas.retain(|name, _| !is_text(name));
    }
}

/// Turns "this text or null" into a text that may be null.
fn merge_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(one_of)) = schema else {
        return;
    };
    let [RefOr::T(Schema::Object(text)), null] = &*one_of.items else {
        return;
    };
    if let SchemaType::Type(own) = &text.schema_type
        && is_null(null)
    {
        let mut text = text.clone();
        text.schema_type = SchemaType::Array(vec![own.clone(), Type::Null]);
        *schema = Schema::Object(text).into();
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object))
        if object.schema_type == SchemaType::Type(Type::Null))
}

/// Makes the fields of forms plain texts that may be absent, not null: a form cannot send null, and a client
/// would send the word. Generators also write a field of a named type as JSON, in quotes.
pub(super) fn simplify_forms(document: &mut Document) {
    let mut forms = Vec::new();
    for content in request_contents(document, "multipart/form-data") {
        if let Some(RefOr::Ref(form)) = &content.schema {
            forms.push(component(&form.ref_location).to_owned());
        }
    }
    let Some(components) = &mut document.components else {
        return;
    };
    let named = components.schemas.clone();
    for form in forms {
        if let Some(RefOr::T(Schema::Object(form))) = components.schemas.get_mut(&form) {
            for field in form.properties.values_mut() {
                forbid_null(field);
                if let RefOr::Ref(reference) = field
                    && let Some(schema) = named.get(component(&reference.ref_location))
                {
                    *field = schema.clone();
                }
            }
        }
    }
}

fn forbid_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let Some(own) = types.iter().find(|it| **it != Type::Null)
            {
                object.schema_type = SchemaType::Type(own.clone());
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => {
            one_of.items.retain(|item| !is_null(item));
            if let [only] = &*one_of.items {
                *schema = only.clone();
            }
        }
        _ => {}
    }
}

/// Gives an example of each ID and each time; the texts have their own.
pub(super) fn add_examples(document: &mut Document) {
    visit_document(document, &|schema| {
        let RefOr::T(Schema::Object(object)) = schema else {
            return;
        };
        let example = match &object.format {
            Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => {
                "019bb8d4-6a31-7c52-9f0e-3b8a4c1d2e5f"
            }
            Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => "2026-01-31T12:00:00.000Z",
            _ => return,
        };
        if object.examples.is_empty() {
            object.examples.push(example.into());
        }
    });
}

/// Returns the name of the component that a reference leads to.
pub(super) fn component(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// Returns the operations of a path.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        head,
        put,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, head, put, post, patch, delete].into_iter().flatten()
}

fn request_contents<'d>(
    document: &'d mut Document,
    media_type: &'d str,
) -> impl Iterator<Item = &'d mut Content> {
    let items = document.paths.paths.values_mut();
    let bodies =
        items
            .flat_map(operations)
            .filter_map(|operation| match &mut operation.request_body {
                Some(RefOr::T(body)) => body.content.get_mut(media_type),
                _ => None,
            });
    bodies.filter_map(|content| match content {
        RefOr::T(content) => Some(content),
        RefOr::Ref(_) => None,
    })
}

/// Calls `edit` with every schema of the document, the inner ones first.
fn visit_document(document: &mut Document, edit: &impl Fn(&mut RefOr<Schema>)) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && let Some(schema) = &mut parameter.schema
            {
                visit(schema, edit);
            }
        }
        let request = operation.request_body.iter_mut();
        let request = request.filter_map(|body| match body {
            RefOr::T(body) => Some(body.content.values_mut()),
            RefOr::Ref(_) => None,
        });
        let responses = operation.responses.responses.values_mut();
        let responses = responses.filter_map(|response| match response {
            RefOr::T(response) => Some(response.content.values_mut()),
            RefOr::Ref(_) => None,
        });
        for content in request.flatten().chain(responses.flatten()) {
            if let RefOr::T(content) = content
                && let Some(schema) = &mut content.schema
            {
                visit(schema, edit);
            }
        }
    }
    for schema in document
        .components
        .iter_mut()
        .flat_map(|components| components.schemas.values_mut())
    {
        visit(schema, edit);
    }
}

fn visit(schema: &mut RefOr<Schema>, edit: &impl Fn(&mut RefOr<Schema>)) {
    if let RefOr::T(inner) = schema {
        match inner {
            Schema::Object(object) => {
                for property in object.properties.values_mut() {
                    visit(property, edit);
                }
                if let Some(AdditionalProperties::RefOr(values)) =
                    object.additional_properties.as_deref_mut()
                {
                    visit(values, edit);
                }
            }
            Schema::Array(array) => {
                if let ArrayItems::RefOrSchema(items) = &mut array.items {
                    visit(items, edit);
                }
            }
            Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(|it| visit(it, edit)),
            Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(|it| visit(it, edit)),
            Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(|it| visit(it, edit)),
            _ => {}
        }
    }
    edit(schema);
}
