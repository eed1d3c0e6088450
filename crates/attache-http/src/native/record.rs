//! `GET`, `PATCH` and `DELETE /v1/files/{id}`: one record.

use attache_model::{
    Category, Context, Description, DisplayName, FileRecord, Filename, InvalidValue,
    PersonIdentifier, PersonRef, Revision, Visibility,
};
use attache_service::{Change, FilePatch, ServiceError};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::params::FilePath;
use super::views::FileView;
use crate::answer::{Answer, empty, json};
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::schema;
use crate::state::App;
use crate::wire::conditional::{Precondition, evaluate};
use crate::wire::entity_tag::{SentTag, SentTags, StrongEntityTag};

/// The most revisions of one `If-Match` that are tried.
const REVISIONS_MAX: usize = 8;

/// Read a record.
///
/// Archived files have their record too.
#[utoipa::path(
    get, path = "/v1/files/{id}", tag = "files",
    params(FilePath),
    responses(
        (status = 200, description = "The record", body = FileView, headers(("ETag" = String, description = "Revision of the record"))),
        (status = 304, description = "The record is still at the revision in `If-None-Match`"),
    )
)]
pub(super) async fn get_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
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

/// Returns the response to a read or a change of a record.
pub(super) fn record(file: &FileRecord) -> Answer {
    let mut response = json(StatusCode::OK, &FileView::from(file))?;
    let tag = StrongEntityTag::of_revision(file.revision);
    response.headers_mut().insert(ETAG, tag.to_header_value());
    Ok(response)
}

/// The fields to change. An absent field stays as it is; null clears an optional one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FilePatch)]
pub(super) struct FilePatchBody {
    /// Display name.
    #[serde(default)]
    #[schema(value_type = schema::Name)]
    name: PatchValue,
    /// Name of the file when it is downloaded.
    #[serde(default)]
    #[schema(value_type = schema::SentFilename)]
    filename: PatchValue,
    /// Description, or null.
    #[serde(default)]
    #[schema(value_type = Option<schema::Description>)]
    description: PatchValue,
    /// Category, or null.
    #[serde(default)]
    #[schema(value_type = Option<schema::Category>)]
    category: PatchValue,
    /// Identifier of the person the file is about, or null.
    #[serde(default)]
    #[schema(value_type = Option<schema::Person>)]
    person: PatchValue,
    /// ID of the person the file is about, or null.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    person_id: PatchValue,
    /// `private` or `public`.
    #[serde(default)]
    #[schema(value_type = schema::Visibility)]
    visibility: PatchValue,
}

/// A field of a merge patch, where null differs from absent.
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
/// The body is a merge patch (RFC 7396): it has the fields to change.
#[utoipa::path(
    patch, path = "/v1/files/{id}", tag = "files",
    params(FilePath, ("If-Match" = Option<String>, Header, description = "`ETag` of the revision to change")),
    request_body(content = FilePatchBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The record after the change", body = FileView),
        (status = 403, description = "The key lacks `files:write`, or `links:create` to publish the file"),
        (status = 412, description = "The record has changed since"),
        (status = 422, description = "A field is unknown, read-only or invalid"),
    )
)]
pub(super) async fn change_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
    let expected = expected_revisions(&call.head.parts.headers);
    let patch = read_patch(call.json::<FilePatchBody>(app, &cx).await?)?;
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
                "is given twice: give person or person_id, not both",
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

/// Delete a file permanently.
///
/// The record is deleted at once, its bytes within seconds unless another record refers to them.
#[utoipa::path(
    delete, path = "/v1/files/{id}", tag = "files",
    params(FilePath, ("If-Match" = Option<String>, Header, description = "`ETag` of the revision to delete")),
    responses(
        (status = 204, description = "The file is deleted"),
        (status = 409, description = "The file is claimed"),
        (status = 412, description = "The record has changed since"),
    )
)]
pub(super) async fn delete_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
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

/// Returns the revisions in `If-Match`, at least one; `None` stands for any.
fn expected_revisions(headers: &HeaderMap) -> Vec<Option<Revision>> {
    match SentTags::read(headers, &IF_MATCH) {
        None | Some(SentTags::Any) => vec![None],
        Some(SentTags::List(tags)) => {
            let mut named: Vec<_> = tags.into_iter().filter_map(SentTag::revision).collect();
            named.truncate(REVISIONS_MAX);
            if named.is_empty() {
                // A tag that is no revision matches none: every record is at 1 or later.
                named.push(Revision::new(0));
            }
            named.into_iter().map(Some).collect()
        }
    }
}

/// Returns `true` if a change was refused because the record is at another revision.
fn is_at_another_revision<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::RevisionMismatch { .. }))
}
