//! biometricscloud: medical records with a file each, known by numbers.

mod endpoints;
mod operations;
mod requests;
mod route;
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
pub(crate) struct Biometricscloud;

impl Api for Biometricscloud {
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
        documented::biometricscloud_create_file,
        documented::biometricscloud_list_files,
        documented::biometricscloud_get_file,
        documented::biometricscloud_update_file,
        documented::biometricscloud_archive_file,
    ),
    tags((name = "biometricscloud", description = "Medical records with a file each"))
)]
struct Described;
