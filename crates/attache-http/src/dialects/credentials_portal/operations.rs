//! The table of the credentials portal's operations.

use attache_service::Action;
use http::Method;

use crate::operations::Access::{Key, KeyForAll};
use crate::operations::{Row, row};

/// What the credentials portal can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Upload,
    UploadForPerson,
    Change,
    Delete,
    ReadContent,
}

use Operation as O;

/// Every operation. What changes or deletes a file looks first at whom it is about.
pub(super) static OPERATIONS: [Row<Operation>; 6] = [
    row(
        O::List,
        Method::GET,
        "/api/files",
        Key(Action::List),
        "credentials_portal_list_files",
    ),
    row(
        O::Upload,
        Method::POST,
        "/api/upload",
        Key(Action::Upload),
        "credentials_portal_upload_file",
    ),
    row(
        O::UploadForPerson,
        Method::POST,
        "/api/people/{id}/uploads",
        Key(Action::Upload),
        "credentials_portal_upload_for_person",
    ),
    row(
        O::Change,
        Method::PATCH,
        "/api/files/{id}",
        KeyForAll(&[Action::ReadRecord, Action::Change]),
        "credentials_portal_change_file",
    ),
    row(
        O::Delete,
        Method::DELETE,
        "/api/people/{person}/uploads/{id}",
        KeyForAll(&[Action::ReadRecord, Action::Delete]),
        "credentials_portal_delete_file",
    ),
    // A bare filename has to be looked for in the list, which the service allows or not.
    row(
        O::ReadContent,
        Method::GET,
        "/files/{district}/upload/{person}/{filename}",
        Key(Action::ReadContent),
        "credentials_portal_read_content",
    ),
];
