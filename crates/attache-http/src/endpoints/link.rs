//! `POST /v1/files/{id}/links`: links that expire.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_model::FileId;
use attache_service::{LinkAction, LinkRequest};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Answer;
use crate::app::App;
use crate::call::Call;
use crate::response::json;
use crate::views::LinkView;
use crate::wire::query::StrictQuery;

/// What a link lets its bearer do.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LinkAction)]
pub(crate) enum LinkActionBody {
    /// Save the file.
    #[default]
    Download,
    /// See it in place, where its type allows; else save it.
    View,
}

/// The link to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLink)]
pub(crate) struct LinkBody {
    #[serde(default)]
    action: LinkActionBody,
    /// How many seconds it is to hold; 900 by default.
    #[schema(minimum = 1)]
    expires_in: Option<u64>,
}

/// Make a link to a file's bytes.
///
/// Whoever has the URL can use it until it expires. It survives changes of the record, but not its
/// archiving or deletion.
#[utoipa::path(
    post, path = "/v1/files/{id}/links", operation_id = "create_link", tag = "links",
    params(("id" = String, Path, description = "The file's id", format = Uuid)),
    request_body = LinkBody,
    responses(
        (status = 201, description = "The link", body = LinkView),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `links:create`"),
        (status = 404, description = "The tenant has no such file"),
        (status = 409, description = "The file is archived"),
        (status = 422, description = "A field is not right"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn create_link(app: &App, id: FileId, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    StrictQuery::parse(call.head.query())?.finish()?;
    let body: LinkBody = call.json().await?;
    let request = LinkRequest {
        action: match body.action {
            LinkActionBody::Download => LinkAction::Download,
            LinkActionBody::View => LinkAction::View,
        },
        expires_in: body.expires_in.map(Duration::from_secs),
    };
    let link = app.service.create_link(&cx, id, request).await?;
    let view = LinkView {
        url: app.public_url.to_link(&link),
        method: "GET",
        headers: BTreeMap::new(),
        expires_at: link.expires_at.to_string(),
    };
    json(StatusCode::CREATED, &view)
}
