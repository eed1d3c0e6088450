//! The endpoint of flexportal.

use attache_model::{Context, FileId};
use attache_service::{LinkRequest, UploadRequest};
use http::StatusCode;

use super::requests::{DescribedUrl, UrlBody, UrlRequest};
use super::views::UrlView;
use super::{TO_READ, TO_UPLOAD};
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::endpoint::authorise_all;
use crate::state::App;

/// Create a signed URL.
///
/// To view or download a file, or to send a new one: one PUT of the declared type succeeds, and the file
/// then has the ID in this response.
#[utoipa::path(
    post, path = "/v1/files/url", request_body = DescribedUrl,
    responses(
        (status = 200, description = "The URL", body = UrlView),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "The file is archived"),
    )
)]
pub(super) async fn flexportal_create_url(app: &App, cx: Context, call: Call) -> Answer {
    match call.json::<UrlBody>(app, &cx).await?.into_request()? {
        UrlRequest::Read(id, request) => url_of_file(app, &cx, id, request).await,
        UrlRequest::Upload(request) => url_for_upload(app, &cx, *request).await,
    }
}

async fn url_of_file(app: &App, cx: &Context, id: FileId, request: LinkRequest) -> Answer {
    authorise_all(&app.service, cx, TO_READ)?;
    let file = app.service.get_file(cx, id).await?;
    let link = app.service.create_link(cx, id, request).await?;
    json(
        StatusCode::OK,
        &UrlView::of_link(&app.public_url, &file, &link),
    )
}

async fn url_for_upload(app: &App, cx: &Context, request: UploadRequest) -> Answer {
    authorise_all(&app.service, cx, TO_UPLOAD)?;
    let begun = app.service.begin_upload(cx, request).await?;
    json(StatusCode::OK, &UrlView::of_upload(&app.public_url, &begun))
}
