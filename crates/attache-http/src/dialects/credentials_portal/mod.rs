//! credentials-portal: files of a district, attached to people.

mod content;
mod endpoints;
mod names;
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
pub(crate) struct CredentialsPortal;

impl Api for CredentialsPortal {
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
        documented::credentials_portal_list_files,
        documented::credentials_portal_upload_file,
        documented::credentials_portal_upload_for_person,
        documented::credentials_portal_change_file,
        documented::credentials_portal_delete_file,
        documented::credentials_portal_read_content,
    ),
    tags((name = "credentials-portal", description = "Files of a district, attached to people"))
)]
struct Described;
