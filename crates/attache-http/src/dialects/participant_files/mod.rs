//! participant-files: files that the participants of a project uploaded.

use utoipa::openapi::OpenApi as Document;

use crate::app::App;
use crate::call::Call;
use crate::endpoints::Answer;
use crate::operations::Row;
use crate::served::Api;

/// The API as this crate serves it.
pub(crate) struct ParticipantFiles;

/// Its URLs.
pub(crate) enum Route {}

/// What it can be asked to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {}

impl Api for ParticipantFiles {
    type Route = Route;
    type Operation = Operation;

    fn operations() -> &'static [Row<Operation>] {
        &[]
    }

    fn parse(_: &str) -> Option<Route> {
        None
    }

    fn template(route: &Route) -> &'static str {
        match *route {}
    }

    async fn answer(_: &App, _: &'static Row<Operation>, route: Route, _: Call) -> Answer {
        match route {}
    }

    fn document() -> Document {
        Document::default()
    }
}
