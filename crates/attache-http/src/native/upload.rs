//! `POST /v1/files`: a form; or, as the other uploads have them, JSON or the bytes of a file.

use attache_model::Context;
use attache_service::{UploadFields, UploadSession};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::upload_fields::{FieldCollector, UnknownFields};
use super::upload_headers::refuse_partial_and_coded;
use super::upload_response::created;
use super::views::UploadedFilesView;
use super::{form, upload_json, upload_raw};
use crate::answer::Answer;
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::schema;
use crate::state::App;
use crate::wire::query;

/// A form: file parts with any name, and fields in any order.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UploadForm)]
#[expect(
    dead_code,
    reason = "describes the form to the OpenAPI document; the form is streamed"
)]
pub(super) struct UploadForm {
    /// One or more files, in parts with any name.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
    file: Vec<Vec<u8>>,
    /// Identifier of the person the files are about; an unknown one registers a person.
    #[schema(value_type = Option<schema::Person>)]
    person: Option<String>,
    /// ID of the person the files are about.
    #[schema(format = Uuid)]
    person_id: Option<String>,
    /// Category of the files.
    #[schema(value_type = Option<schema::Category>)]
    category: Option<String>,
    /// Display name of the files; the filename by default.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<String>,
    /// Description.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<String>,
    /// `private` (default) or `public`.
    #[schema(value_type = Option<schema::Visibility>)]
    visibility: Option<String>,
    /// If true, an existing, equal, unclaimed record is returned instead of a new one.
    dedup: Option<bool>,
    /// Accepted types, separated by commas; all by default.
    #[schema(value_type = Option<schema::MediaTypes>)]
    accept: Option<String>,
    /// SHA-256 that the bytes must have; for one file.
    #[schema(value_type = Option<schema::SentSha256>)]
    sha256: Option<String>,
}

/// The only parameter that a form may have beside it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct FormQuery {
    /// `ignore` leaves out fields that are unknown; by default they are refused.
    #[param(inline)]
    unknown_fields: Option<UnknownFields>,
}

/// Store files.
///
/// All files of the form are stored, or none. The same path takes the bodies of `upload_raw`, if the query
/// has a `filename`, and of `upload_json`.
#[utoipa::path(
    post, path = "/v1/files", tag = "files",
    params(FormQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The records, in the order of the files", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record, if there is one file"))),
        (status = 200, description = "Every file existed, and `dedup` returned its record", body = UploadedFilesView, headers(("Location" = String, description = "URL of the record, if there is one file"))),
        (status = 400, description = "The body or the query is malformed"),
        (status = 403, description = "The key lacks `files:write`, or `links:create` for a public file"),
        (status = 413, description = "The body is too large, or has too many files"),
        (status = 415, description = "The body is neither a form nor JSON, and there is no `filename`"),
        (status = 422, description = "A field, the type or the digest is invalid"),
    )
)]
pub(super) async fn upload_files(app: &App, cx: Context, call: Call) -> Answer {
    refuse_partial_and_coded(&call.head.parts.headers)?;
    let (upload, fields) = if call.head.is_form() {
        receive_form(app, &cx, call).await?
    } else if upload_raw::has_filename(&call)? {
        upload_raw::receive(app, &cx, call).await?
    } else {
        refuse_query(&call, &[], place_of_fields(&call))?;
        receive_by_type(app, &cx, call).await?
    };
    created(app, &upload.commit(fields).await?)
}

fn place_of_fields(call: &Call) -> &'static str {
    if call.head.is_json() {
        "belongs in the JSON body. (To store the JSON itself as a file, name it by `filename`)"
    } else {
        "needs the parameter `filename`: the name of the file whose bytes are the body"
    }
}

/// Refuses any other parameter beside a body that has fields of its own. With `filename`, a form would
/// otherwise be stored as the bytes of the file.
fn refuse_query(call: &Call, taken: &[&str], detail: &str) -> Result<(), Problem> {
    let pairs = query::pairs(call.head.query())?;
    match pairs
        .iter()
        .find(|(name, _)| !taken.contains(&name.as_str()))
    {
        None => Ok(()),
        Some((name, _)) => Err(Problem::invalid_parameter(name, detail)),
    }
}

async fn receive_form(
    app: &App,
    cx: &Context,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
    let detail = "belongs in the form, if the body is one";
    refuse_query(&call, &["unknown_fields"], detail)?;
    let unknown = call.query::<FormQuery>()?.unknown_fields;
    let fields = FieldCollector::new(unknown.unwrap_or_default());
    form::receive(app, cx, call, fields).await
}

async fn receive_by_type(
    app: &App,
    cx: &Context,
    call: Call,
) -> Result<(UploadSession, UploadFields), Problem> {
    if call.head.is_json() {
        upload_json::receive(app, cx, call).await
    } else {
        Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "send multipart/form-data, application/json with base64 content, or the bytes \
             themselves with ?filename= in the query",
        ))
    }
}
