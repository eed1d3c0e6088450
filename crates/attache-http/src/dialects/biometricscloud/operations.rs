//! The table of biometricscloud's operations.
//!
//! A single record is answered with a link to its file, so whoever reads one needs the scope for links;
//! and records are found by their number, which is to read them.

use attache_service::Action;
use http::Method;

use crate::operations::Access::{Key, KeyForAll};
use crate::operations::{Row, row};

/// What biometricscloud can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    List,
    Get,
    Update,
    Archive,
}

use Operation as O;

/// Every operation.
pub(super) static OPERATIONS: [Row<Operation>; 5] = [
    row(
        O::Create,
        Method::POST,
        "/api/v1/files",
        KeyForAll(&[Action::Upload, Action::CreateLink]),
        "biometricscloud_create_file",
    ),
    row(
        O::List,
        Method::GET,
        "/api/v1/files",
        Key(Action::List),
        "biometricscloud_list_files",
    ),
    row(
        O::Get,
        Method::GET,
        "/api/v1/file/{id}",
        KeyForAll(&[Action::ReadRecord, Action::CreateLink]),
        "biometricscloud_get_file",
    ),
    row(
        O::Update,
        Method::PUT,
        "/api/v1/file/{id}",
        KeyForAll(&[Action::ReadRecord, Action::Change, Action::CreateLink]),
        "biometricscloud_update_file",
    ),
    row(
        O::Archive,
        Method::DELETE,
        "/api/v1/file/{id}",
        KeyForAll(&[Action::ReadRecord, Action::Archive]),
        "biometricscloud_archive_file",
    ),
];
