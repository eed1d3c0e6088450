//! `GET`, `PATCH` and `DELETE /v1/files/{id}`: one record.

use attache_model::{
    Category, Description, DisplayName, FileId, FileRecord, Filename, InvalidValue,
    PersonIdentifier, PersonRef, Revision, Visibility,
};
use attache_service::{Change, FilePatch, ServiceError};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::Answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::response::{empty, json};
use crate::views::FileView;
use crate::wire::conditional::{Precondition, evaluate};
use crate::wire::entity_tag::{SentTag, SentTags, StrongEntityTag};
use crate::wire::query::StrictQuery;

/// How many revisions of one `If-Match` are tried.
const REVISIONS_MAX: usize = 8;

/// Read a record.
#[utoipa::path(
    get, path = "/v1/files/{id}", operation_id = "get_file", tag = "files",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    responses(
        (status = 200, description = "The record", body = FileView, headers(("ETag" = String, description = "The record's revision"))),
        (status = 304, description = "The record is still at the revision in `If-None-Match`"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:read`"),
        (status = 404, description = "The tenant has no such file"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn get_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let file = app.service.get_file(&cx, id).await?;
    let tag = StrongEntityTag::of_revision(file.revision);
    match evaluate(&Method::GET, &call.head.parts.headers, &tag, None) {
        Precondition::Proceed => record(&file),
        Precondition::Failed => Err(Problem::new(
            ProblemKind::PreconditionFailed,
            "If-Match does not hold",
        )),
        Precondition::NotModified => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            response.headers_mut().insert(ETAG, tag.to_header_value());
            Ok(response)
        }
    }
}

/// A record as the answer to a read or a change.
pub(crate) fn record(file: &FileRecord) -> Answer {
    let mut response = json(StatusCode::OK, &FileView::from(file))?;
    let tag = StrongEntityTag::of_revision(file.revision);
    response.headers_mut().insert(ETAG, tag.to_header_value());
    Ok(response)
}

/// The fields to change. A field that is left out stays; null takes a value away where that can be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FilePatch)]
pub(crate) struct FilePatchBody {
    /// What people read as its name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: PatchValue,
    /// The name it is downloaded under.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    filename: PatchValue,
    /// A free text, or null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: PatchValue,
    /// Its group, or null.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    category: PatchValue,
    /// Whom it is about, by the tenant's identifier, or null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    person: PatchValue,
    /// Whom it is about, by our id.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    person_id: PatchValue,
    /// `private` or `public`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    visibility: PatchValue,
}

/// A field of a merge patch: null is not the same as not being there.
#[derive(Debug, Default)]
enum PatchValue {
    #[default]
    Absent,
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for PatchValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<String>::deserialize(deserializer)?;
        Ok(value.map_or(Self::Null, Self::Text))
    }
}

/// Change a record.
///
/// A merge patch (RFC 7396): give the fields that are to change.
#[utoipa::path(
    patch, path = "/v1/files/{id}", operation_id = "change_file", tag = "files",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the record must be at"),
    ),
    request_body(content((FilePatchBody = "application/merge-patch+json"), (FilePatchBody = "application/json"))),
    responses(
        (status = 200, description = "The record as it is now", body = FileView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` where the record is to be public"),
        (status = 404, description = "The tenant has no such file"),
        (status = 412, description = "The record has changed since"),
        (status = 422, description = "A field is unknown, read-only or not right"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn change_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let expected = expected_revisions(&call.head.parts.headers);
    let patch = read_patch(call.json::<FilePatchBody>().await?)?;
    let mut outcome = Err(ServiceError::NotFound);
    for expected in expected {
        outcome = app
            .service
            .change_file(&cx, id, patch.clone(), expected)
            .await;
        if !is_at_another_revision(&outcome) {
            break;
        }
    }
    record(&outcome?)
}

fn read_patch(body: FilePatchBody) -> Result<FilePatch, Problem> {
    let person = match (body.person, body.person_id) {
        (PatchValue::Absent, id) => {
            change("person_id", id, |text| text.parse().map(PersonRef::Id))?
        }
        (person, PatchValue::Absent) => change("person", person, |text| {
            PersonIdentifier::parse(text).map(PersonRef::Identifier)
        })?,
        _ => {
            return Err(Problem::invalid_field(
                "person",
                "is named twice: give person or person_id, not both",
            ));
        }
    };
    Ok(FilePatch {
        name: set("name", body.name, DisplayName::parse)?,
        filename: set("filename", body.filename, Filename::parse)?,
        description: change("description", body.description, Description::parse)?,
        category: change("category", body.category, Category::parse)?,
        person,
        visibility: set("visibility", body.visibility, str::parse::<Visibility>)?,
    })
}

fn read<T>(
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
) -> Result<T, Problem> {
    parse(text).map_err(|error| Problem::invalid_field(field, error.to_string()))
}

fn set<T>(
    field: &str,
    value: PatchValue,
    parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, Problem> {
    match value {
        PatchValue::Absent => Ok(None),
        PatchValue::Null => Err(Problem::invalid_field(
            field,
            "cannot be null: every file has one",
        )),
        PatchValue::Text(text) => read(field, &text, parse).map(Some),
    }
}

fn change<T>(
    field: &str,
    value: PatchValue,
    parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
) -> Result<Change<T>, Problem> {
    match value {
        PatchValue::Absent => Ok(Change::Keep),
        PatchValue::Null => Ok(Change::Clear),
        PatchValue::Text(text) => read(field, &text, parse).map(Change::Set),
    }
}

/// Delete a file for good.
///
/// The record is gone at once, its bytes within seconds unless another record refers to them.
#[utoipa::path(
    delete, path = "/v1/files/{id}", operation_id = "delete_file", tag = "files",
    params(
        ("id" = String, Path, description = "The file's id", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the record must be at"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:delete`"),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "The file is claimed"),
        (status = 412, description = "The record has changed since"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn delete_file(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let mut outcome = Err(ServiceError::NotFound);
    for expected in expected_revisions(&call.head.parts.headers) {
        outcome = app.service.delete_file(&cx, id, expected).await;
        if !is_at_another_revision(&outcome) {
            break;
        }
    }
    outcome?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The revisions that `If-Match` names, at least one; `None` stands for any.
fn expected_revisions(headers: &HeaderMap) -> Vec<Option<Revision>> {
    match SentTags::read(headers, &IF_MATCH) {
        None | Some(SentTags::Any) => vec![None],
        Some(SentTags::List(tags)) => {
            let mut named: Vec<_> = tags.into_iter().filter_map(SentTag::revision).collect();
            named.truncate(REVISIONS_MAX);
            if named.is_empty() {
                // What is no revision matches none: every record is at 1 or later.
                named.push(Revision::new(0));
            }
            named.into_iter().map(Some).collect()
        }
    }
}

/// Whether a change was refused only because it was meant for another revision.
fn is_at_another_revision<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::RevisionMismatch { .. }))
}
