//! The endpoints of participant-files.

use attache_model::Context;
use attache_service::{LinkAction, LinkRequest, ServiceError};
use http::StatusCode;

use super::requests::{DownloadQuery, ListQuery, ProjectPath};
use super::views::{DownloadView, FilesView};
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;

/// List files of participants.
///
/// Newest first. The pages contain every file exactly once that existed before the first page was
/// requested.
#[utoipa::path(
    get, path = "/api/v1/administration/projects/{slug}/files",
    params(ProjectPath, ListQuery),
    responses(
        (status = 200, description = "One page", body = FilesView),
        (status = 403, description = "The project is not the key's, or the key lacks `files:read`"),
    )
)]
pub(super) async fn participant_files_list_files(app: &App, cx: Context, call: Call) -> Answer {
    let query: ListQuery = call.known_query()?;
    let request = query.into_request(app.service.limits().max_page_size)?;
    let listed = app.service.list_files(&cx, request).await;
    let list = listed.map_err(|error| match error {
        ServiceError::InvalidCursor => Problem::new(
            ProblemKind::InvalidCursor,
            "query parameter `pageID` is not a nextPageID of the same query",
        ),
        other => Problem::in_query(other),
    })?;
    json(StatusCode::OK, &FilesView::from(list))
}

/// Create a URL for a download.
///
/// Anyone who has the URL can use it for 15 minutes, without a key.
#[utoipa::path(
    get, path = "/api/v1/administration/projects/{slug}/files/download",
    params(ProjectPath, DownloadQuery),
    responses(
        (status = 200, description = "The URL", body = DownloadView),
        (status = 403, description = "The project is not the key's, or the key lacks `files:read` or `links:create`"),
        (status = 404, description = "No file of a participant has this key"),
        (status = 409, description = "The file is archived"),
    )
)]
pub(super) async fn participant_files_create_download_url(
    app: &App,
    cx: Context,
    call: Call,
) -> Answer {
    let key = call.known_query::<DownloadQuery>()?.into_key()?;
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
