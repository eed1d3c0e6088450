//! The endpoints of the credentials portal.

use attache_model::{Context, DisplayName, FileId, FileRecord, PersonIdentifier, PersonRef};
use attache_service::{Change, FilePatch, FileQuery, ServiceError};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::content::{self, ContentPath, is_about};
use super::uploads::PersonFields;
use super::views::{DeletedView, FileView};
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::dialects::optimistic::update_if_unchanged;
use crate::dialects::unpaginated_list::unpaginated_list;
use crate::native::content::stream_to_key;
use crate::native::{form, refuse_partial_and_coded};
use crate::path_params::file_id;
use crate::problem::{Problem, ProblemKind};
use crate::schema;
use crate::state::App;

/// List files.
///
/// All files that are about a person, newest first.
#[utoipa::path(
    get, path = "/api/files",
    responses((status = 200, description = "The files", body = Vec<FileView>))
)]
pub(super) async fn credentials_portal_list_files(app: &App, cx: Context, _: Call) -> Answer {
    let query = FileQuery {
        has_person: Some(true),
        ..FileQuery::default()
    };
    let (district, public_url) = (district(&cx), app.public_url.clone());
    let view = move |file: &FileRecord| FileView::new(file, &district, &public_url);
    unpaginated_list(app, cx, query, ("[", "]"), view).await
}

/// A file about a person.
#[derive(ToSchema)]
#[schema(as = credentials_portal::UploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(super) struct UploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    #[schema(value_type = schema::Person)]
    #[serde(rename = "personId")]
    person_id: String,
    /// Display name; the filename by default.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<String>,
}

/// Store a file about a person.
///
/// The form names the person.
#[utoipa::path(
    post, path = "/api/upload",
    request_body(content((UploadForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The file", body = FileView),
        (status = 413, description = "The body is too large, or has several files"),
        (status = 415, description = "The body is not a form"),
        (status = 422, description = "There is no file, or a field is missing or invalid"),
    )
)]
pub(super) async fn credentials_portal_upload_file(app: &App, cx: Context, call: Call) -> Answer {
    store(app, cx, PersonFields::default(), call).await
}

/// A file about the person in the path.
#[derive(ToSchema)]
#[schema(as = credentials_portal::PersonUploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(super) struct PersonUploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Identifier of the person the file is about; if given, the same as in the path.
    #[schema(value_type = Option<schema::Person>)]
    #[serde(rename = "personId")]
    person_id: Option<String>,
    /// Display name; the filename by default.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PersonPath {
    /// Identifier of the person the file is about; an unknown one registers a person.
    #[param(value_type = schema::Person)]
    id: String,
}

/// Store a file about the person in the path.
///
/// The form may repeat the person, and must not name another.
#[utoipa::path(
    post, path = "/api/people/{id}/uploads", params(PersonPath),
    request_body(content((PersonUploadForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The file", body = FileView),
        (status = 413, description = "The body is too large, or has several files"),
        (status = 415, description = "The body is not a form"),
        (status = 422, description = "There is no file, or the person or a field is invalid"),
    )
)]
pub(super) async fn credentials_portal_upload_for_person(
    app: &App,
    cx: Context,
    call: Call,
) -> Answer {
    let PersonPath { id: person } = call.path()?;
    let fields = PersonFields::about(&person)?;
    store(app, cx, fields, call).await
}

async fn store(app: &App, cx: Context, fields: PersonFields, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let (upload, fields) = form::receive(app, &cx, call, fields).await?;
    if upload.file_count() > 1 {
        let detail = "a request may have one file only";
        return Err(Problem::new(ProblemKind::TooManyFiles, detail));
    }
    let committed = upload.commit(fields).await?;
    let file = committed.first().ok_or(ServiceError::NoFile)?;
    one_file(app, &cx, StatusCode::CREATED, &file.record)
}

/// The changes to a file. An absent or null field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = credentials_portal::Change)]
pub(super) struct ChangeBody {
    /// Display name.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<String>,
    /// Identifier of the person the file is about; an unknown one registers a person.
    #[schema(value_type = Option<schema::Person>)]
    person_id: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// ID of the file.
    #[param(value_type = String, format = Uuid)]
    #[serde(deserialize_with = "file_id")]
    id: FileId,
}

/// Rename a file, or assign it to another person.
///
/// A file that is assigned to another person gets another `url`.
#[utoipa::path(
    patch, path = "/api/files/{id}", params(FilePath),
    request_body = ChangeBody,
    responses((status = 200, description = "The file after the change", body = FileView))
)]
pub(super) async fn credentials_portal_change_file(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    let body: ChangeBody = call.json(app, &cx).await?;
    let name = body.name.as_deref().map(DisplayName::parse).transpose();
    let person = body.person_id.as_deref().map(PersonIdentifier::parse);
    let person = person
        .transpose()
        .map_err(|error| Problem::invalid_field("person_id", error.to_string()))?;
    let patch = FilePatch {
        name: name.map_err(|error| Problem::invalid_field("name", error.to_string()))?,
        person: person.map_or(Change::Keep, |it| Change::Set(PersonRef::Identifier(it))),
        ..FilePatch::default()
    };
    // The portal knows only files about a person.
    let has_person = |file: &FileRecord| file.person.is_some();
    let change = |current: FileRecord| {
        let expected = Some(current.revision);
        app.service.change_file(&cx, id, patch.clone(), expected)
    };
    let file = update_if_unchanged(&app.service, &cx, id, has_person, change).await?;
    one_file(app, &cx, StatusCode::OK, &file)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PersonFilePath {
    /// Identifier of the person the file is about.
    #[param(value_type = schema::Person)]
    person: String,
    /// ID of the file.
    #[param(value_type = String, format = Uuid)]
    #[serde(deserialize_with = "file_id")]
    id: FileId,
}

/// Delete a file about a person permanently.
///
/// The record is deleted at once, its bytes within seconds.
#[utoipa::path(
    delete, path = "/api/people/{person}/uploads/{id}", params(PersonFilePath),
    responses(
        (status = 200, description = "The file is deleted", body = DeletedView),
        (status = 404, description = "There is no such file about this person"),
        (status = 409, description = "The file is claimed"),
    )
)]
pub(super) async fn credentials_portal_delete_file(app: &App, cx: Context, call: Call) -> Answer {
    let PersonFilePath { person, id } = call.path()?;
    let person = PersonIdentifier::parse(&person).map_err(|_| Problem::not_found())?;
    let is_persons = |file: &FileRecord| is_about(file, &person);
    // The file may be assigned to another person in the meantime.
    let delete = |current: FileRecord| app.service.delete_file(&cx, id, Some(current.revision));
    update_if_unchanged(&app.service, &cx, id, is_persons, delete).await?;
    json(StatusCode::OK, &DeletedView { ok: true })
}

/// Read a file's bytes.
///
/// At the `url` of the file. A bare filename works too, if exactly one file about the person has it; that
/// also takes `files:read`.
#[utoipa::path(
    get, path = "/files/{district}/upload/{person}/{filename}", params(ContentPath),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 403, description = "The district is not the key's, or the key lacks `content:read`, or `files:read` for a bare filename"),
        (status = 404, description = "There is no such file about this person, or several have the filename, or it is archived"),
        (status = 409, description = "The file is being inspected"),
    )
)]
pub(super) async fn credentials_portal_read_content(app: &App, cx: Context, call: Call) -> Answer {
    let download = content::open(app, &cx, &call.path()?).await?;
    stream_to_key(app, download, &call.head).await
}

fn one_file(app: &App, cx: &Context, status: StatusCode, file: &FileRecord) -> Answer {
    json(status, &FileView::new(file, &district(cx), &app.public_url))
}

/// Returns the slug of the key's tenant.
fn district(cx: &Context) -> String {
    let principal = cx.principal();
    principal.map_or_else(String::new, |principal| principal.tenant.slug.to_string())
}
