//! `POST /v1/files/{id}/links`: links that expire.

use std::collections::BTreeMap;
use std::time::Duration;

use attache_model::Context;
use attache_service::{LinkAction, LinkRequest};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::params::FilePath;
use super::views::LinkView;
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::schema;
use crate::state::App;
use crate::wire::scalars::whole;

/// The action that a link allows its bearer.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LinkActionBody {
    /// Save the file.
    #[default]
    Download,
    /// See it in place, if its type allows; otherwise save it.
    View,
}

/// The link to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLink)]
pub(super) struct LinkBody {
    /// Action that the link allows; `download` by default.
    #[serde(default)]
    #[schema(value_type = schema::LinkAction)]
    action: LinkActionBody,
    /// Lifetime in seconds; 900 by default.
    #[schema(minimum = 1, maximum = 86_400)]
    #[serde(default, deserialize_with = "whole")]
    expires_in: Option<u64>,
}

/// Create a link to a file's bytes.
///
/// Anyone who has the URL can use it until it expires. It survives changes to the record, but not its
/// archiving or deletion.
#[utoipa::path(
    post, path = "/v1/files/{id}/links", tag = "links",
    params(FilePath),
    request_body = LinkBody,
    responses(
        (status = 201, description = "The link", body = LinkView),
        (status = 409, description = "The file is archived"),
    )
)]
pub(super) async fn create_link(app: &App, cx: Context, call: Call) -> Answer {
    let FilePath { id } = call.path()?;
    call.no_query()?;
    let body: LinkBody = call.json(app, &cx).await?;
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
