//! The table of dokstamp's operations.

use attache_service::Action;
use http::Method;

use crate::operations::Access::{Key, KeyForAll, Public};
use crate::operations::{Row, row};

/// What dokstamp can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Upload,
    List,
    Get,
    Change,
    Replace,
    Delete,
    Download,
}

use Operation as O;

/// Every operation.
pub(super) static OPERATIONS: [Row<Operation>; 7] = [
    // What is uploaded here is public.
    row(
        O::Upload,
        Method::POST,
        "/files",
        KeyForAll(&[Action::Upload, Action::Publish]),
        "dokstamp_upload_files",
    ),
    row(
        O::List,
        Method::GET,
        "/files",
        Key(Action::List),
        "dokstamp_list_files",
    ),
    row(
        O::Get,
        Method::GET,
        "/files/{uuid}",
        Key(Action::ReadRecord),
        "dokstamp_get_file",
    ),
    row(
        O::Change,
        Method::PATCH,
        "/files/{uuid}",
        Key(Action::Change),
        "dokstamp_change_file",
    ),
    row(
        O::Replace,
        Method::PUT,
        "/files/{uuid}",
        Key(Action::Change),
        "dokstamp_replace_file",
    ),
    row(
        O::Delete,
        Method::DELETE,
        "/files/{uuid}",
        Key(Action::Delete),
        "dokstamp_delete_file",
    ),
    row(
        O::Download,
        Method::GET,
        "/files/{uuid}/download",
        Public,
        "dokstamp_read_public",
    ),
];
