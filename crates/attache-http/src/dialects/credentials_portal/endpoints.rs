//! The endpoints of the credentials portal.

use attache_model::{Context, DisplayName, FileId, FileRecord, PersonIdentifier, PersonRef};
use attache_service::{Change, FilePatch, FileQuery, ServiceError};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::content::{self, is_about};
use super::operations::Operation;
use super::route::{ContentRoute, Route};
use super::uploads::PersonFields;
use super::views::{DeletedView, FileView};
use crate::app::App;
use crate::call::Call;
use crate::dialects::admission::{NamedTenant, admit};
use crate::dialects::as_seen::as_seen;
use crate::dialects::whole_list::whole_list;
use crate::endpoints::content::stream_to_key;
use crate::endpoints::{Answer, form, refuse_partial_and_coded};
use crate::operations::Row;
use crate::problem::{Problem, ProblemKind};
use crate::response::json;

/// What the OpenAPI document lists.
pub(super) mod documented {
    pub(in super::super) use super::*;
}

/// Answers an operation.
pub(super) async fn answer(
    app: &App,
    row: &'static Row<Operation>,
    route: Route,
    call: Call,
) -> Answer {
    let tenant = match &route {
        Route::Content(content) => NamedTenant::Segment(&content.district),
        _ => NamedTenant::Nowhere,
    };
    let cx = admit(app, &call.head, row.access, tenant).await?;
    match (row.operation, route) {
        (Operation::List, Route::Files) => credentials_portal_list_files(app, cx).await,
        (Operation::Upload, Route::Upload) => credentials_portal_upload_file(app, cx, call).await,
        (Operation::UploadForPerson, Route::PersonUploads(person)) => {
            credentials_portal_upload_for_person(app, cx, person, call).await
        }
        (Operation::Change, Route::File(id)) => {
            credentials_portal_change_file(app, cx, id, call).await
        }
        (Operation::Delete, Route::PersonUpload(person, id)) => {
            credentials_portal_delete_file(app, cx, &person, id).await
        }
        (Operation::ReadContent, Route::Content(content)) => {
            credentials_portal_read_content(app, cx, &content, call).await
        }
        _ => Err(Problem::not_found()),
    }
}

/// List files.
///
/// All that are about somebody, newest first.
#[utoipa::path(
    get, path = "/api/files", operation_id = "credentials_portal_list_files",
    tag = "credentials-portal",
    responses((status = 200, description = "The files", body = Vec<FileView>))
)]
async fn credentials_portal_list_files(app: &App, cx: Context) -> Answer {
    let query = FileQuery {
        has_person: Some(true),
        ..FileQuery::default()
    };
    let (district, public_url) = (district(&cx), app.public_url.clone());
    let view = move |file: &FileRecord| FileView::new(file, &district, &public_url);
    whole_list(app, cx, query, ("[", "]"), view).await
}

/// A file about somebody.
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
    /// Whom it is about, by the district's own identifier; an unknown one registers a person.
    #[serde(rename = "personId")]
    person_id: String,
    /// What people read as its name; the filename by default.
    name: Option<String>,
}

/// Store a file about somebody.
#[utoipa::path(
    post, path = "/api/upload", operation_id = "credentials_portal_upload_file",
    tag = "credentials-portal",
    request_body(content((UploadForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The file", body = FileView),
        (status = 413, description = "The body is too large, or has several files"),
        (status = 415, description = "The body is no form"),
        (status = 422, description = "There is no file, or a field is missing or not right"),
    )
)]
async fn credentials_portal_upload_file(app: &App, cx: Context, call: Call) -> Answer {
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
    /// Whom it is about: if given, the same as in the path.
    #[serde(rename = "personId")]
    person_id: Option<String>,
    /// What people read as its name; the filename by default.
    name: Option<String>,
}

/// Store a file about the person in the path.
#[utoipa::path(
    post, path = "/api/people/{id}/uploads", operation_id = "credentials_portal_upload_for_person",
    tag = "credentials-portal",
    params(("id" = String, Path, description = "Whom it is about, by the district's own identifier; an unknown one registers a person")),
    request_body(content((PersonUploadForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The file", body = FileView),
        (status = 413, description = "The body is too large, or has several files"),
        (status = 415, description = "The body is no form"),
        (status = 422, description = "There is no file, or the person or a field is not right"),
    )
)]
async fn credentials_portal_upload_for_person(
    app: &App,
    cx: Context,
    person: String,
    call: Call,
) -> Answer {
    let fields = PersonFields::about(person).map_err(form::in_body)?;
    store(app, cx, fields, call).await
}

async fn store(app: &App, cx: Context, fields: PersonFields, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let (upload, fields) = form::receive(app, &cx, call, fields).await?;
    if upload.file_count() > 1 {
        let detail = "one file is taken at a time";
        return Err(Problem::new(ProblemKind::TooManyFiles, detail));
    }
    let committed = upload.commit(fields).await?;
    let file = committed.first().ok_or(ServiceError::NoFile)?;
    one_file(app, &cx, StatusCode::CREATED, &file.record)
}

/// What is to change of a file. What is left out or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = credentials_portal::Change)]
pub(super) struct ChangeBody {
    /// What people are to read as its name.
    name: Option<String>,
    /// Whom it is to be about; an unknown identifier registers a person.
    person_id: Option<String>,
}

/// Rename a file, or give it to another person.
///
/// A file that is given to another person has another `url` from then on.
#[utoipa::path(
    patch, path = "/api/files/{id}", operation_id = "credentials_portal_change_file",
    tag = "credentials-portal",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    request_body = ChangeBody,
    responses((status = 200, description = "The file as it is now", body = FileView))
)]
async fn credentials_portal_change_file(app: &App, cx: Context, id: FileId, call: Call) -> Answer {
    let body: ChangeBody = call.json().await?;
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
    // Files about nobody are none of the portal's.
    let is_portals = |file: &FileRecord| file.person.is_some();
    let change = |seen: FileRecord| {
        let patch = patch.clone();
        app.service.change_file(&cx, id, patch, Some(seen.revision))
    };
    let file = as_seen(&app.service, &cx, id, is_portals, change).await?;
    one_file(app, &cx, StatusCode::OK, &file)
}

/// Delete a file about somebody for good.
#[utoipa::path(
    delete, path = "/api/people/{person}/uploads/{id}",
    operation_id = "credentials_portal_delete_file", tag = "credentials-portal",
    params(
        ("person" = String, Path, description = "Whom it is about, by the district's own identifier"),
        ("id" = String, Path, description = "The file's id", format = Uuid),
    ),
    responses(
        (status = 200, description = "It is gone", body = DeletedView),
        (status = 404, description = "There is no such file about this person"),
        (status = 409, description = "The file is claimed"),
    )
)]
async fn credentials_portal_delete_file(
    app: &App,
    cx: Context,
    person: &str,
    id: FileId,
) -> Answer {
    let person = PersonIdentifier::parse(person).map_err(|_| Problem::not_found())?;
    // Only as it was looked at: it may be given to another person in between.
    let delete = |seen: FileRecord| app.service.delete_file(&cx, id, Some(seen.revision));
    as_seen(
        &app.service,
        &cx,
        id,
        |file| is_about(file, &person),
        delete,
    )
    .await?;
    json(StatusCode::OK, &DeletedView { ok: true })
}

/// Read a file's bytes.
///
/// At the `url` that a file has. A bare filename will do, too, where one file about the person has it;
/// that takes `files:read` besides.
#[utoipa::path(
    get, path = "/files/{district}/upload/{person}/{filename}",
    operation_id = "credentials_portal_read_content", tag = "credentials-portal",
    params(
        ("district" = String, Path, description = "The district: the key's tenant"),
        ("person" = String, Path, description = "Whom the file is about, by the district's own identifier"),
        ("filename" = String, Path, description = "The filename with the file's id inside, as in its `url`; or the filename"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*", body = Vec<u8>),
        (status = 403, description = "The district is another than the key's, or the key lacks `content:read`, or `files:read` for a bare filename"),
        (status = 404, description = "There is no such file about this person, or several have the filename, or it is archived"),
        (status = 409, description = "The file is being inspected"),
    )
)]
async fn credentials_portal_read_content(
    app: &App,
    cx: Context,
    route: &ContentRoute,
    call: Call,
) -> Answer {
    let download = content::open(app, &cx, route).await?;
    stream_to_key(download, &call.head).await
}

fn one_file(app: &App, cx: &Context, status: StatusCode, file: &FileRecord) -> Answer {
    json(status, &FileView::new(file, &district(cx), &app.public_url))
}

/// The key's tenant by its slug.
fn district(cx: &Context) -> String {
    let principal = cx.principal();
    principal.map_or_else(String::new, |principal| principal.tenant.slug.to_string())
}
