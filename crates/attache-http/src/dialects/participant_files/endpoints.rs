//! The endpoints of participant-files.

use attache_model::Context;
use attache_service::{LinkAction, LinkRequest, ServiceError};
use http::StatusCode;

use super::operations::Operation;
use super::requests::{read_key, read_list};
use super::route::Route;
use super::views::{DownloadView, FilesView};
use crate::app::App;
use crate::call::Call;
use crate::dialects::admission::{NamedTenant, admit};
use crate::endpoints::Answer;
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
    route: &Route,
    call: Call,
) -> Answer {
    let tenant = NamedTenant::Segment(route.slug());
    let cx = admit(app, &call.head, row.access, tenant).await?;
    match row.operation {
        Operation::List => participant_files_list_files(app, cx, call).await,
        Operation::CreateDownloadUrl => participant_files_create_download_url(app, cx, call).await,
    }
}

/// List files of participants.
///
/// Newest first. Pages hold every file exactly once that was there before the first page was asked
/// for.
#[utoipa::path(
    get, path = "/api/v1/administration/projects/{slug}/files",
    operation_id = "participant_files_list_files", tag = "participant-files",
    params(
        ("slug" = String, Path, description = "The project: the key's tenant"),
        ("participantID" = Option<String>, Query, description = "Only files of the participant with this id", format = Uuid),
        ("participantIdentifier" = Option<String>, Query, description = "Only files of the participant with this identifier"),
        ("category" = Option<String>, Query, description = "Only files in this category"),
        ("uploadedAfter" = Option<String>, Query, description = "Only files stored after this time or date", format = DateTime),
        ("uploadedBefore" = Option<String>, Query, description = "Only files stored before this time or date", format = DateTime),
        ("limit" = Option<u32>, Query, description = "At most how many files; 100 by default and at most", minimum = 1),
        ("pageID" = Option<String>, Query, description = "The `nextPageID` of the page before, with the same filters"),
    ),
    responses(
        (status = 200, description = "One page", body = FilesView),
        (status = 403, description = "The project is another than the key's, or the key lacks `files:read`"),
    )
)]
async fn participant_files_list_files(app: &App, cx: Context, call: Call) -> Answer {
    let request = read_list(call.head.query(), app.service.limits().max_page_size)?;
    let listed = app.service.list_files(&cx, request).await;
    let list = listed.map_err(|error| match error {
        ServiceError::InvalidCursor => Problem::new(
            ProblemKind::InvalidCursor,
            "query parameter «pageID» is not a nextPageID of the same query",
        ),
        other => Problem::in_query(other),
    })?;
    json(StatusCode::OK, &FilesView::from(list))
}

/// Make a URL at which a file can be downloaded for a while, without a key.
#[utoipa::path(
    get, path = "/api/v1/administration/projects/{slug}/files/download",
    operation_id = "participant_files_create_download_url", tag = "participant-files",
    params(
        ("slug" = String, Path, description = "The project: the key's tenant"),
        ("key" = String, Query, description = "The file's key"),
    ),
    responses(
        (status = 200, description = "The URL", body = DownloadView),
        (status = 403, description = "The project is another than the key's, or the key lacks `files:read` or `links:create`"),
        (status = 404, description = "No file of a participant has this key"),
        (status = 409, description = "The file is archived"),
    )
)]
async fn participant_files_create_download_url(app: &App, cx: Context, call: Call) -> Answer {
    let key = read_key(call.head.query())?;
    let file = app.service.get_file_by_key(&cx, &key).await?;
    if file.person.is_none() {
        return Err(Problem::not_found());
    }
    let request = LinkRequest {
        action: LinkAction::Download,
        expires_in: None,
    };
    let link = app.service.create_link(&cx, file.id, request).await?;
    let view = DownloadView {
        pre_signed_url: app.public_url.to_stream(&link),
    };
    json(StatusCode::OK, &view)
}
