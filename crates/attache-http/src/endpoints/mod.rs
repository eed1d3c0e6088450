//! The endpoints: each reads a request, calls one verb of the service, and writes the answer.

mod claim;
pub(crate) mod content;
mod direct_upload;
pub(crate) mod form;
mod health;
pub(crate) mod json_upload;
mod lifecycle;
mod link;
pub(crate) mod list;
mod record;
mod upload;
pub(crate) mod upload_fields;

use attache_model::FileId;
use http::Response;
use utoipa::openapi::OpenApi as Document;

use crate::app::App;
use crate::call::Call;
use crate::operations::{OPERATIONS, Operation, Row};
use crate::problem::Problem;
use crate::response::ResponseBody;
use crate::served::{Api, Routes};
use crate::{Route, openapi};

pub(crate) use self::upload::refuse_partial_and_coded;

/// What the OpenAPI document lists.
pub(crate) mod documented {
    pub(crate) use super::claim::*;
    pub(crate) use super::content::*;
    pub(crate) use super::direct_upload::*;
    pub(crate) use super::health::*;
    pub(crate) use super::lifecycle::*;
    pub(crate) use super::link::*;
    pub(crate) use super::list::*;
    pub(crate) use super::record::*;
    pub(crate) use super::upload::*;
}

pub(crate) type Answer = Result<Response<ResponseBody>, Problem>;

/// The native API.
pub(crate) struct Native;

impl Api for Native {
    type Route = Route;
    type Operation = Operation;

    fn operations() -> &'static [Row] {
        &OPERATIONS
    }

    async fn answer(app: &App, row: &'static Row, route: Route, call: Call) -> Answer {
        dispatch(app, row.operation, route, call).await
    }

    fn document() -> Document {
        openapi::native()
    }
}

impl Routes for Route {
    fn parse(path: &str) -> Option<Self> {
        Self::parse(path)
    }

    fn template(&self) -> &'static str {
        self.template()
    }
}

/// Calls the endpoint of an operation.
async fn dispatch(app: &App, operation: Operation, route: Route, call: Call) -> Answer {
    match (operation, route) {
        (Operation::UploadFiles, _) => upload::upload_files(app, call).await,
        (Operation::ListFiles, _) => list::list_files(app, call).await,
        (Operation::BeginUpload, _) => direct_upload::begin_upload(app, call).await,
        (Operation::CheckLive, _) => health::check_live(&call),
        (Operation::CheckReady, _) => health::check_ready(app, call).await,
        (Operation::DescribeApi, _) => health::describe_api(app, &call),
        (Operation::ReadPublic, Route::Public(id, _)) => content::read_public(app, id, call).await,
        (Operation::ReadLink, Route::Link(id, name)) => {
            content::read_link(app, id, &name, call).await
        }
        (Operation::StreamLink, Route::Stream(id, name)) => {
            content::stream_link(app, id, &name, call).await
        }
        (operation, route) => match file_of(&route) {
            Some(id) => dispatch_file(app, operation, id, call).await,
            None => Err(Problem::not_found()),
        },
    }
}

async fn dispatch_file(app: &App, operation: Operation, id: FileId, call: Call) -> Answer {
    match operation {
        Operation::GetFile => record::get_file(app, id, call).await,
        Operation::ChangeFile => record::change_file(app, id, call).await,
        Operation::DeleteFile => record::delete_file(app, id, call).await,
        Operation::ReadContent => content::read_content(app, id, call).await,
        Operation::ClaimFile => claim::claim_file(app, id, call).await,
        Operation::ReleaseClaim => claim::release_claim(app, id, call).await,
        Operation::ArchiveFile => lifecycle::archive_file(app, id, call).await,
        Operation::RestoreFile => lifecycle::restore_file(app, id, call).await,
        Operation::CreateLink => link::create_link(app, id, call).await,
        Operation::GetUpload => direct_upload::get_upload(app, id, call).await,
        Operation::CompleteUpload => direct_upload::complete_upload(app, id, call).await,
        Operation::CancelUpload => direct_upload::cancel_upload(app, id, call).await,
        Operation::SendUpload => direct_upload::send_upload(app, id, call).await,
        _ => Err(Problem::not_found()),
    }
}

fn file_of(route: &Route) -> Option<FileId> {
    match route {
        Route::File(id)
        | Route::Content(id)
        | Route::Claim(id)
        | Route::Archive(id)
        | Route::Restore(id)
        | Route::Links(id)
        | Route::Upload(id)
        | Route::CompleteUpload(id)
        | Route::UploadContent(id) => Some(*id),
        _ => None,
    }
}
