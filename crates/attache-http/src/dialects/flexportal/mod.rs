//! flexportal: signed URLs for files.

mod endpoints;
mod requests;
mod views;

use attache_service::Action;

use super::{DialectSpec, TenantFrom};
use crate::endpoint::endpoint;

pub(super) static DIALECT: DialectSpec = DialectSpec {
    name: "flexportal",
    title: "Signed URLs for files",
    tenant: TenantFrom::Header("Tenant-ID"),
    endpoints: &[endpoint!(
        endpoints::flexportal_create_url,
        KeyForSome(&[Action::ReadRecord, Action::CreateLink, Action::Upload])
    )],
};

/// The actions that a URL to a file takes: the response has the file's name, type and size.
const TO_READ: &[Action] = &[Action::ReadRecord, Action::CreateLink];

/// The actions that a URL for a new file takes.
const TO_UPLOAD: &[Action] = &[Action::Upload];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_has_the_actions_of_each_kind_of_url() {
        let all = [TO_READ, TO_UPLOAD].concat();
        assert_eq!(DIALECT.endpoints[0].access.actions(), all);
    }
}
