//! The table of participant-files' operations.

use attache_service::Action;
use http::Method;

use crate::operations::Access::{Key, KeyForAll};
use crate::operations::{Row, row};

/// What participant-files can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    CreateDownloadUrl,
}

use Operation as O;

/// Every operation.
pub(super) static OPERATIONS: [Row<Operation>; 2] = [
    row(
        O::List,
        Method::GET,
        "/api/v1/administration/projects/{slug}/files",
        Key(Action::List),
        "participant_files_list_files",
    ),
    row(
        O::CreateDownloadUrl,
        Method::GET,
        "/api/v1/administration/projects/{slug}/files/download",
        KeyForAll(&[Action::ReadRecord, Action::CreateLink]),
        "participant_files_create_download_url",
    ),
];
