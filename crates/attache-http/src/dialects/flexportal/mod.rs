//! flexportal: signed URLs for files.

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
pub(crate) struct Flexportal;

impl Api for Flexportal {
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
    paths(documented::flexportal_create_url),
    tags((name = "flexportal", description = "Signed URLs for files"))
)]
struct Described;
