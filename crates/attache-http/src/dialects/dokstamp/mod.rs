//! dokstamp: PDF documents that are uploaded once and attached to one certificate each.

mod endpoints;
mod operations;
mod route;
mod uploads;
mod views;

use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use self::endpoints::documented;
use self::operations::{OPERATIONS, Operation};
use self::route::Route;
use crate::app::App;
use crate::call::Call;
use crate::endpoints::Answer;
use crate::operations::Row;
use crate::served::Api;

/// The API as this crate serves it.
pub(crate) struct Dokstamp;

impl Api for Dokstamp {
    type Route = Route;
    type Operation = Operation;

    fn operations() -> &'static [Row<Operation>] {
        &OPERATIONS
    }

    async fn answer(app: &App, row: &'static Row<Operation>, route: Route, call: Call) -> Answer {
        endpoints::answer(app, row, route, call).await
    }

    fn document() -> Document {
        Described::openapi()
    }
}

#[derive(OpenApi)]
#[openapi(
    paths(
        documented::dokstamp_upload_files,
        documented::dokstamp_list_files,
        documented::dokstamp_get_file,
        documented::dokstamp_change_file,
        documented::dokstamp_replace_file,
        documented::dokstamp_delete_file,
        documented::dokstamp_read_public,
    ),
    tags((name = "dokstamp", description = "PDF documents, each attached to one certificate"))
)]
struct Described;
