//! The table of flexportal's operations.

use attache_service::Action;
use http::Method;

use crate::operations::Access::KeyForSome;
use crate::operations::{Row, row};

/// What flexportal can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    CreateUrl,
}

/// What a URL to a file takes: it is answered with the file's name, type and size.
pub(super) const TO_READ: &[Action] = &[Action::ReadRecord, Action::CreateLink];

/// What a URL for a new file takes.
pub(super) const TO_UPLOAD: &[Action] = &[Action::Upload];

/// Every operation.
pub(super) static OPERATIONS: [Row<Operation>; 1] = [row(
    Operation::CreateUrl,
    Method::POST,
    "/v1/files/url",
    KeyForSome(&[Action::ReadRecord, Action::CreateLink, Action::Upload]),
    "flexportal_create_url",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_what_each_kind_of_url_takes() {
        let all = [TO_READ, TO_UPLOAD].concat();
        assert_eq!(OPERATIONS[0].access.actions(), all);
    }
}
