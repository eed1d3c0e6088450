//! The endpoint of flexportal.

use attache_model::{Context, FileId};
use attache_service::{LinkRequest, UploadRequest};
use http::StatusCode;

use super::operations::{Operation, TO_READ, TO_UPLOAD};
use super::requests::{UrlBody, UrlRequest};
use super::route::Route;
use super::views::UrlView;
use crate::app::App;
use crate::call::Call;
use crate::dialects::admission::{NamedTenant, admit, authorise_all};
use crate::endpoints::Answer;
use crate::operations::Row;
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
    let named = NamedTenant::Header("tenant-id");
    let cx = admit(app, &call.head, row.access, named).await?;
    match (row.operation, route) {
        (Operation::CreateUrl, Route::FileUrl) => flexportal_create_url(app, cx, call).await,
    }
}

/// Make a signed URL.
///
/// To view or download a file, or to send a new one: one PUT of the type that was promised succeeds, and
/// the file then has the id that is answered here.
#[utoipa::path(
    post, path = "/v1/files/url", operation_id = "flexportal_create_url",
    tag = "flexportal", request_body = UrlBody,
    params(("Tenant-ID" = Option<String>, Header, description = "The tenant's slug; the key's tenant by default")),
    responses(
        (status = 200, description = "The URL", body = UrlView),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "The file is archived"),
    )
)]
async fn flexportal_create_url(app: &App, cx: Context, call: Call) -> Answer {
    match call.json::<UrlBody>().await?.into_request()? {
        UrlRequest::Read(id, request) => url_of(app, &cx, id, request).await,
        UrlRequest::Upload(request) => url_for(app, &cx, *request).await,
    }
}

/// A URL of a file.
async fn url_of(app: &App, cx: &Context, id: FileId, request: LinkRequest) -> Answer {
    authorise_all(app, cx, TO_READ)?;
    let file = app.service.get_file(cx, id).await?;
    let link = app.service.create_link(cx, id, request).await?;
    json(
        StatusCode::OK,
        &UrlView::of_link(&app.public_url, &file, &link),
    )
}

/// A URL for a new file.
async fn url_for(app: &App, cx: &Context, request: UploadRequest) -> Answer {
    authorise_all(app, cx, TO_UPLOAD)?;
    let promised = app.service.begin_upload(cx, request).await?;
    json(
        StatusCode::OK,
        &UrlView::of_upload(&app.public_url, &promised),
    )
}
